"""An OPC UA server that nobody here wrote (node-opcua), obedient to the test that started it."""

from __future__ import annotations

import os
import queue
import signal
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.peers import PEERS, free_port, need

SCRIPT = PEERS / "opcua_server.js"
USERNAME, PASSWORD = "plant", "secret"
PLANT_NAMESPACE = "http://example.org/plant"


class OpcUaServer:
    """A node process; ``start`` and ``kill`` may alternate, the port stays the same."""

    def __init__(self, pki: Path | None = None, port: int = 0) -> None:
        self.port = port or free_port()
        self.url = f"opc.tcp://127.0.0.1:{self.port}"
        self._pki = pki
        self._child: subprocess.Popen[str] | None = None
        self._lines: queue.Queue[str] = queue.Queue()

    def start(
        self,
        variables: int = 20,
        change_ms: int = 0,
        namespace_first: str = "",
        max_nodes_per_read: int = 0,
    ) -> None:
        """Start and wait until it listens."""
        arguments = ["node", str(SCRIPT), "--port", str(self.port)]
        arguments += ["--variables", str(variables), "--change-ms", str(change_ms)]
        arguments += ["--max-nodes-per-read", str(max_nodes_per_read)]
        arguments += ["--namespace-first", namespace_first] if namespace_first else []
        arguments += ["--pki", str(self._pki)] if self._pki else []
        self._lines = queue.Queue()
        self._child = subprocess.Popen(
            arguments, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        threading.Thread(target=_drain, args=(self._child, self._lines), daemon=True).start()
        self._await("ready", timeout_s=60)

    def tell(self, command: str) -> None:
        """Send a command (see the script) and wait until it is carried out."""
        assert self._child is not None
        assert self._child.stdin is not None
        self._child.stdin.write(command + "\n")
        self._child.stdin.flush()
        self._await(f"ok {command}", timeout_s=20)

    @property
    def alive(self) -> bool:
        return self._child is not None

    def kill(self) -> None:
        """As a power cut would: no goodbye to anybody."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()
            if self._child.stdin is not None:
                self._child.stdin.close()
            self._child = None

    def freeze(self) -> None:
        """The process stops, its connections stay open: a server that hangs."""
        assert self._child is not None
        os.kill(self._child.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._child is not None
        os.kill(self._child.pid, signal.SIGCONT)

    def _await(self, wanted: str, timeout_s: float) -> None:
        while True:
            try:
                line = self._lines.get(timeout=timeout_s)
            except queue.Empty:
                pytest.fail(f"the OPC UA server did not say '{wanted}' in {timeout_s} s")
            if line == wanted:
                return
            if line.startswith("error") or line == "":
                pytest.fail(f"the OPC UA server: {line or 'it has ended'}")


def _drain(child: subprocess.Popen[str], lines: queue.Queue[str]) -> None:
    assert child.stdout is not None
    for line in child.stdout:
        lines.put(line.rstrip("\n") or " ")
    lines.put("")


@contextmanager
def opcua_server(
    variables: int = 20,
    change_ms: int = 0,
    namespace_first: str = "",
    max_nodes_per_read: int = 0,
    pki: Path | None = None,
) -> Iterator[OpcUaServer]:
    """A running server; it is gone afterwards. Skips the test where node-opcua is missing."""
    need("node-opcua-server")
    server = OpcUaServer(pki)
    try:
        server.start(variables, change_ms, namespace_first, max_nodes_per_read)
        yield server
    finally:
        server.kill()
