"""Decoding, resampling, windows, and the synthetic voice."""
