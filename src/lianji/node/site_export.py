"""Handing over a site: all of it in open files, with a manifest by which anybody can check it.

samples/2026-11-24.parquet   tag, time, value, text, quality; a file a day (UTC)
tags.csv                     the tags, as a tag table has them
annotations.csv              what people noted
manifest.json                of each day rows and hash, of each file bytes and SHA-256; signed
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.csv

from lianji.base.clock import from_us, now_us
from lianji.base.durable import make_folder, write_atomically
from lianji.base.errors import InputError, NotFound, StorageError, Text
from lianji.dictionary.batch import TIME_US_MAX, TIME_US_MIN
from lianji.dictionary.tag import Tag
from lianji.dictionary.tag_table import table_bytes
from lianji.history.backup.row_hash import days_of_file
from lianji.history.export import Export, export_samples
from lianji.history.removal import is_of
from lianji.node.enrolment import authority_of
from lianji.node.folder import PlantFolder
from lianji.node.opened import OpenedPlant
from lianji.relay.trust.signed import is_signed, signed

MANIFEST = "manifest.json"
Progress = Callable[[int, int], None]


def export_site(
    folder: PlantFolder, site: str, to: Path, by: str, progress: Progress = lambda *_: None
) -> dict[str, Any]:
    """Write the export into a folder that is new or empty; its manifest.

    Raises NotFound for a site of which there is nothing, InputError, StorageError (also where files
    of the history cannot be read: an export that lacks rows is none), OSError.
    """
    authority = authority_of(folder)
    if to.exists() and any(to.iterdir()):
        raise InputError(
            "export-folder-full",
            Text(f"{to} is not empty.", f"{to} 不是空文件夹。"),
            Text("Name a new folder.", "请指定新文件夹。"),
        )
    opened = OpenedPlant(folder.root)
    history = opened.history.exact
    made = opened.configuration.calculated
    paths = [path for path in history.tags() if is_of(site, path) and path not in made]
    if not paths:
        raise _nothing(site)
    make_folder(to.resolve())
    wanted = Export(paths, TIME_US_MIN, TIME_US_MAX, to / "samples")
    done = export_samples(history, wanted, progress)
    if done.unreadable:
        raise _incomplete(done.unreadable)
    known = opened.configuration.tags
    tags = [known.get(path) or Tag(path=path) for path in paths]
    write_atomically(to / "tags.csv", table_bytes(tags))
    notes = [n for n in history.annotations(None, TIME_US_MIN, TIME_US_MAX).to_pylist()
             if is_of(site, n["tag"])]  # fmt: skip
    _write_notes(to / "annotations.csv", notes)
    manifest = {
        "kind": "lianji-site-export",
        "hub": authority.name,
        "site": site,
        "by": by,
        "written": f"{from_us(now_us()):%Y-%m-%dT%H:%M:%SZ}",
        "rows": done.rows,
        "tags": len(tags),
        "annotations": len(notes),
        "days": _days_in(to),
        "files": {name: _digest(to / name) for name in _names(to)},
    }
    whole = signed(authority, manifest)
    write_atomically(to / MANIFEST, json.dumps(whole, ensure_ascii=False, indent=1).encode())
    return whole


def verify_export(to: Path) -> tuple[dict[str, Any], list[Text]]:
    """The manifest of an export, and what is wrong with its files: [] if nothing is.

    Raises NotFound where there is no manifest.
    """
    manifest = read_document(to / MANIFEST)
    wrong: list[Text] = []
    if not is_signed(manifest):
        wrong.append(Text("The manifest was changed.", "清单已被更改。"))
    there, told = set(_names(to)), manifest.get("files", {})
    for name in sorted(there ^ set(told)):
        missing = name in told
        en, zh = ("is missing", "缺失") if missing else ("is not in the manifest", "不在清单中")
        wrong.append(Text(f"{name} {en}.", f"{name} {zh}。"))
    changed = [name for name in sorted(there & set(told)) if _digest(to / name) != told[name]]
    wrong += [Text(f"{name} was changed.", f"{name} 已被更改。") for name in changed]
    if not wrong and _days_in(to) != manifest["days"]:
        wrong.append(Text("The rows are not those of the manifest.", "数据行与清单不一致。"))
    return manifest, wrong


def read_document(path: Path) -> dict[str, Any]:
    """A manifest or a report. Raises NotFound for what is neither."""
    try:
        found = json.loads(path.read_text("utf-8"))
        if isinstance(found, dict):
            return found
    except (OSError, ValueError):
        pass
    raise NotFound(
        "export-missing",
        Text(f"{path} is no manifest and no report.", f"{path} 不是清单或报告。"),
        Text("Name the folder of an export, or a report.", "请指定导出文件夹或删除报告。"),
    )


def _names(to: Path) -> list[str]:
    files = [path for path in to.rglob("*") if path.is_file() and path != to / MANIFEST]
    return sorted(path.relative_to(to).as_posix() for path in files)


def _digest(path: Path) -> dict[str, Any]:
    with path.open("rb") as file:
        return {
            "bytes": path.stat().st_size,
            "sha256": hashlib.file_digest(file, "sha256").hexdigest(),
        }


def _days_in(to: Path) -> dict[str, Any]:
    """As the report of a deletion tells them."""
    days: dict[str, Any] = {}
    for path in sorted((to / "samples").glob("*.parquet")):
        try:
            found = days_of_file(path, path.stem)
        except pa.ArrowException:
            found = {}
        for day, (rows, total) in found.items():
            days[day] = {"rows": rows, "hash": f"{total:016x}"}
    return days


def _write_notes(path: Path, notes: list[dict[str, Any]]) -> None:
    sink = pa.BufferOutputStream()
    columns = ["id", "tag", "start", "end", "text", "author", "written"]
    rows = [{name: str(note[name]) for name in columns} for note in notes]
    schema = pa.schema([pa.field(name, pa.string()) for name in columns])
    pyarrow.csv.write_csv(pa.Table.from_pylist(rows, schema), sink)
    write_atomically(path, b"\xef\xbb\xbf" + sink.getvalue().to_pybytes())


def _nothing(site: str) -> NotFound:
    return NotFound(
        "site-unknown",
        Text(f"The hub has nothing of {site!r}.", f"中心没有 {site!r} 的数据。"),
        Text("See `lianji hub sites` and `lianji tags`.", "请查看 `lianji hub sites`。"),
    )


def _incomplete(files: list[str]) -> StorageError:
    return StorageError(
        "export-incomplete",
        Text(
            f"{len(files)} files of the history cannot be read, such as {files[0]}.",
            f"历史库有 {len(files)} 个文件无法读取，如 {files[0]}。",
        ),
        Text("Restore them, then export again.", "请恢复后重新导出。"),
    )
