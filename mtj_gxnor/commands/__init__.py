"""The commands of the command line: options in, one line out; the work is done elsewhere."""
