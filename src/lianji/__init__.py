"""Lianji (联机) joins the machines of a plant: it reads them, keeps what they say, shows it.

import lianji
plant = lianji.open("my-plant")
plant.history.read("my-plant/line1/*", "2026-01-01T00:00Z", "2026-01-02T00:00Z")
plant.history.sql("select tag, avg(value) from samples group by tag")
"""

from __future__ import annotations

from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from lianji.node.opened import OpenedPlant

__all__ = ["open"]


def open(path: str | PathLike[str] = ".") -> OpenedPlant:
    """Open a plant's folder to ask it; the plant may be running. Raises NotFound."""
    from lianji.node.opened import OpenedPlant

    return OpenedPlant(Path(path))
