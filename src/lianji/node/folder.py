"""A plant's folder: what people edit lies at its top, what Lianji keeps lies in ``data``.

lianji.toml            the site, the page, limits
devices/<name>.toml    one machine each
tags/<any>.csv         tag tables
alarms/<any>.csv       alarm tables
templates/<name>@<n>   what machines of one make have in common: .toml and .csv
datasets/<name>.toml   what is frozen out of the history for models
training/<name>.toml   how models are trained on them
models/trusted.txt     whose models are believed; bundles that are put beside it are taken in
dashboards/<name>.json what pages show (made when one is saved)
data/                  tag ids, spool, history: not to be edited
"""

from __future__ import annotations

import fcntl
import json
import os
from dataclasses import asdict, dataclass
from pathlib import Path

from lianji.base.durable import make_folder, write_atomically
from lianji.base.errors import InputError, StorageError, Text
from lianji.node.settings import FILE

KEY_MODE = 0o600
_TEMPLATE = """\
# One plant. Times and sizes that are not written here have sound defaults.

[site]
name = "{name}"              # the first part of your tag paths
title_en = ""
title_zh = ""
time_zone = "Asia/Shanghai"  # of files that are imported without one

[web]
host = "127.0.0.1"           # only this machine; "0.0.0.0" lets the whole network see the page
port = {port}

[spool]
bytes_max = 4_294_967_296    # strict: the durable buffer never takes more
full = "drop_oldest"         # or "refuse", or "thin"
keep_h = 24
"""


@dataclass(frozen=True, slots=True)
class Running:
    """A plant that runs: which process and where its page is."""

    pid: int
    host: str
    port: int

    @property
    def address(self) -> str:
        host = "127.0.0.1" if self.host in ("0.0.0.0", "::") else self.host
        return f"http://{host}:{self.port}"


@dataclass(frozen=True, slots=True)
class PlantFolder:
    root: Path

    @property
    def settings(self) -> Path:
        return self.root / FILE

    @property
    def devices(self) -> Path:
        return self.root / "devices"

    @property
    def tags(self) -> Path:
        return self.root / "tags"

    @property
    def templates(self) -> Path:
        return self.root / "templates"

    @property
    def dashboards(self) -> Path:
        return self.root / "dashboards"

    @property
    def datasets(self) -> Path:
        """The specifications of data sets; their versions lie in ``data/datasets``."""
        return self.root / "datasets"

    @property
    def models(self) -> Path:
        """Whom the plant trusts; models themselves lie in ``data/models``."""
        return self.root / "models"

    @property
    def experiments(self) -> Path:
        """What trainings told of themselves."""
        return self.data / "experiments"

    @property
    def data(self) -> Path:
        return self.root / "data"

    @property
    def tag_ids(self) -> Path:
        return self.data / "tag-ids.tsv"

    @property
    def spool(self) -> Path:
        return self.data / "spool"

    @property
    def history(self) -> Path:
        return self.data / "samples"

    @property
    def hub(self) -> Path:
        """The keys of a hub."""
        return self.data / "hub"

    @property
    def relay(self) -> Path:
        """Who an edge is at its hub."""
        return self.data / "relay"

    @property
    def versions(self) -> Path:
        """The configurations that were."""
        return self.data / "versions"

    @property
    def learned(self) -> Path:
        """What was learned of the devices, such as addresses that they refuse."""
        return self.data / "devices"

    @property
    def _key(self) -> Path:
        """What programs of this machine show the running plant: new at each start, and only for
        who may read the folder, which is who could edit its files anyway."""
        return self.data / "cli.key"

    @property
    def key(self) -> str:
        """The key of the running plant; empty where it may not be read."""
        try:
            return self._key.read_text().strip()
        except OSError:
            return ""

    @property
    def _running(self) -> Path:
        return self.data / "running.json"

    def create(self, name: str, port: int) -> None:
        """Make an empty plant. Raises InputError if there is one already."""
        if self.settings.exists():
            raise InputError(
                "plant-exists",
                Text(f"There is a plant in {self.root} already.", f"{self.root} 中已有工厂。"),
                Text("Take another folder.", "请使用其他文件夹。"),
            )
        for folder in (self.devices, self.tags, self.data):
            make_folder(folder.resolve())
        text = _TEMPLATE.format(name=name, port=port)
        write_atomically(self.settings, text.encode())

    def tell_running(self, host: str, port: int, key: str = "") -> Running:
        """Leave word where the page is, and the key to it. Raises StorageError."""
        running = Running(os.getpid(), host, port)
        try:
            write_atomically(self._key, key.encode(), KEY_MODE)
            write_atomically(self._running, json.dumps(asdict(running)).encode())
        except OSError as error:
            raise StorageError(
                "folder-unwritable",
                Text(
                    f"{self.data} cannot be written: {error.strerror}.",
                    f"无法写入 {self.data}：{error.strerror}。",
                ),
                Text(
                    "Free space on the disk, or give the user that runs Lianji the right to write.",
                    "请释放磁盘空间，或授予运行用户写权限。",
                ),
            ) from error
        return running

    def tell_ended(self) -> None:
        self._running.unlink(missing_ok=True)
        self._key.unlink(missing_ok=True)

    def _is_held(self) -> bool:
        """Whether some process has the spool, which is what running a plant means."""
        try:
            handle = os.open(self.spool / "lock", os.O_RDONLY)
        except OSError:
            return False
        try:
            fcntl.flock(handle, fcntl.LOCK_SH | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
        except OSError:
            return False
        finally:
            os.close(handle)
        return False

    def running(self) -> Running | None:
        """The process that runs this plant, or None. What a killed process left is not believed."""
        try:
            running = Running(**json.loads(self._running.read_text()))
        except (FileNotFoundError, ValueError, TypeError):
            return None
        return running if self._is_held() else None
