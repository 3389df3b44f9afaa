"""One test module per block: random and exhaustive operations against the golden twin, cycle by cycle."""
