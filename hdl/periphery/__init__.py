"""The digital periphery, in parts along the block diagram: commands, results, transfers, events."""
