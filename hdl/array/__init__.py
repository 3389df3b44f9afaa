"""The synapse array, what an analog macro replaces, in parts along its pipeline."""
