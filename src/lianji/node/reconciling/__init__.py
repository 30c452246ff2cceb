"""Hub and edges compare what they have: the edge's answers, the hub's questions, the night."""
