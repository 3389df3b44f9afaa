"""Training of quantised networks in PyTorch, with the switching of the machine's own tables."""
