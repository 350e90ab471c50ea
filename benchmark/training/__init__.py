"""Training a candidate on a corpus, with out-of-fold answers for its score."""
