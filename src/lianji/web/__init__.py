"""Pages and the HTTP API. This room receives the others through ``ports`` and builds none."""
