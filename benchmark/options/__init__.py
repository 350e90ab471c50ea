"""The options of all commands, each declared once for the command line, files, variables, keywords and the docs."""
