"""The kinds of messages and how large each may be."""

from __future__ import annotations

from enum import StrEnum


class Kind(StrEnum):
    """What a hub may tell an edge."""

    CONFIGURATION = "configuration"
    DICTIONARY = "dictionary"
    BUNDLE = "bundle"
    COMMAND = "command"


LENGTH_MAX = {
    Kind.CONFIGURATION: 16 << 20,
    Kind.DICTIONARY: 64 << 20,
    Kind.BUNDLE: 512 << 20,
    Kind.COMMAND: 64 << 10,
}
"""Bytes of content, by kind."""
