"""The machine in NumPy: bit-exact, integer, readable; the reference that the hardware in `hdl/` must equal."""
