"""A hub's folder, copied to be drilled with: the first is read and nothing else.

What changes is copied as one moment of it, as a backup does; data files, which never change, are
hard links where the disk has them. The copy speaks to nobody: it has no machines, no ways of
notification, no tiers, no database elsewhere, and no address but loopback.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path

import tomlkit

from lianji.base.durable import make_folder
from lianji.base.errors import Busy, Text
from lianji.history.backup.segments import Hole, Moved
from lianji.history.backup.snapshot import Taking
from lianji.history.backup.sqlite_copy import content_of
from lianji.node.backup import parts_of
from lianji.node.folder import PlantFolder
from lianji.node.pairing import FILE as GROUP
from lianji.node.settings import FILE, load_settings
from lianji.node.site_file import changed
from lianji.node.state_copy import COPY
from lianji.node.state_copy import FILE as STATE

TRIES = 10
LOOPBACK = "127.0.0.1"
_OUTWARD = ("notify", "relay", "web", "state")
"""Parts of ``lianji.toml`` that a copy must not have."""


def copy_of_hub(folder: PlantFolder, target: Path, port: int) -> PlantFolder:
    """The copy, whose door is ``port`` of loopback. Raises NotFound, Busy, StorageError, OSError.

    ``target`` must not exist.
    """
    site = load_settings(folder.root).site.name
    hole: int | None = None
    for _ in range(TRIES):
        shutil.rmtree(target, ignore_errors=True)
        try:
            _copy(folder, site, target, hole)
            break
        except Hole as found:
            hole = found.behind
        except (Moved, FileNotFoundError):
            continue
    else:
        raise Busy(
            "drill-moving",
            Text("The hub moved on faster than it could be copied.", "数据变化过快，无法复制。"),
            Text("Run the drill again.", "请重新演练。"),
        )
    copy = PlantFolder(target)
    _shut_in(copy, port)
    return copy


def _copy(folder: PlantFolder, site: str, target: Path, hole: int | None) -> None:
    parts = parts_of(folder, site)
    make_folder(target.resolve())
    snapshot = Taking(parts, target.resolve(), hole).run()
    for table, log in snapshot.logs.items():
        for file in log.files:
            _link(parts.root / table / file.path, target / table / file.path)
    (target / "data" / COPY).unlink(missing_ok=True)
    state = folder.data / STATE
    if state.exists():
        (target / "data" / STATE).write_bytes(content_of(state))


def _link(source: Path, target: Path) -> None:
    target.parent.mkdir(parents=True, exist_ok=True)
    try:
        os.link(source, target)
    except FileNotFoundError:
        raise
    except OSError:  # another disk, or one without links
        shutil.copyfile(source, target)


def _shut_in(copy: PlantFolder, port: int) -> None:
    for folder in (copy.devices, copy.templates):
        shutil.rmtree(folder, ignore_errors=True)
    copy.devices.mkdir()
    if not (copy.hub / GROUP).exists():  # an edge of a hub that is none of ours
        shutil.rmtree(copy.relay, ignore_errors=True)
    (copy.relay / "book.json").unlink(missing_ok=True)
    with suppress(FileNotFoundError):
        (copy.spool / "readers" / "relay").unlink()
    with changed(copy) as document:
        for part in _OUTWARD:
            document.pop(part, None)
        history = document.setdefault("history", tomlkit.table())
        for part in ("tiers", "retention"):
            history.pop(part, None)
        history["flush_s"] = 0.5
        hub = document.setdefault("hub", tomlkit.table())
        hub["host"], hub["port"] = LOOPBACK, port
        hub["addresses"] = [f"https://{LOOPBACK}:{port}"]
        hub["samples_per_s"] = 0
        document["web"] = {"host": LOOPBACK, "port": 0, "open": True}


def is_hub(folder: PlantFolder) -> bool:
    return (folder.root / FILE).exists() and (folder.hub / "ca.pem").exists()
