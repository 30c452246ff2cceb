"""A relayed record keeps the word of where it came from; records of before it read as ever."""

from __future__ import annotations

from base64 import b85decode
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianji.base.errors import InputError
from lianji.dictionary.batch import Batch
from lianji.dictionary.source import Source
from lianji.spool.record import Gap, decode, encode_batch, pack, record_at
from lianji.spool.spool import Spool
from lianji.spool.thin import thinned
from tests.spool.test_spool import START_US, all_of, fill, gaps_of, quick

U64 = st.integers(0, 2**64 - 1)
SOURCES = st.builds(
    Source,
    edge=st.text(max_size=60),
    epoch=st.binary(min_size=16, max_size=16).map(bytes.hex),
    lane=U64,
    sequence=U64,
    check=U64,
)
SOURCE = Source("plant7", "0f" * 16, 1, 42, 2**64 - 1)
OLD_BATCH = (
    "OiEHQ0RsR4zX1RM2LJ#7000000RR9106-oXBnk!q06-oXBnk!q$vbNvxaVJa009C61O)~M2nh-c3=Iws000DVb#rL{|Ns9"
    "m0RR9L000000000C02lxU00jUD01N;O000000|WpZ0001R00000000000000C03HAk00aOC01N;O000260000a0000O000"
    "0100000000000000000saE00#gD00000000390000000000000000000000000000000000L000000000O000000000000"
    "0000000O000000000P000000000u0000000000000000000u000000000P000000001300000000000000000013000000"
    "000J0000000000000040000100000000000000000001000000000000000000010000000000000000000100000000000"
    "000000004000000000ewJ-f31R($b0{{R300008000000000ewJ-f32tfb<06-oXBnk!q0000000008000000000ewJ-f3"
    "2tfb<00000008(u0000000002000000000ewJ-f30ucZJ000000000"
)
OLD_GAP = (
    "OiEHQ0{{R3d;kCd2mk;8000000000006-oXBnk!qzy?ehBnk!qk3=)Yy|@Txdm?gWVRLV8B03-<WNCA2AY);0Iv`|nZ*Xv"
    "BWFjmeB4%lFb95p)ATlf<B5YxEbRs$+H7p<^a&LEYB03;6Ff1S<b97;HbYFFIB03;3H!v_TFfcGMFfcGMFfcGIAR=XMWM6"
    "f2B03;3H!v_TFfcGMGcYhPFfcHE"
)


def read_back(content: Batch | Gap) -> Batch | Gap:
    record = record_at(memoryview(b"".join(pack(content).record(9))), 0)
    assert record is not None
    return decode(record)


@given(st.lists(SOURCES, max_size=4).map(tuple), st.text(max_size=80))
def test_a_batch_brings_its_sources_back_beside_its_origin(
    sources: tuple[Source, ...], origin: str
) -> None:
    sent = replace(Batch.of([1, 2], START_US, [1.0, 2.0], origin=origin), sources=sources)
    read = read_back(sent)
    assert isinstance(read, Batch)
    assert read.sources == sources
    assert read.origin == origin
    assert (read.id, read.samples) == (sent.id, sent.samples)


@given(SOURCES)
def test_a_gap_brings_its_source_back(source: Source) -> None:
    gap = Gap("disk cap: dropped", 2, 5, 40, START_US, START_US + 9, (source,))
    assert read_back(gap) == gap


def test_records_of_before_there_were_sources_read_as_ever() -> None:
    record = record_at(memoryview(b85decode(OLD_BATCH)), 0)
    assert record is not None
    batch = decode(record)
    assert isinstance(batch, Batch)
    assert (batch.id, batch.origin, batch.sources) == (bytes(range(16)), "push", ())
    assert batch.samples.equals(Batch.of([3], START_US, [1.5]).samples)
    record = record_at(memoryview(b85decode(OLD_GAP)), 0)
    assert record is not None
    assert decode(record) == Gap("disk cap: dropped", 2, 5, 40, START_US, START_US + 3_000_000)


def test_a_gap_without_a_source_is_written_as_ever() -> None:
    gap = Gap("disk cap: dropped", 2, 5, 40, START_US, START_US + 3_000_000)
    assert b"".join(pack(gap).record(8)) == b85decode(OLD_GAP)


def test_a_record_knows_its_own_check() -> None:
    raw = b"".join(encode_batch(1, Batch.of([1], START_US, [1.0])))
    record = record_at(memoryview(raw), 0)
    assert record is not None
    assert record.check == int.from_bytes(raw[40:48], "little")


def test_an_edge_whose_name_is_too_long_is_refused_not_cut() -> None:
    batch = replace(Batch.of([1], START_US, [1.0]), sources=(replace(SOURCE, edge="边" * 100),))
    with pytest.raises(InputError):
        pack(batch)


def test_a_gap_that_an_edge_told_is_a_record_of_its_own_and_no_loss_of_this_spool(
    tmp_path: Path,
) -> None:
    gap = Gap("disk cap: dropped", 2, 5, 40, START_US, START_US + 9, (SOURCE,))
    with Spool(tmp_path, quick()) as spool:
        fill(spool, 1)
        assert spool.put(gap).result(5) == 2
        fill(spool, 1, first=5)
        assert spool.status().gaps == 0
        assert gaps_of(all_of(spool.reader("history"))) == [gap]
    with Spool(tmp_path, quick()) as spool:
        entries = all_of(spool.reader("history"))
        assert [entry.sequence for entry in entries] == [1, 2, 3]
        assert gaps_of(entries) == [gap]


def test_a_gap_that_could_not_be_written_is_refused_and_not_told_later(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(28, "No space left on device")

    gap = Gap("disk cap: dropped", 2, 5, 40, START_US, START_US + 9, (SOURCE,))
    with Spool(tmp_path, quick()) as spool:
        with monkeypatch.context() as broken:
            broken.setattr("os.fdatasync", fail)
            assert spool.put(gap).exception(5) is not None
        fill(spool, 1)
        assert gaps_of(all_of(spool.reader("history"))) == []


def test_thinning_keeps_the_source(tmp_path: Path) -> None:
    batch = replace(
        Batch.of(np.zeros(8), START_US + np.arange(8), np.arange(8.0)), sources=(SOURCE,)
    )
    [kept] = thinned([batch])
    assert (len(kept), kept.id, kept.sources) == (4, batch.id, (SOURCE,))
    cap = quick(bytes_max=1024 * 1024, full="thin")
    with Spool(tmp_path, cap) as spool:
        spool.reader("history")
        noise = np.random.default_rng(1)
        for number in range(200):
            sent = Batch.of(np.arange(1000), START_US + number, noise.random(1000))
            spool.put(replace(sent, sources=(replace(SOURCE, sequence=number),))).result(5)
    with Spool(tmp_path, cap) as spool:
        entries = all_of(spool.reader("history"))
        batches = [e.content for e in entries if isinstance(e.content, Batch)]
        assert any(len(one) < 1000 for one in batches)
        numbers = [one.sources[0].sequence for one in batches if one.sources]
    assert len(numbers) == len(batches)
    assert numbers == sorted(numbers)
