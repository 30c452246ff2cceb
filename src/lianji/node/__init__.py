"""The wiring: what makes rooms into a running plant."""
