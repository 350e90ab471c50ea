"""Checkpoints, their heads, and inference."""
