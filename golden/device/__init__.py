"""Device physics in float and SI units: how a magnetic tunnel junction answers a write pulse."""
