"""What every room needs and no room owns: errors, the clock, ids, durable files, settings."""
