"""The accepted bundles of a plant and their ledger, in one folder: ``data/deployed``.

A bundle's file is durable before the ledger names it. What the ledger does not name is not there.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from pathlib import Path

from lianji.base.durable import make_folder, write_atomically
from lianji.base.errors import Text
from lianji.learn.deployment.admission import Admitted
from lianji.learn.deployment.home import NO_HUB, Home
from lianji.learn.deployment.ledger import (
    Entry,
    Ledger,
    Move,
    Version,
    read_ledger,
    write_ledger,
)
from lianji.learn.deployment.stages import RUNNING, Stage, check_move
from lianji.learn.models.bundle import Bundle, unpack

LEDGER = "ledger.json"
ITSELF = "lianji"
"""Who moves a version when nobody did."""


class Deployments:
    """Safe for many threads of one process."""

    def __init__(self, folder: Path, home: Home = NO_HUB) -> None:
        """Raises StorageError for a ledger that cannot be understood."""
        self.folder, self._home = folder, home
        self._lock = threading.RLock()
        self._ledger = read_ledger(folder / LEDGER)
        self.version = 0
        """Grows with every change."""

    def ledger(self) -> Ledger:
        """As it is now; a copy."""
        with self._lock:
            return self._ledger.model_copy(deep=True)

    def keep(self, admitted: Admitted, now_us: int, by: str) -> None:
        """Take a bundle in, at the first stage. Raises OSError."""
        card = admitted.bundle.card
        with self._lock:
            make_folder(self.path(card.name, card.version).parent.resolve())
            write_atomically(self.path(card.name, card.version), admitted.content)
            draft = self._ledger.model_copy(deep=True)
            entry = draft.models.setdefault(card.name, Entry())
            entry.newest = card.version
            entry.versions[card.version] = Version(
                stage=Stage.STAGED, since_us=now_us, key=admitted.key, owner=admitted.owner,
                hash=admitted.hash,
            )  # fmt: skip
            entry.moves.append(
                Move(time_us=now_us, version=card.version, old=None, new=Stage.STAGED, by=by)
            )
            self._write(draft)

    def open(self, name: str, version: int) -> Bundle:
        """Its signature is checked again. Raises NotFound, InputError, OSError."""
        with self._lock:
            one = self._ledger.version(name, version)
        content = self.path(name, version).read_bytes()
        return self._home.bundle(unpack(content, {one.key: one.owner})[0])

    def move(self, name: str, version: int, stage: Stage, now_us: int, by: str) -> None:
        """As somebody bids. Another that was active becomes the fallback, or the other way round.

        Raises NotFound, Conflict.
        """

        def change(entry: Entry) -> None:
            active = entry.at(Stage.ACTIVE)
            if stage is Stage.ACTIVE and active is not None:
                for number, one in entry.versions.items():
                    if one.stage is Stage.FALLBACK and number != version:
                        entry.move(number, Stage.RETIRED, now_us, by)
                entry.move(active, Stage.FALLBACK, now_us, by)
            if stage is Stage.ADVISORY:
                for number, one in list(entry.versions.items()):
                    if one.stage is Stage.ADVISORY and number != version:
                        entry.move(number, Stage.SHADOW, now_us, by)
            entry.move(version, stage, now_us, by)

        with self._lock:
            old = self._ledger.version(name, version).stage
            check_move(f"{name}@{version}", old, stage)
            self._change(name, change)

    def roll_back(self, name: str, version: int, now_us: int, why: Text) -> Stage | None:
        """Take a version that is doubted away from the real tags; where it is afterwards.

        The version that was active before speaks again; without one nobody does. None if the
        version was not speaking.
        """

        def change(entry: Entry) -> None:
            was_active = entry.versions[version].stage is Stage.ACTIVE
            entry.move(version, Stage.SHADOW, now_us, ITSELF, why, by_itself=True)
            before = entry.at(Stage.FALLBACK)
            if was_active and before is not None:
                entry.move(before, Stage.ACTIVE, now_us, ITSELF, why, by_itself=True)

        with self._lock:
            if self._ledger.version(name, version).stage not in RUNNING - {Stage.SHADOW}:
                return None
            self._change(name, change)
        return Stage.SHADOW

    def path(self, name: str, version: int) -> Path:
        """Of the bundle; what the version remembers lies beside it."""
        return self.folder / f"{name}@{version}" / "bundle"

    def _change(self, name: str, change: Callable[[Entry], None]) -> None:
        draft = self._ledger.model_copy(deep=True)
        change(draft.models[name])
        self._write(draft)

    def _write(self, draft: Ledger) -> None:
        write_ledger(self.folder / LEDGER, draft)
        self._ledger = draft
        self.version += 1
