"""`leaderboard.html`: one page to look at, sort, filter and listen to, that opens from disk without a network."""
