"""The words of single pages, in English and Chinese."""
