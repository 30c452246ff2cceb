"""Machines of a running plant: listed, tried, found, and turned into files."""
