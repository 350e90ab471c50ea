"""Scores of parts of a corpus, and of its speakers."""
