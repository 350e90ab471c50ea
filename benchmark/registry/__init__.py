"""The list of candidates, as typed and validated data."""
