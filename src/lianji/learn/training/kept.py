"""What a training has chosen so far: a run that was preempted goes on from there.

Of the minute that a training takes, choosing is the most. What was chosen is a few numbers, which
JSON gives back to the last bit; so a training that was interrupted ends with the same bytes.
"""

from __future__ import annotations

import json
from hashlib import sha256
from importlib.metadata import version as installed
from pathlib import Path
from typing import Any

from lianji.base.durable import write_atomically
from lianji.learn.training.work import Work

FILE = "chosen.json"


class Kept:
    """The choices of one training, in its folder. Another data set or specification, or another
    version of Lianji, begins anew."""

    def __init__(self, work: Work) -> None:
        manifest = work.frozen.manifest
        told: list[Any] = [manifest.hash, manifest.version, work.spec.model_dump(mode="json")]
        told.append(installed("lianji"))
        self._path = work.folder / FILE
        self._key = sha256(json.dumps(told, sort_keys=True).encode()).hexdigest()
        self._choices = _read(self._path, self._key)

    def get(self, what: str) -> Any:
        """What was put under this name; None where nothing was."""
        return self._choices.get(what)

    def put(self, what: str, choice: Any) -> None:
        """Plain JSON, durable when this returns. Raises OSError."""
        self._choices[what] = choice
        whole = {"key": self._key, "choices": self._choices}
        self._path.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(self._path, json.dumps(whole).encode())

    def clear(self) -> None:
        """The training is done: the next one chooses for itself."""
        self._path.unlink(missing_ok=True)


def _read(path: Path, key: str) -> dict[str, Any]:
    try:
        whole = json.loads(path.read_bytes())
        return dict(whole["choices"]) if whole["key"] == key else {}
    except (OSError, ValueError, KeyError, TypeError):
        return {}
