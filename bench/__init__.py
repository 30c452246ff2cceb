"""Benchmarks: ``make bench SUITE=name``. Rivals are measured in the same run, and nothing fails a
test: a figure is what it is, beside its goal and the machine that made it.
"""
