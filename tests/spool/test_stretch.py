"""Stretches of the log as they lie in the files: for the relay, without going through it all."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest

from lianji.dictionary.batch import Batch
from lianji.spool.entry import Entry
from lianji.spool.record import Gap, Kind, Record, decode, record_at
from lianji.spool.segment import list_segments, scan_file
from lianji.spool.spool import Spool
from tests.spool.test_spool import START_US, all_of, batch, fill, gaps_of, ids_of, quick


def decoded(records: list[Record]) -> list[Entry]:
    return [Entry(record.sequence, decode(record)) for record in records]


def test_a_reader_takes_records_as_they_lie_and_goes_on_behind_them(tmp_path: Path) -> None:
    with Spool(tmp_path, quick(segment_bytes=65536)) as spool:
        ids = fill(spool, 60, rows=500)
        gap = Gap("disk cap: dropped", 2, 5, 40, START_US, START_US)
        spool.put(gap).result(5)
        ids += fill(spool, 5, first=100)
        reader = spool.reader("relay")
        entries: list[Entry] = []
        while records := reader.read_records(20_000):
            assert len(records) == 1 or sum(len(r.raw) for r in records) <= 20_000
            assert all(record_at(record.raw, 0) == record for record in records)
            assert all(record.kind is not Kind.TAGS for record in records)
            entries += decoded(records)
            assert reader.cursor == records[-1].sequence
        assert [entry.sequence for entry in entries] == list(range(1, 67))
        assert ids_of(entries) == ids
        assert gaps_of(entries) == [gap]


def test_a_reader_takes_no_record_behind_the_last_that_it_may(tmp_path: Path) -> None:
    with Spool(tmp_path, quick()) as spool:
        fill(spool, 9)
        reader = spool.reader("relay")
        assert [record.sequence for record in reader.read_records(10**6, last=4)] == [1, 2, 3, 4]
        assert reader.read_records(10**6, last=4) == []
        assert [record.sequence for record in reader.read_records(0)] == [5]
        reader.commit(4)
    with Spool(tmp_path, quick()) as spool:
        assert spool.reader("relay").read_records(10**6)[0].sequence == 5


def test_any_stretch_can_be_read_and_any_record(tmp_path: Path) -> None:
    chance = random.Random(3)
    with Spool(tmp_path, quick(segment_bytes=300_000)) as spool:
        ids = fill(spool, 300, rows=500)
        assert len(list_segments(tmp_path)) > 3
        for _ in range(60):
            first, last = sorted((chance.randrange(1, 310), chance.randrange(1, 310)))
            expected = ids[first - 1 : last]
            assert ids_of(decoded(spool.records(first, last, 10**9))) == expected
            record = spool.record(first)
            assert (record is None) is (first > 300)
            if record is not None:
                assert ids_of(decoded([record])) == [ids[first - 1]]
        assert [record.sequence for record in spool.records(7, 300, 1)] == [7]
        assert spool.record(0) is None


def test_stretches_that_are_gone_are_empty(tmp_path: Path) -> None:
    with Spool(tmp_path, quick(segment_bytes=65536, keep_h=0)) as spool:
        fill(spool, 60, rows=500)
        spool.reader("history").commit(spool.durable)
        kept = list_segments(tmp_path)[0].first
        assert kept > 10
        assert spool.record(kept - 1) is None
        assert spool.records(1, kept - 1, 10**9) == []
        assert [record.sequence for record in spool.records(1, kept, 10**9)] == [kept]


def test_one_record_does_not_cost_the_whole_segment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import os

    read: list[int] = []
    real = os.pread

    def pread(handle: int, count: int, offset: int) -> bytes:
        got = real(handle, count, offset)
        read.append(len(got))
        return got

    with Spool(tmp_path, quick()) as spool:
        fill(spool, 700, rows=2000)
        [segment] = list_segments(tmp_path)
        assert segment.bytes > 8 * 1024**2
        spool.records(1, 700, 10**9)
        monkeypatch.setattr(os, "pread", pread)
        for sequence in (600, 599, 300, 301, 7):
            read.clear()
            record = spool.record(sequence)
            assert record is not None
            assert record.sequence == sequence
            assert sum(read) <= 1024**2


def test_all_behind_a_sequence_can_be_seen_without_being_a_reader(tmp_path: Path) -> None:
    with Spool(tmp_path, quick(segment_bytes=65536, keep_h=0)) as spool:
        reader = spool.reader("history")
        ids = fill(spool, 60, rows=500)
        assert ids_of(list(spool.after(20))) == ids[20:]
        assert list(spool.after(60)) == []
        assert reader.cursor == 0
        all_of(reader)
        assert ids_of(list(spool.after(20))) == ids[20:]
        reader.commit(60)
        assert len(list_segments(tmp_path)) == 1  # a look holds nothing
        ids += fill(spool, 3, first=200)
    with Spool(tmp_path, quick(segment_bytes=65536, keep_h=0)) as spool:
        assert ids_of(list(spool.after(61))) == ids[61:]


def test_a_segment_that_was_thinned_under_a_reader_is_no_damage_and_loses_no_record(
    tmp_path: Path,
) -> None:
    with Spool(tmp_path, quick(bytes_max=1024 * 1024, full="thin")) as spool:
        reader = spool.reader("history")
        spool.reader("slow")
        fill(spool, 60, rows=1000)
        live = spool.reader("live")
        all_of(live)
        reader.start_behind(0)
        spool._log.forget(spool.durable)  # as if others had read it: this one reads from the files
        seen = [entry.sequence for entry in reader.read(8000)]
        assert len(seen) == 8
        fill(spool, 60, rows=1000, first=100)
        spool._log.forget(spool.durable)
        seen += [entry.sequence for entry in all_of(reader)]
        assert seen == list(range(1, spool.durable + 1))
        assert spool.status().quarantined == 0


@pytest.mark.parametrize("rows", [5, 40_000])
def test_records_larger_than_a_piece_of_a_file_and_damage_among_them_are_found(
    tmp_path: Path, rows: int
) -> None:
    with Spool(tmp_path, quick()) as spool:
        noise = np.random.default_rng(5)
        for number in range(8):
            values = noise.random(rows)
            spool.put(Batch.of(np.arange(rows), START_US + number, values)).result(10)
        assert spool.put(batch(99)).result(5) == 9
    [segment] = list_segments(tmp_path)
    whole = [item for _, item in scan_file(segment.path) if isinstance(item, Record)]
    assert [r.sequence for r in whole if r.is_batch] == list(range(1, 10))
    content = bytearray(segment.path.read_bytes())
    for place in (0.3, 0.7):
        content[int(len(content) * place)] ^= 0x40
    segment.path.write_bytes(content)
    items = list(scan_file(segment.path))
    good = [item for _, item in items if isinstance(item, Record)]
    assert len(good) == len(whole) - 2
    lengths = [len(item.raw) if isinstance(item, Record) else item.length for _, item in items]
    assert items[0][0] + sum(lengths) == len(content)
