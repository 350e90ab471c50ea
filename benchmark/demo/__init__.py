"""The embedded default: a registry, a corpus and tiny checkpoints that need no network."""
