"""One module per command, with all its steps: what `import benchmark` offers and the command line calls."""
