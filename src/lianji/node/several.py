"""One of several hub processes behind one address: wired to its plant's history and state."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from typing import TYPE_CHECKING

from lianji.base.errors import InputError, LianjiError, Text
from lianji.relay.ledger import Ledger
from lianji.relay.owners import Owners
from lianji.relay.ownership import Ownership, Rows
from lianji.relay.settings import HubSettings

if TYPE_CHECKING:
    from lianji.node.plant import Plant


class Several:
    """Made in the loop that serves the door."""

    def __init__(self, plant: Plant, settings: HubSettings, ledger: Ledger) -> None:
        """``ledger`` is filled edge by edge. Raises InputError where the processes have no common
        database, StorageError."""
        if plant.state.engine.dialect.name != "postgresql":
            raise _no_common_state()
        address, lease_s = settings.process_address, settings.lease_s
        owners = Owners(plant.state, plant.spool.epoch, address, lease_s)
        self._history = plant.history
        self.ownership = Ownership(owners, ledger, self._ledger, lease_s, self._history.relayed)
        plant.history.may_merge = lambda: self.ownership.keeps_up

    def _ledger(self) -> Rows:
        return self._history.relayed(afresh=True)

    async def end(self) -> None:
        """Take nothing more, put into the table what is here, and let others take over; both may
        fail."""
        self.ownership.ended = True
        with suppress(LianjiError, OSError):
            await asyncio.to_thread(self._history.flush)
        with suppress(LianjiError, OSError):
            await self.ownership.release()


def several_of(plant: Plant, settings: HubSettings, ledger: Ledger) -> Several | None:
    """None where the table is this process's alone."""
    if plant.configuration.settings.history.shared is None:
        return None
    return Several(plant, settings, ledger)


def _no_common_state() -> InputError:
    return InputError(
        "hub-state-alone",
        Text(
            "The hub's table is shared with other processes, and its state lies in a file here.",
            "中心端的数据表由多个进程共享，但其状态库是本机文件。",
        ),
        Text(
            "Write the URL of a PostgreSQL database that all of them use as [state] url.",
            "请将各进程共用的 PostgreSQL 数据库 URL 写入 [state] url。",
        ),
    )
