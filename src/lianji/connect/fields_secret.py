"""Which fields hold what nobody may read back."""

from __future__ import annotations

HIDDEN = "***"
"""Stands for a secret wherever one is shown; sent back, it means: as it is."""


def is_secret(name: str) -> bool:
    """The variable that holds a secret is none itself."""
    return name.endswith(("password", "secret", "token", "passphrase"))
