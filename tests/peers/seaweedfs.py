"""A real SeaweedFS with an S3 gateway and one empty bucket, all of it on 127.0.0.1."""

from __future__ import annotations

import json
import signal
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import obstore
import pytest
from obstore.exceptions import BaseError
from obstore.store import S3Store

from tests.peers import command, free_port, listening, need, wait_until

BUCKET = "lianji"
STARTS = 3
ACCESS_KEY_ID = "lianji-test"
SECRET_ACCESS_KEY = "open-sesame-s3"
_ADMIN = {
    "name": "lianji",
    "credentials": [{"accessKey": ACCESS_KEY_ID, "secretKey": SECRET_ACCESS_KEY}],
    "actions": ["Admin", "Read", "List", "Tagging", "Write"],
}


class SeaweedFS:
    """Made by ``seaweedfs``. A test may kill it, start it again on the same data, and stop it."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._choose_ports()
        self._child: subprocess.Popen[bytes] | None = None

    def _choose_ports(self) -> None:
        self._ports = {f"{part}.port": free_port() for part in ("master", "volume", "filer", "s3")}
        # left to itself it takes fixed ports, and for gRPC those ten thousand above
        self._ports |= {f"{port}.grpc": free_port() for port in self._ports}

    @property
    def port(self) -> int:
        return self._ports["s3.port"]

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def stored_bytes(self) -> int:
        """What has come in so far, seen or not."""
        return sum(path.stat().st_size for path in self._folder.glob("data/*.dat"))

    def start_anywhere(self) -> None:
        """The first start: where somebody took one of its eight ports meanwhile, on others."""
        for _ in range(STARTS - 1):
            if self._starts():
                return
            self.kill()
            self._choose_ports()
        self.start()

    def start(self) -> None:
        """Returns when its bucket is there."""
        if not self._starts():
            pytest.fail(f"weed ended: {self._folder / 'weed.log'}")

    def _starts(self) -> bool:
        with (self._folder / "weed.log").open("ab") as log:
            child = subprocess.Popen(self._command(), cwd=self._folder, stdout=log, stderr=log)
        self._child = child
        wait_until(
            lambda: child.poll() is not None or (listening(self.port) and _has_bucket(self)),
            timeout_s=60,
            what="SeaweedFS has a bucket",
        )
        return child.poll() is None

    def kill(self) -> None:
        """As a power cut would: no goodbye to anybody."""
        if self._child is not None:
            self._child.kill()
            self._child.wait()
        for name, port in self._ports.items():
            part = name.removesuffix(".port.grpc")  # its folder for sockets is not ours to choose
            Path(f"/tmp/seaweedfs-{part}-grpc-{port}.sock").unlink(missing_ok=True)

    def freeze(self) -> None:
        """The process stops, its connections stay open: a server that hangs."""
        assert self._child is not None
        self._child.send_signal(signal.SIGSTOP)

    def thaw(self) -> None:
        assert self._child is not None
        self._child.send_signal(signal.SIGCONT)

    def _command(self) -> list[str]:
        """Nothing is told to its makers, and only this machine may speak to it."""
        program = command("weed")
        assert program is not None
        folder = self._folder
        (folder / "s3.json").write_text(json.dumps({"identities": [_ADMIN]}))
        (folder / "data").mkdir(exist_ok=True)
        options = {
            "ip": "127.0.0.1",
            "ip.bind": "127.0.0.1",
            "dir": folder / "data",
            "filer": "true",
            "filer.localSocket": folder / "filer.sock",
            "s3": "true",
            "s3.config": folder / "s3.json",
            "s3.localSocket": folder / "s3.sock",
            "s3.port.iceberg": 0,
            "s3.port.lance": 0,
            "master.electionTimeout": "1s",
            "master.telemetry": "false",
            "master.volumeSizeLimitMB": 64,
            "volume.max": 32,
        }
        told = [f"-{option}={value}" for option, value in (options | self._ports).items()]
        return [program, f"-logdir={folder}", "server", *told]


@contextmanager
def seaweedfs(folder: Path) -> Iterator[SeaweedFS]:
    """A server whose data lie in ``folder``; its bucket is there when this yields."""
    need("seaweedfs")
    server = SeaweedFS(folder)
    try:
        server.start_anywhere()
        yield server
    finally:
        server.kill()  # its data go with the folder: it need not put them in order


def _has_bucket(server: SeaweedFS) -> bool:
    """Make the bucket, which the gateway does with the first object (autoCreateBucket)."""
    store = S3Store(
        BUCKET,
        endpoint=server.endpoint,
        access_key_id=ACCESS_KEY_ID,
        secret_access_key=SECRET_ACCESS_KEY,
        region="us-east-1",
        virtual_hosted_style_request=False,
        client_options={"allow_http": True},
        retry_config={"max_retries": 0},
    )
    try:
        obstore.put(store, "begin", b"")
        obstore.delete(store, "begin")
    except BaseError:
        return False
    return True
