"""Decoding, resampling, windows, measurements and perturbations of audio."""
