"""What an edge knows of the messages that it had, in ``inbox.json``: it never goes back.

The last version of each kind that was begun, the message that is being worked on, and the last
answers, so that who asks again gets the same one.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from lianji.base.durable import make_folder, write_atomically
from lianji.base.errors import StorageError, Text

ANSWERS_MAX = 200
Result = dict[str, Any]


class Remembered:
    """One file. Raises StorageError if it is damaged or cannot be written."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.versions: dict[str, int] = {}
        self.begun = ""
        """The id of the message that is being worked on; empty: none."""
        self._answers: dict[str, Result] = {}
        try:
            told = json.loads(path.read_bytes())
            self.versions = {str(kind): int(last) for kind, last in told["versions"].items()}
            self.begun, self._answers = str(told["begun"]), dict(told["answers"])
        except FileNotFoundError:
            return
        except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
            raise _unusable(path, str(error)) from error

    def answer(self, identity: str) -> Result | None:
        return self._answers.get(identity)

    def last(self, kind: str) -> int:
        """0 if there was none."""
        return self.versions.get(kind, 0)

    def begin(self, identity: str, kind: str, version: int) -> None:
        """From here on it counts as had, also after a crash."""
        self.begun = identity
        self.versions[kind] = max(self.last(kind), version)
        self._write()

    def end(self, identity: str, result: Result) -> None:
        self.begun = ""
        self._answers[identity] = result
        for old in list(self._answers)[:-ANSWERS_MAX]:
            del self._answers[old]
        self._write()

    def _write(self) -> None:
        told = {"versions": self.versions, "begun": self.begun, "answers": self._answers}
        try:
            make_folder(self._path.parent.resolve())
            write_atomically(self._path, json.dumps(told, ensure_ascii=False).encode())
        except OSError as error:
            raise _unusable(self._path, error.strerror or str(error)) from error


def _unusable(path: Path, why: str) -> StorageError:
    return StorageError(
        "inbox-unusable",
        Text(f"{path} cannot be used: {why}.", f"{path} 无法使用：{why}。"),
        Text(
            "Free space on the edge's disk; if the file is damaged, restore it from a backup.",
            "请释放边缘端磁盘空间；若文件已损坏，请从备份恢复。",
        ),
    )
