"""A real mosquitto, with and without passwords and TLS, and npm's sparkplug-client."""

from __future__ import annotations

import json
import os
import queue
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from tests.peers import PEERS, command, need, process

USERNAME = "lianji"
PASSWORD = "open-sesame"


@dataclass(frozen=True)
class Broker:
    """Where a broker listens, and its process."""

    port: int
    process: subprocess.Popen[bytes]


@contextmanager
def mosquitto(
    folder: Path,
    port: int,
    *,
    passwords: bool = False,
    acl: str = "",
    tls: tuple[Path, Path] | None = None,
) -> Iterator[Broker]:
    """A broker on 127.0.0.1; ``tls`` is its certificate and key. Ended when the block ends."""
    need("mosquitto")
    program = command("mosquitto")
    assert program is not None
    lines = [f"listener {port} 127.0.0.1", "persistence false", "max_queued_messages 0"]
    if os.geteuid() == 0:
        lines.append("user root")  # else it gives up its rights to read this folder
    lines.append(f"allow_anonymous {'false' if passwords else 'true'}")
    if passwords:
        lines.append(f"password_file {_password_file(folder)}")
    if acl:
        (folder / "acl").write_text(acl)
        (folder / "acl").chmod(0o600)
        lines.append(f"acl_file {folder / 'acl'}")
    if tls is not None:
        lines += [f"certfile {tls[0]}", f"keyfile {tls[1]}"]
    config = folder / "mosquitto.conf"
    config.write_text("\n".join(lines) + "\n")
    with process([program, "-c", str(config)], port=port) as child:
        yield Broker(port, child)


def _password_file(folder: Path) -> Path:
    program = command("mosquitto_passwd")
    assert program is not None
    path = folder / "passwords"
    path.touch(0o600)
    subprocess.run([program, "-b", str(path), USERNAME, PASSWORD], check=True)
    return path


class SparkplugNode:
    """An edge node of npm's sparkplug-client, told what to do line by line."""

    def __init__(self, child: subprocess.Popen[str]) -> None:
        self.child = child
        self.events: queue.Queue[dict[str, Any]] = queue.Queue()
        threading.Thread(target=self._listen, daemon=True).start()

    def _listen(self) -> None:
        assert self.child.stdout is not None
        for line in self.child.stdout:
            self.events.put(json.loads(line))

    def tell(self, verb: str, **what: Any) -> None:
        assert self.child.stdin is not None
        self.child.stdin.write(json.dumps({"do": verb, **what}) + "\n")
        self.child.stdin.flush()

    def await_event(self, name: str, timeout_s: float = 20.0) -> dict[str, Any]:
        """The next event of this name; others are passed over."""
        while True:
            event = self.events.get(timeout=timeout_s)
            if event["event"] == name:
                return event


@contextmanager
def sparkplug_node(port: int, group: str, edge: str) -> Iterator[SparkplugNode]:
    """A connected edge node; what it says is up to ``tell`` (see sparkplug_node.js)."""
    need("sparkplug-client")
    script = PEERS / "sparkplug_node.js"
    child = subprocess.Popen(
        ["node", str(script), str(port), group, edge],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    try:
        node = SparkplugNode(child)
        node.await_event("connect")
        yield node
    finally:
        child.kill()
        child.wait()
        assert child.stdin is not None and child.stdout is not None
        child.stdin.close()
        child.stdout.close()
