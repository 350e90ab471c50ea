"""What of a run is published, as files: built from what is public, so that nothing private has to be taken out."""
