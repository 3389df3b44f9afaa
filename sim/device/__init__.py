"""Report on device physics, command line of ``make device``: `sections` compute, `plots` draws."""
