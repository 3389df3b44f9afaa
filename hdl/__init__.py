"""The machine in Amaranth: one file per block, named and ordered like its twin in `golden/`."""
