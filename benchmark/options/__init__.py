"""The options of all commands: one declaration for flags, variables, files, Python keywords and the reference."""
