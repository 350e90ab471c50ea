"""What can be known of a repository, and what each failure of the Hub means."""
