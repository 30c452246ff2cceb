"""Which versions were accepted, at which stage each is, and every move with its reason.

One small JSON file, replaced as a whole: after a power cut it is the old one or the new one.
"""

from __future__ import annotations

from pathlib import Path

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lianji.base.durable import make_folder, write_atomically
from lianji.base.errors import NotFound, StorageError, Text
from lianji.learn.deployment.stages import Stage

MOVES_MAX = 200


class _Kept(BaseModel):
    model_config = ConfigDict(extra="forbid")


class Move(_Kept):
    """One version went from a stage to another."""

    time_us: int
    version: int
    old: Stage | None
    new: Stage
    by: str
    why_en: str = ""
    why_zh: str = ""
    by_itself: bool = False


class Version(_Kept):
    """One accepted bundle. ``key`` is the one that signed it, as ``bundle.key_text`` writes it."""

    stage: Stage
    since_us: int
    key: str
    owner: str
    hash: str


class Entry(_Kept):
    """All that is known of a model by its name."""

    newest: int = 0
    """The highest version that was ever accepted: only newer ones are taken."""
    versions: dict[int, Version] = Field(default_factory=dict)
    moves: list[Move] = Field(default_factory=list)

    def at(self, stage: Stage) -> int | None:
        """The version that is at a stage, the newest of several."""
        found = [number for number, one in self.versions.items() if one.stage == stage]
        return max(found, default=None)

    def move(self, version: int, new: Stage, now_us: int, by: str, why: Text | None = None,
             by_itself: bool = False) -> None:  # fmt: skip
        """Note it; whether it is allowed is asked before."""
        one = self.versions[version]
        said = why or Text("", "")
        self.moves.append(Move(time_us=now_us, version=version, old=one.stage, new=new, by=by,
                               why_en=said.en, why_zh=said.zh, by_itself=by_itself))  # fmt: skip
        self.moves = self.moves[-MOVES_MAX:]
        self.versions[version] = one.model_copy(update={"stage": new, "since_us": now_us})


class Ledger(_Kept):
    """Of one plant."""

    models: dict[str, Entry] = Field(default_factory=dict)

    def version(self, name: str, version: int) -> Version:
        """Raises NotFound."""
        entry = self.models.get(name)
        found = entry.versions.get(version) if entry else None
        if found is None:
            raise NotFound(
                "model-missing",
                Text(
                    f"There is no model {name}@{version} here.", f"此处没有模型 {name}@{version}。"
                ),
                Text("See `lianji deploy list`.", "请查看 `lianji deploy list`。"),
            )
        return found


def read_ledger(path: Path) -> Ledger:
    """An empty one where there is none. Raises StorageError for one that cannot be understood."""
    try:
        return Ledger.model_validate_json(path.read_bytes())
    except FileNotFoundError:
        return Ledger()
    except ValidationError as error:
        raise StorageError(
            "models-unreadable",
            Text(f"{path} cannot be understood.", f"无法识别 {path}。"),
            Text("Put the copy of a backup in its place.", "请用备份中的副本替换。"),
        ) from error


def write_ledger(path: Path, ledger: Ledger) -> None:
    """Durable when this returns. Raises OSError."""
    make_folder(path.parent.resolve())
    write_atomically(path, ledger.model_dump_json(indent=1).encode())
