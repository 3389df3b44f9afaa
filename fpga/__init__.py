"""The machine on real hardware, and the host's side of it."""
