"""Feeds: a mix laid down once as a file, and the bodies that servers take, made without loops.

A feed is an Arrow IPC stream of blocks. It is read by plain reads, never mapped, so that the
memory of the process that reads it tells of what it does and not of the file. A body of text is
the data of one Arrow string array whose every element ends its line.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from bench.mixes import Block, Mix
from bench.mixes.signals import SIGNALS_A_MACHINE

_SCHEMA = pa.schema(
    [("tag", pa.int32()), ("time", pa.int64()), ("value", pa.float64()), ("quality", pa.uint16())]
)


def write_feed(mix: Mix, file: Path, samples_a_block: int = 100_000) -> int:
    """Lay down every block of a mix; how many samples that are."""
    sent = 0
    with pa.OSFile(str(file), "wb") as sink, pa.ipc.new_stream(sink, _SCHEMA) as stream:
        for block in mix.blocks(samples_a_block):
            columns = [block.tag, block.time_us, block.value, block.quality]
            stream.write_batch(pa.record_batch(list(map(pa.array, columns)), schema=_SCHEMA))
            sent += len(block)
    return sent


def read_feed(file: Path) -> Iterator[Block]:
    with pa.OSFile(str(file), "rb") as source, pa.ipc.open_stream(source) as stream:
        for batch in stream:
            yield Block(*(column.to_numpy(zero_copy_only=False) for column in batch.columns))


def joined(blocks: Iterator[Block], samples: int) -> Iterator[Block]:
    """Blocks of at least so many samples, the last one aside."""
    some: list[Block] = []
    for block in blocks:
        some.append(block)
        if sum(map(len, some)) >= samples:
            yield Block.concat(some)
            some = []
    if some:
        yield Block.concat(some)


def with_value(block: Block) -> Block:
    """Without the samples that have none: no rival over HTTP can be told of them."""
    return block.take(~np.isnan(block.value))


def reading_lines(block: Block, paths: Sequence[str], lines_a_body: int = 10_000) -> list[bytes]:
    """Line protocol in ms, a line for each reading: its ten signals have one time."""
    block = with_value(block)
    first, times = block.tag[::SIGNALS_A_MACHINE], block.time_us[::SIGNALS_A_MACHINE]
    if not (np.diff(block.tag.reshape(-1, SIGNALS_A_MACHINE), axis=1) == 1).all():
        raise ValueError("a reading is not whole")
    heads = pa.array([_head_of_line(path) for path in paths[::SIGNALS_A_MACHINE]])
    parts = [heads.take(pa.array(first // SIGNALS_A_MACHINE))]
    values = pa.array(block.value).cast(pa.string())
    for signal in range(SIGNALS_A_MACHINE):
        parts += [f"{',' if signal else ' '}signal{signal}=", values[signal::SIGNALS_A_MACHINE]]
    lines = _concat([*parts, " ", _ms(times), "\n"])
    return [_body(lines[at : at + lines_a_body]) for at in range(0, len(lines), lines_a_body)]


def sample_lines(block: Block, site: str, paths: Sequence[str]) -> list[bytes]:
    """Line protocol in ms, a line for each sample: measurement ``site``, tag ``tag``."""
    block = with_value(block)
    heads = pa.array([f"{site},tag={path} value=" for path in paths])
    values = pa.array(block.value).cast(pa.string())
    lines = _concat([heads.take(pa.array(block.tag)), values, " ", _ms(block.time_us), "\n"])
    return [_body(lines[at : at + 50_000]) for at in range(0, len(lines), 50_000)]


def json_lines(block: Block, site: str, paths: Sequence[str], bodies: int = 4) -> list[bytes]:
    """VictoriaMetrics' import: a line for each tag, with all its values and times."""
    block = with_value(block)
    order = np.argsort(block.tag, kind="stable")
    tag = block.tag[order]
    starts = np.flatnonzero(np.append(len(tag) > 0, tag[1:] != tag[:-1]))
    offsets = pa.array(np.append(starts, len(tag)).astype(np.int32))
    values = pa.array(block.value[order]).cast(pa.string())
    times = _ms(block.time_us[order])
    heads = pa.array(
        [f'{{"metric":{{"__name__":"{site}","tag":"{path}"}},"values":[' for path in paths]
    )
    lines = _concat(
        [
            heads.take(pa.array(tag[starts])),
            pc.binary_join(pa.ListArray.from_arrays(offsets, values), ","),
            '],"timestamps":[',
            pc.binary_join(pa.ListArray.from_arrays(offsets, times), ","),
            "]}\n",
        ]
    )
    each = -(-len(lines) // bodies)
    return [_body(lines[at : at + each]) for at in range(0, len(lines), each)]


def _head_of_line(path: str) -> str:
    """``plant/line3/machine12/signal0`` is measurement plant/line3, machine machine12."""
    measurement, machine, _ = path.rsplit("/", 2)
    return f"{measurement},machine={machine}"


def _ms(times_us: np.ndarray) -> pa.Array:
    return pa.array(times_us // 1000).cast(pa.string())


def _concat(parts: Sequence[pa.Array | str]) -> pa.Array:
    return pc.binary_join_element_wise(*parts, "")


def _body(lines: pa.Array) -> bytes:
    """The characters of all lines: they lie end to end in the array's data."""
    ends = np.frombuffer(lines.buffers()[1], np.int32)
    first, last = int(ends[lines.offset]), int(ends[lines.offset + len(lines)])
    return memoryview(lines.buffers()[2])[first:last].tobytes()
