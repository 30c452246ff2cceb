"""Modified history: what a correction replaced stays readable (OPC 10000-11, section 6.5.3.3).

It is written before the correction itself, with the sequence of the batch that brought it, so a
flush that is repeated after a crash neither forgets an entry nor tells it twice.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from lianji.dictionary.batch import TIME_TYPE
from lianji.history.delta.files import day_name
from lianji.history.delta.log import Change, DeltaLog
from lianji.history.late.settle import Replaced
from lianji.history.memory import Held
from lianji.history.parquet.reading import Stored, unreadable
from lianji.history.parquet.writing import DAY_US
from lianji.history.sites import Sites
from lianji.history.tables import MODIFIED, month_of, write_small

KIND = "replaced"


def keep_replaced(
    log: DeltaLog,
    source: str,
    sites: Sites,
    replaced: Sequence[Replaced],
    held: Sequence[Held],
    paths: Sequence[str],
) -> None:
    """Commit what corrections replaced. ``held`` are the batches of the flush, in order."""
    if not replaced:
        return
    told = log.committed(source)
    ends = np.cumsum([len(one.batch) for one in held])
    parts = [part for one in replaced if (part := _rows(one, held, ends, told, paths)).num_rows]
    if not parts:
        return
    table = pa.concat_tables(parts)
    homes = [sites.of(path) for path in table.column("tag").to_pylist()]
    keys = list(zip(homes, table.column("month").to_pylist(), strict=True))
    files = []
    for site, month in sorted(set(keys)):
        mask = pa.array([one == (site, month) for one in keys])
        part = table.filter(mask).drop_columns(["month"])
        part = part.sort_by([("tag", "ascending"), ("time", "ascending")])
        files.append(write_small(log.place, MODIFIED, site, month, part))
    log.commit(Change("MODIFY", files, sequences={source: held[-1].sequence}))


def _rows(
    one: Replaced,
    held: Sequence[Held],
    ends: NDArray[np.int64],
    told: int,
    paths: Sequence[str],
) -> pa.Table:
    batch = np.searchsorted(ends, one.by, side="right").tolist()
    by = [held[place] for place in batch]
    news = np.array([each.sequence > told for each in by], dtype=bool)
    rows = one.rows
    days = [day_name(day) for day in (rows.time_us // DAY_US).tolist()]
    table = pa.table(
        {
            "tag": pa.array([paths[tag] for tag in rows.tag.tolist()], pa.string()),
            "time": pa.array(rows.time_us).view(TIME_TYPE),
            "value": pa.array(rows.value, mask=np.isnan(rows.value)),
            "text": rows.text,
            "quality": pa.array(rows.quality.astype(np.int32)),
            "modified": pa.array([_arrived_us(each.batch.id) for each in by]).view(TIME_TYPE),
            "origin": pa.array([each.batch.origin for each in by], pa.string()),
            "kind": pa.array([KIND] * len(by), pa.string()),
            "month": pa.array([month_of(day) for day in days], pa.string()),
        }
    )
    return table.filter(pa.array(news))


def _arrived_us(identity: bytes) -> int:
    """When a batch was made: its id begins with the milliseconds (RFC 9562, section 5.7)."""
    return int.from_bytes(identity[:6], "big") * 1000


def read_modified(
    log: DeltaLog,
    paths: Sequence[str],
    start_us: int,
    end_us: int,
    sites: Collection[str] | None = None,
) -> pa.Table:
    """What was replaced of these tags with start <= time < end: by tag, time and modification.

    Raises StorageError for a file that cannot be read.
    """
    wanted = set(paths)
    parts = [_SCHEMA.empty_table()]
    for file in log.files.between(start_us, end_us - 1, sites):
        try:
            with log.place.open(file.path) as source:
                table = pq.read_table(source, schema=_SCHEMA)
        except (pa.ArrowException, OSError) as error:
            raise unreadable(Stored(log.place, file), error) from error
        times = table.column("time").combine_chunks().view(pa.int64()).to_numpy()
        keep = (times >= start_us) & (times < end_us)
        keep &= np.array([tag in wanted for tag in table.column("tag").to_pylist()], dtype=bool)
        parts.append(table.filter(pa.array(keep)))
    order = [("tag", "ascending"), ("time", "ascending"), ("modified", "ascending")]
    return pa.concat_tables(parts).sort_by(order)


_SCHEMA = pa.schema([f for f in MODIFIED.schema if f.name not in ("site", "month")])
