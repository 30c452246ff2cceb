"""From the spool of an edge to the spool of a hub, once and only once."""
