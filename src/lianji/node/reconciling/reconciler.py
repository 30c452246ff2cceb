"""The hub's comparisons: one at a time, when somebody asks, and every night by themselves.

When the night's run of an edge is due is derived from the runs that there are, so an edge that was
away, or a hub that was off, is done when it comes back.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from contextlib import suppress
from datetime import datetime, time, timedelta
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import structlog

from lianji.base.clock import from_us, now_us, to_us
from lianji.base.errors import Conflict, InputError, LianjiError, NotFound, Text
from lianji.node.reconciling.comparison import Comparison, Hub, Wanted
from lianji.node.reconciling.edge_asked import ANSWER_S_MAX, EdgeAsked
from lianji.node.reconciling.quiet import quiet_thread
from lianji.relay.receiving import Sender
from lianji.relay.reconcile.comparing import Difference, Keep, Naming, Outcome
from lianji.relay.reconcile.offers import Offers
from lianji.relay.reconcile.run import NIGHTLY, Run, RunState
from lianji.relay.reconcile.store import Runs

if TYPE_CHECKING:
    from lianji.node.plant import Plant
    from lianji.relay.exchange import Conversation
    from lianji.relay.trust.edges import Edges
    from lianji.relay.trust.peer import EdgeRow

LOOK_S = 30.0
RETRY_US = 600_000_000
DAY_US = 86_400_000_000
log = structlog.get_logger(__name__)


class Reconciler:
    """Lives in the hub's event loop, in which it must be started and asked to start runs."""

    def __init__(self, plant: Plant, edges: Edges, conversation: Conversation) -> None:
        settings = plant.configuration.settings
        assert settings.hub is not None
        self._settings, self._site = settings.hub, settings.site
        self._edges, self._conversation = edges, conversation
        self.offers = Offers()
        self.runs = Runs(plant.state)
        self._hub = Hub(
            plant.history,
            lambda: plant.names.paths,
            Keep(tuple((rule.tags, rule.keep_days) for rule in settings.history.retention)),
            self.offers,
            quiet_thread("reconcile"),
        )
        self._going: dict[str, asyncio.Task[None]] = {}
        self._one = asyncio.Semaphore(1)
        self._problems: dict[str, LianjiError] = {}
        self._look_again = asyncio.Event()

    # -- what is asked -----------------------------------------------------------------------

    async def start(
        self,
        edge: str,
        from_us: int | None = None,
        to_us: int | None = None,
        *,
        everything: bool = False,
        repair: bool = False,
        by: str = "",
    ) -> Run:
        """Begin a run, which goes on by itself. Raises NotFound for an edge that is none, Conflict
        while one of it is going on, StorageError."""
        row = await asyncio.to_thread(self._row, edge)
        if edge in self._going:
            raise _going_on(edge)
        now = now_us()
        run = Run(edge, by, repair, now, 0, 0, 0)
        wanted = Wanted(from_us, to_us, self._settings.reconcile_days, everything)
        begun: asyncio.Future[Run] = asyncio.get_running_loop().create_future()
        task = asyncio.create_task(self._go(row, run, wanted, begun), name=f"reconcile-{edge}")
        self._going[edge] = task
        task.add_done_callback(lambda _: self._going.pop(edge, None))
        return await begun

    def newest(self) -> list[Run]:
        """The last run of each edge. Blocks."""
        return self.runs.newest_of_all()

    def found(self, number: int, limit: int) -> tuple[Run, Sequence[Difference]]:
        """A run and what it found. Blocks. Raises NotFound."""
        return self.runs.get(number), self.runs.differences(number, limit)

    def problems(self) -> list[LianjiError]:
        """What the last runs left different."""
        return [self._problems[edge] for edge in sorted(self._problems)]

    def _row(self, edge: str) -> EdgeRow:
        for row in self._edges.all():
            if row.name == edge:
                return row
        raise NotFound(
            "edge-missing",
            Text(f"The hub has no edge {edge!a}.", f"中心没有边缘 {edge!a}。"),
            Text("See `lianji hub sites`.", "请用 `lianji hub sites` 查看。"),
        )

    # -- a run -------------------------------------------------------------------------------

    async def _go(self, row: EdgeRow, run: Run, wanted: Wanted, begun: asyncio.Future[Run]) -> None:
        try:
            begun.set_result(await asyncio.to_thread(self.runs.begin, run))
        except LianjiError as error:
            begun.set_exception(error)
            return
        try:
            async with self._one:
                run.state = await self._compared(row, run, wanted)
        except asyncio.CancelledError:
            run.state, run.error = RunState.FAILED, _stopped().as_json()
            raise
        except Exception as error:
            run.state, run.error = RunState.FAILED, _told(error).as_json()
            log.warning("reconcile-failed", edge=run.edge, error=str(error))
        finally:
            run.ended_us = now_us()
            self.runs.save(run)  # at once: also where the loop is ending
            self._note(run)

    async def _compared(self, row: EdgeRow, run: Run, wanted: Wanted) -> RunState:
        others = [one for one in await asyncio.to_thread(self._edges.all) if one.name != row.name]
        asked = EdgeAsked(run.edge, self._ask_of(run.edge))
        own = Naming((self._site.name,), self._site.name)
        naming = _naming(row)
        comparison = Comparison(
            self._hub, asked, naming, [own, *map(_naming, others)], run, self.runs.save
        )
        await comparison.go(wanted)
        if comparison.outcomes & {Outcome.FOUND, Outcome.LEFT}:
            return RunState.DIFFERENT
        waits = Outcome.UNDER_WAY in comparison.outcomes
        return RunState.UNDER_WAY if waits else RunState.EQUAL

    def _ask_of(self, edge: str) -> Callable[[str, dict[str, Any]], Awaitable[dict[str, Any]]]:
        async def ask(kind: str, payload: Mapping[str, Any]) -> dict[str, Any]:
            return await self._conversation.ask(edge, kind, dict(payload), ANSWER_S_MAX)

        return ask

    def _note(self, run: Run) -> None:
        if run.state is RunState.DIFFERENT:
            self._problems[run.edge] = _different(run.edge)
        elif run.state is not RunState.FAILED:
            self._problems.pop(run.edge, None)

    # -- the night ---------------------------------------------------------------------------

    async def serve(self) -> None:
        """Look again and again which edges are due, until cancelled."""
        try:
            await asyncio.to_thread(self._begin)
            while True:
                try:
                    await self._start_due()
                except LianjiError as error:
                    log.warning("reconcile-not-started", error=str(error))
                self._look_again.clear()
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._look_again.wait(), LOOK_S)
        finally:
            going = list(self._going.values())
            for task in going:
                task.cancel()
            await asyncio.gather(*going, return_exceptions=True)
            self._hub.thread.shutdown(wait=False, cancel_futures=True)

    def _begin(self) -> None:
        self.runs.end_those_that_stopped(_stopped().as_json(), now_us())
        for run in self.runs.newest_of_all():
            self._note(run)

    def look(self) -> None:
        """Look at once. From the loop's thread."""
        self._look_again.set()

    async def _start_due(self) -> None:
        now = now_us()
        for row, run in await asyncio.to_thread(self._nights):
            last_us = row.joined_us if run is None else max(row.joined_us, _tried_us(run, now))
            heard = self._conversation.heard.get(row.name)
            up = heard is not None and heard.is_up
            if up and row.name not in self._going and self._is_due(last_us, now):
                # what the last night had not come to is looked at too
                first_us = int(now - self._settings.reconcile_days * DAY_US)
                if run is not None and run.to_us:
                    first_us = min(first_us, run.done_us)
                await self.start(row.name, first_us, repair=True, by=NIGHTLY)

    def _nights(self) -> list[tuple[EdgeRow, Run | None]]:
        edges = [row for row in self._edges.all() if row.revoked_us is None]
        return [(row, self.runs.newest(row.name, NIGHTLY)) for row in edges]

    def _is_due(self, last_us: int, now: int) -> bool:
        at = self._settings.reconcile_at
        return bool(at) and last_us < last_time(at, self._site.time_zone, now)


def _tried_us(run: Run, now: int) -> int:
    """When the night's run began that counts: one that broke off is tried again after a while."""
    broke_off = run.state is RunState.FAILED and now - (run.ended_us or 0) > RETRY_US
    return 0 if broke_off else run.started_us


def last_time(at: str, zone: str, now: int) -> int:
    """When it was last so late (``HH:MM``) in a zone, in microseconds since 1970."""
    moment = time.fromisoformat(at)
    here = from_us(now).astimezone(ZoneInfo(zone))
    day = here.date()
    today = datetime.combine(day, moment, here.tzinfo)
    if to_us(today) <= now:
        return to_us(today)
    return to_us(datetime.combine(day - timedelta(days=1), moment, here.tzinfo))


def _naming(row: EdgeRow) -> Naming:
    return Naming(row.sites, Sender(row.name, row.sites).home)


def _told(error: Exception) -> LianjiError:
    if isinstance(error, LianjiError):
        return error
    return InputError(
        "reconcile-failed",
        Text(f"The comparison failed: {error}.", f"核对失败：{error}。"),
        Text("See the hub's log, and compare again.", "请查看中心端日志后重新核对。"),
    )


def _stopped() -> InputError:
    return InputError(
        "reconcile-stopped",
        Text("The hub ended while it compared.", "核对期间中心端已停止。"),
        Text("Compare again: what was mended stays so.", "请重新核对，已修复的数据不受影响。"),
    )


def _going_on(edge: str) -> Conflict:
    return Conflict(
        "reconcile-going-on",
        Text(f"{edge} is being compared already.", f"{edge} 正在核对中。"),
        Text(
            "Wait for it to end; see the page /hub/reconcile.",
            "请等待完成，可查看 /hub/reconcile。",
        ),
    )


def _different(edge: str) -> InputError:
    return InputError(
        "reconcile-different",
        Text(
            f"Hub and {edge} do not have the same samples.",
            f"中心与 {edge} 的数据不一致。",
        ),
        Text(
            f"See the page /hub/reconcile, and run `lianji hub reconcile {edge} --repair`.",
            f"请查看页面 /hub/reconcile，并执行 `lianji hub reconcile {edge} --repair`。",
        ),
    )
