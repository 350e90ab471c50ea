"""What can be known of a repository without its weights, and its files when they are needed."""
