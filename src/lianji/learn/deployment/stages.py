"""How far a model is trusted, and which moves there are between the stages."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from lianji.base.errors import Conflict, Text


class Stage(StrEnum):
    STAGED = "staged"
    """Accepted; it does not run."""
    SHADOW = "shadow"
    """It computes; its outputs are tags of its own."""
    ADVISORY = "advisory"
    """Its outputs are the real tags, flagged uncertain."""
    ACTIVE = "active"
    """Its outputs are the real tags, with their own quality."""
    FALLBACK = "fallback"
    """It was active before the one that is; it does not run and waits."""
    RETIRED = "retired"
    """It does not run."""


RUNNING = frozenset({Stage.SHADOW, Stage.ADVISORY, Stage.ACTIVE})
MOVES: Mapping[Stage, tuple[Stage, ...]] = {
    Stage.STAGED: (Stage.SHADOW, Stage.RETIRED),
    Stage.SHADOW: (Stage.ADVISORY, Stage.RETIRED),
    Stage.ADVISORY: (Stage.ACTIVE, Stage.SHADOW, Stage.RETIRED),
    Stage.ACTIVE: (Stage.ADVISORY, Stage.SHADOW, Stage.RETIRED),
    Stage.FALLBACK: (Stage.ACTIVE, Stage.SHADOW, Stage.RETIRED),
    Stage.RETIRED: (Stage.SHADOW,),
}
"""What people may do: one step up at a time, down at any time."""


def check_move(name: str, old: Stage, new: Stage) -> None:
    """Raises Conflict, with the moves that there are."""
    if new in MOVES[old]:
        return
    may = ", ".join(MOVES[old])
    raise Conflict(
        "model-move",
        Text(f"{name} is {old}; it does not become {new}.", f"{name} 处于 {old}，不能变为 {new}。"),
        Text(f"It may become: {may}.", f"可变为：{may}。"),
    )
