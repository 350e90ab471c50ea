"""Where clips and labels come from."""
