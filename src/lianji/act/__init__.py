"""What follows from the samples: alarms. It reads the history and writes its own tables."""
