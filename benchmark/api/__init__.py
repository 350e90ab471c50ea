"""The verbs, each the whole way in order: what `import benchmark` offers, and what the command line calls.

One module per verb, so that who only verifies waits for no library that only a run needs.
"""
