"""Running the usable candidates on the user's audio."""
