"""What a hub tells its edges: signed, versioned, applied or refused with a reason."""
