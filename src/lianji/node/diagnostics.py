"""A bundle for whoever helps: all that one asks for first, in one zip, and no secret in it.

Secrets are values of keys that are called so (``password``, ``secret_access_key``), names of users
in addresses included. Their lines are blanked, and then no file of the bundle may hold one of them
in whatever other place.
"""

from __future__ import annotations

import io
import json
import os
import platform
import re
import sys
import tomllib
import zipfile
from collections.abc import Iterator, Mapping
from importlib.metadata import distributions
from pathlib import Path
from typing import Any

from lianji.base.clock import iso_of, now_us
from lianji.base.errors import LianjiError, LinkDown, NotFound
from lianji.node.asked import answer_of
from lianji.node.doctor import examine
from lianji.node.folder import PlantFolder
from lianji.node.logging import recent_lines
from lianji.node.settings import load_settings

HIDDEN = "***"
FILES_MAX = 20_000
SECRET_BYTES_MIN = 4
"""A shorter secret cannot be told from any other text; only its own line is blanked."""
_NAME = r"[\w-]*(?:password|passphrase|secret|token|api_?key|access_key)[\w-]*"
_SECRET_NAME = re.compile(_NAME, re.IGNORECASE)
_SECRET_LINE = re.compile(
    rf"""(?<![\w?&-])({_NAME}["']?\s*=\s*)("{{3}}.*?"{{3}}|'{{3}}.*?'{{3}}|"(?:\\.|[^"\\\n])*"|'[^'\n]*'|[^\s,}}\#]+)""",
    re.IGNORECASE | re.DOTALL,
)
_IN_ADDRESS = re.compile(r"(\w+://)[^\s/@\"']+@")
_IN_QUERY = re.compile(r"([?&](?:access_token|key|secret|sign|token)=)[^\s&\"']+", re.IGNORECASE)


def bundle(folder: PlantFolder, status: Mapping[str, Any] | None) -> bytes:
    """The zip. ``status`` is what the running plant says of itself; None: it does not run.

    Raises OSError where the folder cannot be read.
    """
    texts = dict(_texts(folder, status))
    secrets = sorted(_secrets(folder), key=len, reverse=True)
    packed = io.BytesIO()
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, text in texts.items():
            archive.writestr(f"lianji/{name}", _without(secrets, text))
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


def redacted(toml: str) -> str:
    """The text without the values of secrets."""

    def hidden(found: re.Match[str]) -> str:
        begin, value = found[1], found[2]
        key = begin.split("=")[0].strip(" \t\"'")
        bare = _bare(value)
        return f'{begin}"{HIDDEN}"' if bare and _is_secret(key, bare) else found[0]

    text = _IN_ADDRESS.sub(rf"\1{HIDDEN}@", _SECRET_LINE.sub(hidden, toml))
    return _IN_QUERY.sub(rf"\1{HIDDEN}", text)


def _bare(value: str) -> str:
    """A TOML value without its quotes."""
    for quote in ('"""', "'''", '"', "'"):
        if value.startswith(quote) and value.endswith(quote) and len(value) >= 2 * len(quote):
            return value[len(quote) : -len(quote)]
    return value


def _configuration(folder: PlantFolder) -> Iterator[Path]:
    yield from (file for file in (folder.settings,) if file.exists())
    yield from sorted(folder.devices.glob("*.toml"))
    yield from sorted(folder.tags.glob("*.csv"))


def _secrets(folder: PlantFolder) -> set[str]:
    found: set[str] = set()
    for file in _configuration(folder):
        if file.suffix == ".toml":
            try:
                found.update(_secrets_in(tomllib.loads(file.read_text(encoding="utf-8"))))
            except (tomllib.TOMLDecodeError, UnicodeDecodeError):
                continue  # its lines are blanked all the same
    return {one for one in found if len(one.encode()) >= SECRET_BYTES_MIN}


def _secrets_in(value: Any, key: str = "") -> Iterator[str]:
    if isinstance(value, dict):
        for name, inner in value.items():
            yield from _secrets_in(inner, name)
    elif isinstance(value, list):
        for inner in value:
            yield from _secrets_in(inner, key)
    elif isinstance(value, str) and _is_secret(key, value):
        yield value


def _is_secret(key: str, value: str) -> bool:
    """``env:NAME`` and keys that end in ``_env`` name a variable: one wants to know which."""
    named = key.endswith("_env") or value.startswith("env:")
    return _SECRET_NAME.fullmatch(key) is not None and not named


def _without(secrets: list[str], text: str) -> str:
    for secret in secrets:
        text = text.replace(secret, HIDDEN)
        text = text.replace(json.dumps(secret)[1:-1], HIDDEN)
    return text


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
