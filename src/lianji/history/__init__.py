"""The historian: append, query, aggregate, in a table that anyone can read."""
