"""From AXI4-Lite and AXI4-Stream to the ports of the machine."""
