"""A configuration from the hub: by the same door as a person's, and not done before its trial is.

What a machine answers decides: if it gives no good value any more, the plant takes the change back
by itself, and the hub hears the cause. Alarm tables follow once the trial has ended well.
"""

from __future__ import annotations

import json
import threading
from collections.abc import Mapping, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from lianji.base.durable import make_folder, write_atomically
from lianji.base.errors import InputError, LianjiError, Text
from lianji.node.alarm_tables import ALARMS, load_alarms
from lianji.node.configuring.places import Change
from lianji.node.configuring.running import Configuring
from lianji.node.configuring.versions import Version
from lianji.node.folder import PlantFolder
from lianji.node.told.contents import unpack
from lianji.relay.messages.fetching import Stopped
from lianji.relay.messages.inbox import Work

LOOK_S = 0.2
AUTHOR = "hub"
"""Of the versions that come from it."""


class Changing:
    """Changes the plant's files as the hub says. Called from one thread that may wait."""

    def __init__(self, folder: PlantFolder, configuring: Configuring) -> None:
        self._folder, self._configuring = folder, configuring
        self._trial = _Trial(folder.relay / "trial.json")

    def configuration(self, work: Work) -> dict[str, Any]:
        """Raises InputError for files that are not sound, or with the cause of a roll-back."""
        files = unpack(work.content.read_bytes())
        alarms = {p: c for p, c in files.items() if p.startswith(f"{ALARMS}/")}
        self._check_alarms(alarms)
        change = {path: content for path, content in files.items() if path not in alarms}
        done = self.change(work, change)
        for path, content in alarms.items():
            place = self._folder.root / path
            make_folder(place.parent.resolve())
            write_atomically(place, content)
        return {**done, "alarm_tables": sorted(alarms)} if alarms else done

    def change(self, work: Work, change: Change) -> dict[str, Any]:
        """The version, once its trial has ended. Raises LianjiError, Stopped."""
        _wait(work.stopping, lambda: not self._configuring.is_running)
        mark = f"message {work.envelope.id}"
        before = self._begun(mark) if work.resumed else None
        version = before or self._apply(change, mark)
        done: dict[str, Any] = {"configuration": version.id, "changed": version.note == mark}
        if version.note == mark:
            if before is None:
                self._trial.note(mark, self._configuring.on_trial_with(version.id))
            elif self._trial.mark == mark and self._configuring.current().id == version.id:
                self._configuring.try_again(version.id, self._trial.devices)
            elif before.rolled_back is None:
                done["trial"] = "cut short by a restart"
            _wait(work.stopping, lambda: self._configuring.undecided(version.id))
            self._refuse_if_gone(version.id)
        return done

    def _apply(self, change: Change, mark: str) -> Version:
        try:
            return self._configuring.apply(change, AUTHOR, mark)
        except LianjiError:
            raise
        except Exception as error:
            if not self._configuring.is_running:
                raise Stopped from error
            raise

    def _refuse_if_gone(self, identity: str) -> None:
        after = self._configuring.version(identity)
        if after.rolled_back is not None:
            raise _rolled_back(after)
        for problem in self._configuring.problems():
            if problem.code == "change-not-rolled-back":
                raise problem

    def _begun(self, mark: str) -> Version | None:
        """The version that the same message made before the plant was stopped."""
        return next((one for one in self._configuring.versions() if one.note == mark), None)

    def _check_alarms(self, changed: Mapping[str, bytes]) -> None:
        """Raises the first problem that the tables would bring."""
        if not changed:
            return
        before = {(p.code, p.cause.en) for p in load_alarms(self._folder).problems}
        with TemporaryDirectory(prefix="scratch-", dir=self._folder.versions) as scratch:
            tables = Path(scratch) / ALARMS
            tables.mkdir()
            for path in (self._folder.root / ALARMS).glob("*.csv"):
                (tables / path.name).write_bytes(path.read_bytes())
            for place, content in changed.items():
                (Path(scratch) / place).write_bytes(content)
            problems = load_alarms(PlantFolder(Path(scratch))).problems
        for problem in problems:
            if (problem.code, problem.cause.en) not in before:
                raise problem


class _Trial:
    """The devices that the last change from the hub is on trial with: a restart forgets them."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def note(self, mark: str, devices: Sequence[str]) -> None:
        make_folder(self._path.parent.resolve())
        write_atomically(self._path, json.dumps({"mark": mark, "devices": devices}).encode())

    @property
    def mark(self) -> str:
        return str(self._told().get("mark", ""))

    @property
    def devices(self) -> list[str]:
        return [str(name) for name in self._told().get("devices", [])]

    def _told(self) -> dict[str, Any]:
        try:
            told = json.loads(self._path.read_bytes())
        except (OSError, ValueError):
            return {}
        return told if isinstance(told, dict) else {}


def _wait(stopping: threading.Event, still: Any) -> None:
    """Raises Stopped when the plant ends first."""
    while not stopping.is_set() and still():
        stopping.wait(LOOK_S)
    if stopping.is_set():
        raise Stopped


def _rolled_back(version: Version) -> LianjiError:
    fault = version.rolled_back
    assert fault is not None
    return InputError(
        fault.code,
        Text(fault.cause.en, fault.cause.zh),
        Text(fault.remedy.en, fault.remedy.zh),
    )
