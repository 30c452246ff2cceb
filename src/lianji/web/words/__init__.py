"""The words of single pages, each a dict ``TEXTS`` that ``locale`` merges."""
