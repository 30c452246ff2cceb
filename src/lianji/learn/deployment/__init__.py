"""Models beside the machines: accepted, watched, corrected, and taken back by themselves."""
