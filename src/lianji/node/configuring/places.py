"""Which files say what a plant is, and what lies in them now."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from hashlib import sha256
from pathlib import Path

from lianji.base.errors import InputError, Text
from lianji.connect.devices import NAME
from lianji.node.settings import FILE

PLACES = (
    ("devices", ".toml"),
    ("tags", ".csv"),
    ("alarms", ".csv"),
    ("templates", ".toml"),
    ("templates", ".csv"),
)
"""A folder, and the end of the names in it that count."""
_TABLE = re.compile(r"[^/\\.\x00-\x1f][^/\\\x00-\x1f]*")

Files = Mapping[str, bytes]
Change = Mapping[str, bytes | None]
"""Relative path -> its new bytes, or None where the file is to go."""
Stamps = Mapping[str, tuple[int, int, int]]
"""Path -> inode, size and time of the last change in ns: the same as long as a file is."""


def check_place(path: str) -> None:
    """Raises InputError for a path that is no part of a plant's configuration."""
    folder, _, name = path.partition("/")
    fits = NAME if folder == "devices" else _TABLE
    ends = [end for place, end in PLACES if place == folder and name.endswith(end)]
    if path == FILE or any(fits.fullmatch(name.removesuffix(end)) for end in ends):
        return
    raise InputError(
        "place-invalid",
        Text(
            f"'{path}' is no file of a plant's configuration.",
            f"“{path}”不是工厂配置文件。",
        ),
        Text(
            f"Write {FILE}, devices/<name>.toml, tags/<name>.csv or alarms/<name>.csv.",
            f"请使用 {FILE}、devices/<名称>.toml、tags/<名称>.csv 或 alarms/<名称>.csv。",
        ),
    )


def paths_in(root: Path) -> Iterator[str]:
    """The configuration's files, as relative paths."""
    if (root / FILE).is_file():
        yield FILE
    for folder, end in PLACES:
        for path in sorted((root / folder).glob(f"*{end}")):
            if path.is_file() and not path.name.startswith("."):
                yield f"{folder}/{path.name}"


def read_files(root: Path) -> dict[str, bytes]:
    """All of them. A file that goes while we look is not there."""
    found: dict[str, bytes] = {}
    for path in paths_in(root):
        try:
            found[path] = (root / path).read_bytes()
        except FileNotFoundError:
            continue
    return found


def stamps(root: Path) -> dict[str, tuple[int, int, int]]:
    """Of all of them, without reading any."""
    found = {}
    for path in paths_in(root):
        try:
            status = (root / path).stat()
        except FileNotFoundError:
            continue
        found[path] = (status.st_ino, status.st_size, status.st_mtime_ns)
    return found


def hash_of(content: bytes) -> str:
    return sha256(content).hexdigest()


def changed(old: Files, change: Change) -> dict[str, bytes]:
    """The files after a change."""
    new = {**old}
    for path, content in change.items():
        if content is None:
            new.pop(path, None)
        else:
            new[path] = content
    return new
