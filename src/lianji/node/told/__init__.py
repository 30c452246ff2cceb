"""What a hub tells a plant, and what the plant does about it."""
