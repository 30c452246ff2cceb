"""The log of a Delta table, written and read by us: durable before it is visible, never torn."""
