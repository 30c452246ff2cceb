"""Modbus servers that nobody here wrote: libmodbus (TCP and RTU) and npm modbus-serial."""

from __future__ import annotations

import hashlib
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.peers import PEERS, REPO, free_port, need, process, wait_until

_SOURCE = PEERS / "modbus_server.c"


def build_server() -> Path:
    """The libmodbus server, compiled once for each version of its source."""
    need("libmodbus")
    version = hashlib.sha256(_SOURCE.read_bytes()).hexdigest()[:12]
    program = REPO / "build" / "peers" / f"modbus_server-{version}"
    if not program.exists():
        program.parent.mkdir(parents=True, exist_ok=True)
        draft = program.with_suffix(f".{os.getpid()}")
        command = [
            "gcc",
            "-O2",
            "-I/usr/include/modbus",
            "-o",
            str(draft),
            str(_SOURCE),
            "-lmodbus",
        ]
        subprocess.run(command, check=True)
        draft.rename(program)
    return program


@contextmanager
def libmodbus_server(port: int | None = None, *args: object) -> Iterator[int]:
    """A libmodbus server on 127.0.0.1; yields its port.

    ``args`` as in modbus_server.c: ``"update", 1000`` and ``"forbid", 10, 12``.
    """
    port = port or free_port()
    with process([str(build_server()), str(port), *map(str, args)], port):
        yield port


@contextmanager
def modbus_serial_server(port: int | None = None) -> Iterator[int]:
    """The npm modbus-serial server of modbus_serial_server.js; yields its port."""
    need("modbus-serial")
    port = port or free_port()
    with process(["node", str(PEERS / "modbus_serial_server.js"), str(port)], port):
        yield port


@contextmanager
def serial_line(folder: Path) -> Iterator[tuple[Path, Path]]:
    """The two ends of a serial line (a pair of pseudo terminals)."""
    need("socat")
    ends = folder / "line-a", folder / "line-b"
    arguments = [f"pty,raw,echo=0,link={end}" for end in ends]
    with process(["socat", *arguments]):
        wait_until(lambda: all(end.exists() for end in ends), what="the two ends of the line")
        yield ends


@contextmanager
def libmodbus_rtu_server(folder: Path, unit: int = 1, *args: object) -> Iterator[str]:
    """A libmodbus RTU server at the far end of a serial line; yields the near end."""
    program = build_server()
    with (
        serial_line(folder) as (near, far),
        process([str(program), "rtu", str(far), str(unit), *map(str, args)]),
    ):
        yield str(near)
