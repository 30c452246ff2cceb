"""Data sets: parts of the history, frozen, so that a model can be trained twice on the same rows.

A specification names tags, a range and a grid. A version is a folder of Parquet files with a
manifest, whose hashes say at any later time whether the rows are still those.
"""
