"""The line from a plant to its hub: opened at the start, or as soon as the plant joins one.

Nothing of the relay is loaded by a plant that has joined no hub.
"""

from __future__ import annotations

import threading
from typing import TYPE_CHECKING

import structlog

from lianji.base.errors import InputError, LianjiError, Text
from lianji.node.settings import load_settings

if TYPE_CHECKING:
    from lianji.node.plant import Plant
    from lianji.node.relaying import Partner, Relaying
    from lianji.node.rolling import Rolling
    from lianji.relay.settings import RelaySettings

IDENTITY = "identity.pem"
log = structlog.get_logger(__name__)


class LineOut:
    """Of one plant."""

    def __init__(self, plant: Plant) -> None:
        """Raises StorageError, NotFound where ``[relay]`` is written and nobody has joined."""
        self._plant = plant
        self._error: LianjiError | None = None
        self._closed = False
        self._lock = threading.Lock()
        self._rolling: Rolling | None = None
        self.relaying: Relaying | None = self._open()

    def start(self) -> None:
        if self._rolling is not None:
            self._rolling.start()
        if self.relaying is not None:
            self.relaying.start()

    def close(self) -> None:
        with self._lock:
            self._closed = True
        if self._rolling is not None:
            self._rolling.close()
        if self.relaying is not None:
            self.relaying.close()

    def look(self) -> None:
        """Begin to send if the plant has joined since. It blocks on the disk."""
        with self._lock:
            self._look()

    def _look(self) -> None:
        joined = self._plant.folder.relay / IDENTITY
        if self.relaying is not None or self._closed or not joined.exists():
            return
        try:
            settings = load_settings(self._plant.folder.root).relay
            if settings is None:
                return
            self._plant.configuration.settings.relay = settings
            self.relaying = self._open()
            self.start()
            self._error = None
            log.info("relay-joined", hubs=settings.hubs)
        except LianjiError as error:
            self._error = error

    def problems(self) -> list[LianjiError]:
        rolling = self._rolling.error if self._rolling else None
        return [error for error in (self._error, rolling) if error]

    def _open(self) -> Relaying | None:
        plant, settings = self._plant, self._plant.configuration.settings.relay
        if settings is None:
            return None
        from lianji.node.reconciling.answering import answers_of
        from lianji.node.relaying import Relaying
        from lianji.node.told.kinds import handlers_of

        partner = self._partner()
        self._rolling = self._roll(settings, partner)
        return Relaying(
            plant.folder.relay,
            settings,
            plant.spool,
            plant.names,
            plant.report,
            answers_of(plant, settings).handlers,
            handlers_of(plant),
            partner,
        )

    def _roll(self, settings: RelaySettings, partner: Partner | None) -> Rolling | None:
        """What makes rollups, if they are to be sent. Raises InputError where others bring samples
        that are not seen here."""
        from lianji.node.rolling import Rolling, hold_no_more

        plant = self._plant
        if partner is None and settings.rollups:
            if plant.configuration.settings.history.shared is not None:
                raise _rollups_shared()
            return Rolling(plant.spool, plant.history, plant.names, settings.tags)
        hold_no_more(plant.spool)
        return None

    def _partner(self) -> Partner | None:
        """The second hub of this one's group, if it is in one."""
        from lianji.node.pairing import Group, standing_of

        plant = self._plant
        group = Group.of(plant.folder)
        if group is None or not group.to:
            return None
        from lianji.node.enrolment import edges_with
        from lianji.node.relaying import Partner

        return Partner(group.to, standing_of(plant.folder), edges_with(plant.folder, plant.state))


def _rollups_shared() -> InputError:
    return InputError(
        "relay-rollups-shared",
        Text(
            "Rollups cannot be made here: other processes have a part of each minute.",
            "无法在此生成分钟汇总：每分钟的部分数据由其他进程持有。",
        ),
        Text(
            "Send samples from this hub (rollups = false), perhaps of some tags alone.",
            "请由本中心发送原始样本（rollups = false），可仅选部分标签。",
        ),
    )
