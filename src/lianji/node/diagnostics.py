"""A bundle for whoever helps: all that one asks for first, in one zip, and no secret in it.

What a secret is says ``base/redaction.py``. Their lines are blanked, and then no file of the bundle
may hold one of them in whatever other place.
"""

from __future__ import annotations

import io
import json
import os
import platform
import sys
import zipfile
from collections.abc import Iterator, Mapping
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from lianji.base.clock import iso_of, now_us
from lianji.base.errors import LianjiError, LinkDown, NotFound
from lianji.base.redaction import redacted, secrets_of, without
from lianji.node.asked import answer_of
from lianji.node.doctor import examine
from lianji.node.folder import PlantFolder
from lianji.node.logging import recent_lines
from lianji.node.settings import load_settings

FILES_MAX = 20_000


def bundle(folder: PlantFolder, status: Mapping[str, Any] | None) -> bytes:
    """The zip. ``status`` is what the running plant says of itself; None: it does not run.

    Raises OSError where the folder cannot be read.
    """
    texts = dict(_texts(folder, status))
    secrets = _secrets(folder)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in texts.items():
            archive.writestr(f"lianji/{name}", without(secrets, text))
    return packed.getvalue()


def diagnostics_of(folder: PlantFolder) -> bytes:
    """The bundle: by the plant if it runs and answers, else made here. Raises NotFound, OSError."""
    load_settings(folder.root)
    try:
        return answer_of(folder, "/api/diagnostics").content
    except (NotFound, LinkDown):
        return bundle(folder, None)


def _texts(folder: PlantFolder, status: Mapping[str, Any] | None) -> Iterator[tuple[str, str]]:
    yield "about.json", _json(_about())
    yield "findings.json", _json(_findings(folder))
    yield "status.json", _json(status or {"running": False})
    yield "log.txt", "\n".join(recent_lines()) + "\n"
    yield "files.tsv", "\n".join(_listing(folder)) + "\n"
    for file in _configuration(folder):
        text = file.read_text(encoding="utf-8-sig", errors="replace")
        name = file.relative_to(folder.root).as_posix()
        yield f"configuration/{name}", redacted(text) if file.suffix == ".toml" else text


def _configuration(folder: PlantFolder) -> Iterator[Path]:
    yield from (file for file in (folder.settings,) if file.exists())
    yield from sorted(folder.devices.glob("*.toml"))
    yield from sorted(folder.tags.glob("*.csv"))


def _secrets(folder: PlantFolder) -> set[str]:
    found = (secrets_of(f.read_bytes()) for f in _configuration(folder) if f.suffix == ".toml")
    return set().union(*found)


def _about() -> dict[str, Any]:
    return {
        "time": iso_of(now_us()),
        "python": sys.version,
        "system": platform.platform(),
        "libc": " ".join(platform.libc_ver()),
        "cores": os.cpu_count(),
        "load": os.getloadavg(),
        "memory": _first_lines(Path("/proc/meminfo"), 3),
        "packages": dict(sorted((d.metadata["Name"], d.version) for d in distributions())),
    }


def _first_lines(file: Path, count: int) -> list[str]:
    return file.read_text().splitlines()[:count] if file.exists() else []


def _findings(folder: PlantFolder) -> list[dict[str, Any]]:
    try:
        found = examine(folder)
    except LianjiError as error:
        return [error.as_json()]
    return [
        {
            "check": finding.check.en,
            "found": finding.found.en,
            "problem": finding.problem and finding.problem.as_json(),
        }
        for finding in found
    ]


def _listing(folder: PlantFolder) -> Iterator[str]:
    """Name, bytes and time of the plant's files, data included."""
    yield "bytes\tmodified\tfile"
    files = (file for file in sorted(folder.root.rglob("*")) if file.is_file())
    for number, file in enumerate(files):
        if number == FILES_MAX:
            yield f"... and more than {FILES_MAX}"
            return
        try:
            stat = file.stat()
        except FileNotFoundError:
            continue  # gone since it was listed
        modified = iso_of(stat.st_mtime_ns // 1000)
        yield f"{stat.st_size}\t{modified}\t{file.relative_to(folder.root).as_posix()}"


def _json(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, indent=2, default=str)
