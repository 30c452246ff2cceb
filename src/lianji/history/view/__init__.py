"""One moment of the history, files and memory together, and how rows are found in it."""
