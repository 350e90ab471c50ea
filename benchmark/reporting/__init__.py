"""Every table and page, from stored results alone."""
