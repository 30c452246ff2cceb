"""Compaction: many small files of a day become few large ones, and rollups of what they hold."""
