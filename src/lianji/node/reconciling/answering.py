"""The edge's side of a comparison: what it has, in numbers; what it sends again and takes back.

What is to be mended goes through the edge's own spool. Its historian drops what it has, and the
relay carries it to the hub as it carries everything, once and only once.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from lianji.base.clock import now_us
from lianji.base.errors import InputError, LinkDown, Text
from lianji.dictionary.batch import Batch
from lianji.history.digest import digest, fitting, reach, samples_of, steps_in, unknown_to
from lianji.history.rows import Rows
from lianji.node.reconciling.quiet import quiet_thread
from lianji.relay.reconcile.comparing import HOUR_US
from lianji.relay.reconcile.packing import (
    pack_numbers,
    pack_words,
    unpack_words,
    wrong_answer,
)

if TYPE_CHECKING:
    from lianji.dictionary.tag_ids import TagIds
    from lianji.history.historian import Historian
    from lianji.node.configuration import Configuration
    from lianji.node.plant import Plant
    from lianji.relay.settings import RelaySettings
    from lianji.relay.talking import Handler
    from lianji.relay.uplink import Uplink
    from lianji.spool.spool import Spool

ORIGIN = "relay/repair"
CELLS_MAX = 24_000
"""Tags times steps of one answer: about 400 KiB in an exchange that may have 1 MiB."""
ROWS_AT_ONCE = 2_000_000
"""About so many samples are read for one answer: a second or two, in which the line is silent."""
PATHS_BYTES_MAX = 256 * 1024
BATCH_ROWS = 50_000
SCANNED_BYTES_MAX = 64 * 1024 * 1024
"""When more than this waits in the spool, nobody looks which hours it reaches into: all."""
STRETCHES_MAX = 200
WAIT_S = 10.0
SPOOL_S_MAX = 60.0


class Line(Protocol):
    """What is needed of ``node.relaying.Relaying``."""

    @property
    def uplink(self) -> Uplink: ...

    def fetch(self, path: str) -> bytes:
        """What the hub has for us there. Raises LianjiError or a kind of ``relay.client``."""


class Answering:
    """Answers to a hub's asks. They come one at a time, from the relay's thread."""

    def __init__(
        self,
        site: str,
        patterns: Sequence[str],
        keeps: Sequence[tuple[str, float]],
        history: Historian,
        spool: Spool,
        names: TagIds,
        listed: Callable[[], Sequence[str]],
        line: Callable[[], Line | None],
    ) -> None:
        """``listed`` are the paths of the tag tables, ``keeps`` the rules of retention."""
        self._site, self._patterns, self._keeps = site, list(patterns), list(keeps)
        self._history, self._spool, self._names = history, spool, names
        self._listed, self._line = listed, line
        self._thread = quiet_thread("reconcile")

    @property
    def handlers(self) -> Mapping[str, Handler]:
        return {
            "reconcile-about": self._quietly(self._about),
            "digest": self._quietly(self._digest),
            "resend": self._quietly(self._resend),
            "relayed": self._relayed,
            "restore": self._quietly(self._restore),
        }

    def _quietly(self, handler: Handler) -> Handler:
        return lambda ask: self._thread.submit(handler, ask).result()

    # -- what there is -----------------------------------------------------------------------

    def _about(self, ask: dict[str, Any]) -> dict[str, Any]:
        """Who this is, and its tags from a number on, as many as fit."""
        paths = self._paths()
        first = last = int(ask.get("first", 0))
        size = 0
        while last < len(paths) and (size := size + len(paths[last].encode())) < PATHS_BYTES_MAX:
            last += 1
        return {
            "site": self._site,
            "patterns": self._patterns,
            "keeps": self._keeps,
            "reach": reach(self._history, paths),
            "now_us": now_us(),
            "paths": pack_words(paths[first:last]),
            "next": last,
            "total": len(paths),
        }

    def _paths(self) -> list[str]:
        paths = {*self._names.paths, *self._listed()}
        if self._patterns:
            paths = {p for p in paths if any(fnmatchcase(p, one) for one in self._patterns)}
        return sorted(paths)

    def _digest(self, ask: dict[str, Any]) -> dict[str, Any]:
        tags = unpack_words(ask["tags"])
        start_us, end_us, step_us = (int(ask[name]) for name in ("start_us", "end_us", "step_us"))
        if step_us < HOUR_US or len(tags) * steps_in(start_us, end_us, step_us) > CELLS_MAX:
            raise wrong_answer("too much is asked at once")
        count = fitting(self._history, tags, start_us, end_us, ROWS_AT_ONCE)
        found = digest(self._history, tags[:count], start_us, end_us, step_us)
        return {
            "done": min(count, len(tags)),
            "counts": pack_numbers(found.counts),
            "hashes": pack_numbers(found.hashes),
            "under_way": self._under_way(),
            "unreadable": sorted(self._history.unreadable)[:20],
        }

    def _under_way(self) -> list[list[int]] | None:
        """The times, from and to, into which records reach that the hub does not have yet; None:
        too many to look."""
        uplink = self._its_line().uplink
        position, last = uplink.status().position, self._spool.durable
        if position >= last:
            return []
        records = self._spool.records(position + 1, last, SCANNED_BYTES_MAX)
        if not records or records[-1].sequence < last:
            return None
        hours: set[int] = set()
        for record in records:
            if record.is_batch:
                hours.update(range(record.start_us // HOUR_US, record.end_us // HOUR_US + 1))
        stretches = _stretches(sorted(hours))
        return stretches if len(stretches) <= STRETCHES_MAX else None

    # -- what is mended ----------------------------------------------------------------------

    def _resend(self, ask: dict[str, Any]) -> dict[str, Any]:
        rows = sequence = 0
        for group in ask["groups"]:
            tags = [t for t in unpack_words(group["tags"]) if self._names.find(t) is not None]
            start_us, end_us = int(group["start_us"]), int(group["end_us"])
            found = samples_of(self._history, tags, start_us, end_us)
            sequence = max(sequence, self._put(found, self._names.ids_of(tags)))
            rows += len(found)
        return {"rows": rows, "sequence": sequence}

    def _put(self, rows: Rows, ids: NDArray[np.int32]) -> int:
        """Into the spool; the last sequence, 0 if there is nothing."""
        sequence = 0
        for at in range(0, len(rows), BATCH_ROWS):
            some = rows.take(slice(at, at + BATCH_ROWS))
            batch = Batch.of(
                ids[some.tag], some.time_us, some.value, some.quality, some.text, origin=ORIGIN
            )
            sequence = self._spool.put(batch).result(SPOOL_S_MAX)
        return sequence

    def _relayed(self, ask: dict[str, Any]) -> dict[str, Any]:
        """Whether the hub has everything up to a sequence: at once, or within some seconds."""
        uplink = self._its_line().uplink
        done = uplink.wait_for(int(ask["sequence"]), WAIT_S)
        return {"done": done, "position": uplink.status().position}

    def _restore(self, ask: dict[str, Any]) -> dict[str, Any]:
        """Take from the hub what is not here. What is here stays as it is: the edge is right."""
        content = self._its_line().fetch(f"repair/{int(ask['offer'])}")
        rows, paths = _rows_of(content)
        taken = rows.take(unknown_to(self._history, rows, paths))
        sequence = self._put(taken, self._names.ids_of(paths)) if len(taken) else 0
        return {"rows": len(taken), "sequence": sequence}

    def _its_line(self) -> Line:
        line = self._line()
        if line is None:
            raise LinkDown(
                "relay-missing",
                Text("This plant is no edge.", "本工厂不是边缘端。"),
                Text("Join it to a hub: `lianji join`.", "请用 `lianji join` 加入中心。"),
            )
        return line


def answers_of(plant: Plant, settings: RelaySettings) -> Answering:
    """The answers of a plant that has joined a hub."""
    own = plant.configuration.settings
    return Answering(
        own.site.name,
        settings.tags,
        [(rule.tags, rule.keep_days) for rule in own.history.retention],
        plant.history,
        plant.spool,
        plant.names,
        lambda: _listed(plant.configuration),
        lambda: plant.relaying,
    )


def _listed(configuration: Configuration) -> list[str]:
    return [path for path in configuration.tags if path not in configuration.calculated]


def _stretches(hours: Sequence[int]) -> list[list[int]]:
    """Neighbouring hours as one, from and to (both included), in microseconds."""
    found: list[list[int]] = []
    for hour in hours:
        first_us = hour * HOUR_US
        if found and found[-1][1] + 1 == first_us:
            found[-1][1] = first_us + HOUR_US - 1
        else:
            found.append([first_us, first_us + HOUR_US - 1])
    return found


def table_of(rows: Rows, paths: Sequence[str]) -> bytes:
    """Samples as an Arrow stream, their tags under these names."""
    table = rows.as_table(paths)
    sink = pa.BufferOutputStream()
    options = pa.ipc.IpcWriteOptions(compression="zstd")
    with pa.ipc.new_stream(sink, table.schema, options=options) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def _rows_of(content: bytes) -> tuple[Rows, list[str]]:
    """The samples of such a stream, sorted by tag and time, and the paths of their tags."""
    try:
        table = pa.ipc.open_stream(content).read_all().unify_dictionaries().combine_chunks()
        tag = table.column("tag").combine_chunks()
        value = table.column("value").combine_chunks().to_numpy(zero_copy_only=False)
        rows = Rows(
            tag.indices.to_numpy(),
            table.column("time").combine_chunks().view(pa.int64()).to_numpy(),
            value,
            table.column("quality").to_numpy(),
            table.column("text").combine_chunks(),
        )
    except (pa.ArrowException, KeyError, ValueError) as error:
        raise InputError(
            "reconcile-answer-invalid",
            Text(
                f"What the hub gave back cannot be read: {error}.",
                f"无法读取中心端返还的数据：{error}。",
            ),
            Text("Bring edge and hub to versions that fit.", "请使边缘端与中心端的版本一致。"),
        ) from error
    return rows, tag.dictionary.to_pylist()
