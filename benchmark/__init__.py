"""Which speech-emotion model to use, for your audio, on your machine, and whether to trust the answer."""
