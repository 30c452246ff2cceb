"""What every test shares: the plant's folder is a fresh one, and no real clock zone matters."""

from __future__ import annotations
