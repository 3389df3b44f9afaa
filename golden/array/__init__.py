"""The synapse array: device states, devices that vary, converters."""
