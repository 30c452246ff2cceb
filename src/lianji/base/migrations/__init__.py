"""How the tables of the state came to be, step by step: ``versions/0001`` and on, in one line."""
