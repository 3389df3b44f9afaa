"""Hardware around the machine on a board: UART, the link's responder, the top level."""
