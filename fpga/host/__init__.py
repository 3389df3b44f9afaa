"""The host of a machine on a bus: a driver, and the ways on which it reaches the machine."""
