"""What keeps the table small and fast by itself: what is due, and each kind of work."""
