"""The changes of many nodes through one subscription, one ``emit`` a publish response.

asyncua's own Subscription calls back once a value; this one takes the raw publish response, so
that a thousand changes cost one call. Every node has a queue in the server, so nothing that
happens between two publishings is lost; if a queue overflows all the same, it is counted.

A node that does not exist, or ceases to, gives one sample that says so; it is asked for again
every ``retry_s`` and the others live on.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

import numpy as np
from asyncua import ua
from asyncua.ua.status_codes import StatusCodes
from numpy.typing import NDArray

from lianji.base.clock import monotonic_s, now_us
from lianji.base.errors import DeviceError
from lianji.connect.columns import without_value
from lianji.connect.driver import Emit, Point
from lianji.connect.drivers.opcua.convert import OVERFLOW, status_codes, to_columns
from lianji.connect.drivers.opcua.faults import nonsense
from lianji.connect.drivers.opcua.session import GOODBYE_S, Session, chunks

NOTIFICATIONS_MAX = 2000
"""Changes in one publish response: decoding it holds the loop for about 30 ms."""
LIFETIME_S_MIN = 60.0
GONE = np.array([StatusCodes.BadNodeIdUnknown, StatusCodes.BadNodeIdInvalid], np.uint32)


@dataclass(slots=True)
class Figures:
    """What a device's subscriptions have seen since it was made."""

    publishes: int = 0
    changes: int = 0
    queue_overflows: int = 0
    lost_publishes: int = 0
    missing_nodes: int = 0


class Watch:
    """One subscription. ``run`` lasts until cancelled, or raises when the link is lost.

    Handle h stands for ``points[h]``, whose number is ``numbers[h]``.
    """

    def __init__(
        self,
        session: Session,
        points: Sequence[Point],
        numbers: Sequence[int],
        emit: Emit,
        figures: Figures,
    ) -> None:
        self._session = session
        self._config = session.config
        self._points = points
        self._numbers = np.asarray(numbers, np.int32)
        self._scale = np.array([point.detail.scale for point in points], np.float64)
        self._offset = np.array([point.detail.offset for point in points], np.float64)
        self._emit = emit
        self._figures = figures
        self._items: dict[int, int] = {}
        self._missing: set[int] = set()
        self._failure: Exception | None = None
        self._failed = asyncio.Event()
        self._last_publish_s = monotonic_s()
        self._next_sequence: int | None = None
        self._id = 0
        self._silence_s_max = math.inf

    async def run(self) -> None:
        try:
            await self._create()
            await self._ask(range(len(self._points)), first=True)
            while True:
                await self._wait(self._config.retry_s)
                await self._ask(await self._returned(), first=False)
        finally:
            self._figures.missing_nodes = 0
            await self._delete()

    async def _create(self) -> None:
        every_s = self._config.publishing_ms / 1000
        wish = ua.CreateSubscriptionParameters()
        wish.RequestedPublishingInterval = self._config.publishing_ms
        wish.RequestedMaxKeepAliveCount = max(1, math.ceil(self._config.watchdog_s / every_s))
        wish.RequestedLifetimeCount = max(
            3 * wish.RequestedMaxKeepAliveCount, math.ceil(LIFETIME_S_MIN / every_s)
        )
        wish.MaxNotificationsPerPublish = NOTIFICATIONS_MAX
        wish.PublishingEnabled = True
        with self._session.guarded():
            made = await self._session.services.create_subscription(wish, self._on_publish)
        self._id = made.SubscriptionId
        alive_s = made.RevisedPublishingInterval / 1000 * made.RevisedMaxKeepAliveCount
        self._silence_s_max = 2 * alive_s + self._config.timeout_s
        self._last_publish_s = monotonic_s()

    async def _delete(self) -> None:
        """Spare the server the work; if the link is gone the subscription's lifetime ends it."""
        if self._id and self._session.alive:
            with suppress(DeviceError), self._session.guarded():
                farewell = self._session.services.delete_subscriptions([self._id])
                await asyncio.wait_for(farewell, GOODBYE_S)

    async def _wait(self, seconds: float) -> None:
        """Rest, but raise as soon as the link is lost or the server has fallen silent."""
        until_s = monotonic_s() + seconds
        while (rest_s := until_s - monotonic_s()) > 0:
            quiet_s = self._last_publish_s + self._silence_s_max - monotonic_s()
            if quiet_s <= 0:
                raise self._session.lost(f"it has not published for {self._silence_s_max:.0f} s")
            with suppress(TimeoutError):
                await asyncio.wait_for(self._failed.wait(), min(rest_s, quiet_s))
            if self._failure is not None:
                raise self._failure

    # ---- what is watched

    async def _ask(self, handles: Sequence[int], first: bool) -> None:
        """Create the items of these handles; those that cannot be are missing from then on."""
        for part in chunks(handles, self._session.items_per_call):
            await self._forget(part)
            codes = await self._create_items(part)
            self._note(np.asarray(part), codes, first)

    async def _returned(self) -> list[int]:
        """Which of the missing nodes exist by now.

        This is read and not tried: some servers withhold the keep-alives of a subscription that
        is asked for items again and again.
        """
        handles = sorted(self._missing)
        places = await self._session.places([self._points[h].detail.address for h in handles])
        there = await self._session.existing([place.node for place in places])
        return [handle for handle, exists in zip(handles, there, strict=True) if exists]

    async def _forget(self, handles: Sequence[int]) -> None:
        """Items of nodes that went away are of no more use, even if the server keeps them."""
        old = [self._items.pop(handle) for handle in handles if handle in self._items]
        if not old:
            return
        wish = ua.DeleteMonitoredItemsParameters()
        wish.SubscriptionId = self._id
        wish.MonitoredItemIds = old
        with self._session.guarded():
            await self._session.services.delete_monitored_items(wish)

    async def _create_items(self, handles: Sequence[int]) -> NDArray[np.uint32]:
        places = await self._session.places([self._points[h].detail.address for h in handles])
        wish = ua.CreateMonitoredItemsParameters()
        wish.SubscriptionId = self._id
        wish.TimestampsToReturn = ua.TimestampsToReturn.Both
        wish.ItemsToCreate = [
            self._item(handle, place.to_read())
            for handle, place in zip(handles, places, strict=True)
        ]
        self._missing.difference_update(handles)  # before the first value may come
        with self._session.guarded():
            results = await self._session.services.create_monitored_items(wish)
        codes = np.array([result.StatusCode.value for result in results], np.uint32)
        for handle, result in zip(handles, results, strict=True):
            if result.StatusCode.is_good():
                self._items[handle] = result.MonitoredItemId
        return codes

    def _item(self, handle: int, asked: ua.ReadValueId) -> ua.MonitoredItemCreateRequest:
        item = ua.MonitoredItemCreateRequest()
        item.ItemToMonitor = asked
        item.MonitoringMode = ua.MonitoringMode.Reporting
        item.RequestedParameters.ClientHandle = handle + 1  # some servers take 0 for none
        item.RequestedParameters.SamplingInterval = self._config.sampling_ms
        item.RequestedParameters.QueueSize = self._config.queue_size
        item.RequestedParameters.DiscardOldest = True
        return item

    def _note(self, handles: NDArray[np.int64], codes: NDArray[np.uint32], first: bool) -> None:
        bad = codes >= 0x8000_0000
        self._missing.update(handles[bad].tolist())
        self._figures.missing_nodes = len(self._missing)
        if first and bad.any():
            quality = (codes[bad] >> 16).astype(np.uint16)
            self._emit(without_value(self._numbers[handles[bad]], quality, now_us()))

    # ---- what comes

    def _on_publish(self, result: ua.PublishResult) -> None:
        """Called by asyncua for every response; whatever goes wrong in here ends ``run``."""
        try:
            self._last_publish_s = monotonic_s()
            self._figures.publishes += 1
            self._take(result.NotificationMessage)
        except Exception as error:
            self._failure = self._failure or error
            self._failed.set()

    def _take(self, message: ua.NotificationMessage) -> None:
        notices = message.NotificationData or ()
        changes: list[Any] = []
        for notice in notices:
            if isinstance(notice, ua.DataChangeNotification):
                changes += notice.MonitoredItems
            elif isinstance(notice, ua.StatusChangeNotification):
                raise self._session.lost(f"the subscription ended ({notice.Status.name})")
        if notices:
            self._count(message.SequenceNumber)
        if changes:
            self._take_changes(changes)

    def _count(self, sequence: int) -> None:
        """Notice responses that never came through (OPC 10000-4, section 5.14.1.1)."""
        if self._next_sequence is not None and sequence > self._next_sequence:
            self._figures.lost_publishes += sequence - self._next_sequence
        self._next_sequence = 1 if sequence == 2**32 - 1 else sequence + 1

    def _take_changes(self, changes: Sequence[Any]) -> None:
        handles = np.fromiter((c.ClientHandle for c in changes), np.int64, len(changes)) - 1
        if int(handles.min()) < 0 or int(handles.max()) >= len(self._points):
            raise nonsense(self._config.url, "a change of something that was not asked for")
        data = [change.Value for change in changes]
        codes = status_codes(data)
        gone = np.isin(codes & 0xFFFF_0000, GONE)
        if gone.any():
            self._missing.update(handles[gone].tolist())
            self._figures.missing_nodes = len(self._missing)
        self._figures.changes += len(changes)
        self._figures.queue_overflows += int(np.count_nonzero((codes & OVERFLOW) == OVERFLOW))
        self._emit(
            to_columns(
                self._numbers[handles], self._scale[handles], self._offset[handles], data, now_us()
            )
        )
