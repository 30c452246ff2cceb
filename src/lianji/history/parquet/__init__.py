"""Parquet files of sorted samples, written and read."""
