"""The canonical classes, their aliases, and label maps."""
