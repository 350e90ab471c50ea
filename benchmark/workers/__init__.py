"""Isolated processes whose crashes are answers."""
