"""The schemas of everything stored, and the store that keeps them."""
