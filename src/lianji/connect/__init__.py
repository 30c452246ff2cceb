"""Drivers and what carries them: device -> batch."""
