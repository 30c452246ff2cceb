"""Checkpoints on their way to the object store, in order, beside the training and the saving."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

from obstore.exceptions import BaseError

from lianji.base.errors import LianjiError
from lianji.learn.checkpoint import faults, manifest
from lianji.learn.checkpoint.folder import Folder
from lianji.learn.checkpoint.manifest import Manifest
from lianji.learn.checkpoint.pending import Pending
from lianji.learn.checkpoint.store import Store
from lianji.learn.checkpoint.worker import Worker


class Uploads:
    """A checkpoint that retention removes before its turn is passed over: only who waits for its
    mark ``store`` is told. One that failed is told by the next save, as any."""

    def __init__(self, folder: Folder, store: Any, keep: int) -> None:
        self.store = Store(store)
        self._folder = folder
        self._keep = keep
        self._worker = Worker()
        self._serial_min = 0

    def serial_min(self) -> int:
        """The least serial that is newer than all in the store, asked once; 1 while it is away."""
        if not self._serial_min:
            with suppress(BaseError, OSError, LianjiError):
                names = self.store.names()
                self._serial_min = 1 + max(map(manifest.serial_of, names), default=0)
        return self._serial_min or 1

    def send(self, told: Manifest, pending: Pending) -> None:
        self._worker.do(lambda: self._send(told, pending))

    def _send(self, told: Manifest, pending: Pending) -> None:
        try:
            self.store.upload(self._folder, told)
            self.store.retain(self._keep)
        except BaseException as error:
            if told.name not in self._folder.names():
                pending.fail(faults.superseded(told.step), silently=True)
            else:
                pending.fail(faults.upload_failed(told.step, error))
            return
        pending.reach("store")
        pending.reach_last()

    def start(self) -> None:
        self._worker.start()

    def end(self) -> None:
        self._worker.end()
