"""Where a run is computed if not on this machine alone: a Ray cluster."""
