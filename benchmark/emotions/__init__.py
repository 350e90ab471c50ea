"""The canonical classes, their aliases in many languages, what corpora's codes mean, merges and label maps."""
