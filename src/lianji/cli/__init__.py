"""Thin verbs over the node. Data goes to standard output, messages to standard error."""
