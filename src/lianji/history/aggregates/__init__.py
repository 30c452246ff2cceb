"""Aggregates over intervals of time as OPC UA Part 13 (OPC 10000-13, 1.05) means them. Pure."""

from lianji.history.aggregates.grid import Grid
from lianji.history.aggregates.names import AGGREGATES, ALIASES, Aggregate, aggregate_named
from lianji.history.aggregates.process import process
from lianji.history.aggregates.result import Result
from lianji.history.aggregates.rules import Rules

__all__ = [
    "AGGREGATES",
    "ALIASES",
    "Aggregate",
    "Grid",
    "Result",
    "Rules",
    "aggregate_named",
    "process",
]
