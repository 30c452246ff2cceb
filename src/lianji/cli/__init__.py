"""Thin verbs over the node. Data goes to standard output, messages to standard error."""

from lianji.base import heap

heap.choose_arrow_pool()  # before anything here loads Arrow
