"""Lianji (联机) joins the machines of a plant: it reads them, keeps what they say, shows it."""

from __future__ import annotations
