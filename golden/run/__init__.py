"""A training run: data, what is presented when, comparison of two machines, progress."""
