"""Arithmetic over stored results: scores, intervals, ranks, diversity, flags."""
