"""The array against its golden twin."""
