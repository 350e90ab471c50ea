"""What makes a number suspicious: too close to chance, too good to be true, or somebody else's."""
