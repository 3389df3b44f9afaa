"""Report on device physics: `sections` compute, `plots` draws, `report` puts together."""
