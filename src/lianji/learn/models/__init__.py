"""Models: the card that says what one is, the signed bundle that it travels in, the registry."""
