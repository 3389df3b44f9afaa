"""From a configuration to a bitstream, and the checks on the way."""
