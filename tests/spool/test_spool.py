"""The spool keeps what it said yes to, through torn tails, flipped bits and full disks."""

from __future__ import annotations

import asyncio
import os
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from lianji.base.errors import Busy, StorageError
from lianji.dictionary.batch import Batch
from lianji.spool.entry import Entry
from lianji.spool.reader import Reader
from lianji.spool.record import Gap, encode_batch, scan
from lianji.spool.segment import list_segments
from lianji.spool.settings import FullPolicy, SpoolSettings
from lianji.spool.spool import Spool
from lianji.trace.marks import Stage

START_US = 1_700_000_000_000_000


def batch(number: int, rows: int = 10) -> Batch:
    noise = np.random.default_rng(number).random(rows)
    return Batch.of(np.arange(rows), START_US + number * 1_000_000, noise)


def quick(**changes: object) -> SpoolSettings:
    return SpoolSettings.model_validate({"commit_ms": 0, **changes})


def fill(spool: Spool, count: int, rows: int = 10, first: int = 0) -> list[bytes]:
    batches = [batch(first + number, rows) for number in range(count)]
    answers = [spool.put(item) for item in batches]
    for answer in answers:
        answer.result(10)
    return [item.id for item in batches]


def all_of(reader: Reader) -> list[Entry]:
    entries: list[Entry] = []
    while got := reader.read():
        entries += got
    return entries


def ids_of(entries: list[Entry]) -> list[bytes]:
    return [entry.content.id for entry in entries if isinstance(entry.content, Batch)]


def gaps_of(entries: list[Entry]) -> list[Gap]:
    return [entry.content for entry in entries if isinstance(entry.content, Gap)]


def test_what_was_appended_is_read_in_order_with_its_columns(tmp_path: Path) -> None:
    with Spool(tmp_path, quick()) as spool:
        sent = Batch.of([3, 1], START_US, [1.5, np.nan], [0, 0x808C], [None, "stuck"])
        assert spool.put(sent).result(5) == 1
        [entry] = spool.reader("history").read()
        assert isinstance(entry.content, Batch)
        assert entry.content.samples.equals(sent.samples)
    with Spool(tmp_path, quick()) as spool:
        [entry] = spool.reader("history").read()
        assert isinstance(entry.content, Batch)
        assert entry.content.samples.equals(sent.samples)
        assert entry.content.id == sent.id


async def test_appends_of_one_moment_share_a_sync(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    syncs: list[int] = []
    real = os.fdatasync
    monkeypatch.setattr(os, "fdatasync", lambda handle: (syncs.append(handle), real(handle))[1])
    with Spool(tmp_path, SpoolSettings(commit_ms=50)) as spool:
        sequences = await asyncio.gather(*(spool.append(batch(n)) for n in range(50)))
    assert sequences == list(range(1, 51))
    assert len(syncs) <= 3


def test_a_batch_is_marked_with_what_the_spool_cost(tmp_path: Path) -> None:
    with Spool(tmp_path, quick()) as spool:
        sent = batch(1)
        spool.put(sent).result(5)
    stage, waited_ns, served_ns = sent.marks[-3:]
    assert stage == Stage.SPOOL
    assert waited_ns >= 0
    assert served_ns > 0


def test_positions_survive_and_only_what_follows_them_is_read_again(tmp_path: Path) -> None:
    with Spool(tmp_path, quick()) as spool:
        ids = fill(spool, 10)
        reader = spool.reader("history")
        assert ids_of(all_of(reader)) == ids
        reader.commit(7)
    with Spool(tmp_path, quick()) as spool:
        assert ids_of(all_of(spool.reader("history"))) == ids[7:]
        assert ids_of(all_of(spool.reader("relay"))) == ids


def test_readers_follow_from_memory_and_from_disk_alike(tmp_path: Path) -> None:
    with Spool(tmp_path, quick(segment_bytes=65536)) as spool:
        live = spool.reader("live")
        seen: list[bytes] = []
        ids: list[bytes] = []
        for start in range(0, 200, 20):
            ids += fill(spool, 20, rows=500, first=start)
            seen += ids_of(all_of(live))
        assert seen == ids
        assert ids_of(all_of(spool.reader("late"))) == ids
        assert len(list_segments(tmp_path)) > 3


def test_a_waiting_reader_wakes_when_something_is_durable(tmp_path: Path) -> None:
    with Spool(tmp_path, quick()) as spool:
        woke: list[bool] = []
        waiter = threading.Thread(target=lambda: woke.append(spool.wait_beyond(0, 10)))
        waiter.start()
        fill(spool, 1)
        waiter.join()
        assert woke == [True]
        assert not spool.wait_beyond(spool.durable, 0.01)


def test_who_waits_looks_up_when_it_is_told_to(tmp_path: Path) -> None:
    with Spool(tmp_path, quick()) as spool, ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(spool.wait_beyond, 0, 3_600)
        while not waiting.done():
            spool.wake()
        assert waiting.result() is False


def test_a_torn_tail_is_cut_and_writing_goes_on_behind_it(tmp_path: Path) -> None:
    with Spool(tmp_path, quick()) as spool:
        ids = fill(spool, 5)
    [segment] = list_segments(tmp_path)
    torn = b"".join(encode_batch(6, batch(99)))[:-7]
    with segment.path.open("ab") as file:
        file.write(torn)
    with Spool(tmp_path, quick()) as spool:
        ids += fill(spool, 2)
        entries = all_of(spool.reader("history"))
        assert ids_of(entries) == ids
        assert [entry.sequence for entry in entries] == list(range(1, 9))
        assert [q.reason for q in spool.quarantine.list()] == ["torn tail"]
        [gap] = gaps_of(entries)
        assert gap.reason.startswith(f"torn: {segment.path.name} at "), "it may have had a yes"


def test_damage_in_the_middle_costs_one_record_and_is_named(tmp_path: Path) -> None:
    with Spool(tmp_path, quick()) as spool:
        ids = fill(spool, 9)
    [segment] = list_segments(tmp_path)
    content = bytearray(segment.path.read_bytes())
    content[len(content) // 2] ^= 0x10
    segment.path.write_bytes(content)
    with Spool(tmp_path, quick()) as spool:
        fill(spool, 1, first=50)
        entries = all_of(spool.reader("history"))
        survivors = [identity for identity in ids if identity in ids_of(entries)]
        assert len(survivors) == len(ids) - 1
        assert spool.status().quarantined == 1
        assert any("damaged" in gap.reason for gap in gaps_of(entries))


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.data())
def test_no_flip_or_cut_is_silent_or_harms_a_neighbour(data: st.DataObject) -> None:
    records = [b"".join(encode_batch(number, batch(number, 5))) for number in range(1, 8)]
    whole = b"".join(records)
    place = data.draw(st.integers(0, len(whole) - 1))
    if data.draw(st.booleans()):
        broken = bytearray(whole)
        broken[place] ^= data.draw(st.integers(1, 255))
    else:
        broken = bytearray(whole[:place])
    good = [item for _, item in scan(memoryview(bytes(broken))) if hasattr(item, "sequence")]
    bad = [item for _, item in scan(memoryview(bytes(broken))) if not hasattr(item, "sequence")]
    intact = [
        number
        for number, record in enumerate(records, 1)
        if bytes(broken).find(record) >= 0 and number <= len(records)
    ]
    assert [item.sequence for item in good] == intact
    assert len(broken) == sum(len(item.raw) for item in good) + sum(item.length for item in bad)


def test_segments_go_when_every_reader_has_passed_and_their_time_is_over(tmp_path: Path) -> None:
    with Spool(tmp_path, quick(segment_bytes=65536, keep_h=0)) as spool:
        fast, slow = spool.reader("fast"), spool.reader("slow")
        fill(spool, 100, rows=1000)
        before = len(list_segments(tmp_path))
        fast.commit(spool.durable)
        assert len(list_segments(tmp_path)) == before
        slow.commit(spool.durable)
        assert len(list_segments(tmp_path)) == 1


def test_segments_that_all_have_are_kept_for_the_keep_time(tmp_path: Path) -> None:
    with Spool(tmp_path, quick(segment_bytes=65536, keep_h=1)) as spool:
        reader = spool.reader("history")
        fill(spool, 100, rows=1000)
        before = len(list_segments(tmp_path))
        reader.commit(spool.durable)
        assert len(list_segments(tmp_path)) == before > 1


@pytest.mark.parametrize("policy", list(FullPolicy))
def test_the_cap_is_strict_and_the_policy_decides(tmp_path: Path, policy: FullPolicy) -> None:
    cap = 1024 * 1024
    settings = quick(bytes_max=cap, full=policy)
    refused = 0
    with Spool(tmp_path, settings) as spool:
        spool.reader("history")
        for number in range(400):
            try:
                spool.put(batch(number, 1000)).result(10)
            except Busy as error:
                refused += 1
                assert error.code == "spool-full"
            assert sum(segment.bytes for segment in list_segments(tmp_path)) <= cap
    with Spool(tmp_path, settings) as spool:
        entries = all_of(spool.reader("history"))
    rows = sum(len(e.content) for e in entries if isinstance(e.content, Batch))
    lost = sum(gap.rows for gap in gaps_of(entries))
    assert (refused > 0) is (policy is FullPolicy.REFUSE)
    assert (lost > 0) is (policy is not FullPolicy.REFUSE)
    assert rows + lost + refused * 1000 == 400 * 1000
    if policy is FullPolicy.THIN:
        assert len(ids_of(entries)) > 100


def test_at_the_cap_what_everybody_has_goes_before_anything_is_lost(tmp_path: Path) -> None:
    with Spool(tmp_path, quick(bytes_max=1024 * 1024, full="refuse", keep_h=100)) as spool:
        reader = spool.reader("history")
        for number in range(300):
            sequence = spool.put(batch(number, 1000)).result(10)
            reader.commit(sequence)
        assert not spool.status().gaps


def test_a_second_writer_is_refused_in_plain_words(tmp_path: Path) -> None:
    with Spool(tmp_path, quick()), pytest.raises(StorageError, match="Another process"):
        Spool(tmp_path, quick())


def test_a_disk_that_fails_is_said_and_nothing_half_written_stays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = os.fdatasync
    failing = True

    def sync(handle: int) -> None:
        if failing:
            raise OSError(28, "No space left on device")
        real(handle)

    with Spool(tmp_path, quick()) as spool:
        monkeypatch.setattr(os, "fdatasync", sync)
        with pytest.raises(StorageError, match="No space left"):
            spool.put(batch(1)).result(5)
        failing = False
        ids = fill(spool, 3, first=10)
        assert ids_of(all_of(spool.reader("history"))) == ids
    with Spool(tmp_path, quick()) as spool:
        assert ids_of(all_of(spool.reader("history"))) == ids


def test_every_segment_names_the_tags_that_it_uses(tmp_path: Path) -> None:
    from lianji.spool.record import Kind, Record, decode_tags
    from lianji.spool.segment import scan_file

    with Spool(tmp_path, quick(segment_bytes=65536), lambda tag: f"plant/tag{tag}") as spool:
        fill(spool, 100, rows=1000)
    for segment in list_segments(tmp_path):
        names: dict[int, str] = {}
        for _, item in scan_file(segment.path):
            assert isinstance(item, Record)
            if item.kind is Kind.TAGS:
                names |= decode_tags(item)
        assert names == {tag: f"plant/tag{tag}" for tag in range(1000)}


def test_any_order_of_appends_reads_and_restarts_delivers_each_once(tmp_path: Path) -> None:
    chance = random.Random(7)
    sent: list[bytes] = []
    seen: list[bytes] = []
    spool = Spool(tmp_path, quick(segment_bytes=65536))
    reader = spool.reader("history")
    for step in range(120):
        match chance.randrange(4):
            case 0 | 1:
                sent += fill(spool, chance.randrange(1, 6), rows=300, first=1000 * step)
            case 2:
                entries = reader.read(chance.randrange(1, 2000))
                if entries:
                    seen += ids_of(entries)
                    reader.commit(entries[-1].sequence)
            case 3:
                spool.close()
                spool = Spool(tmp_path, quick(segment_bytes=65536))
                reader = spool.reader("history")
    seen += ids_of(all_of(reader))
    spool.close()
    assert seen == sent


async def test_an_append_that_nobody_waits_for_any_more_stops_no_other(tmp_path: Path) -> None:
    with Spool(tmp_path, SpoolSettings(commit_ms=20)) as spool:
        given_up = asyncio.create_task(spool.append(batch(1)))
        await asyncio.sleep(0)
        given_up.cancel()
        assert await asyncio.wait_for(spool.append(batch(2)), 5) >= 1


def test_a_batch_that_cannot_be_written_harms_no_other(tmp_path: Path) -> None:
    def path_of(tag: int) -> str:
        if tag == 13:
            raise KeyError(tag)
        return str(tag)

    with Spool(tmp_path, quick(), path_of) as spool:
        with pytest.raises(KeyError):
            spool.put(Batch.of([13], START_US, [1.0])).result(5)
        ids = fill(spool, 2)
        assert ids_of(all_of(spool.reader("history"))) == ids


def test_a_disk_that_cannot_even_be_cut_back_refuses_until_it_can(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object) -> None:
        raise OSError(5, "Input/output error")

    with Spool(tmp_path, quick()) as spool:
        ids = fill(spool, 2)
        with monkeypatch.context() as broken:
            broken.setattr(os, "fdatasync", fail)
            broken.setattr(os, "ftruncate", fail)
            for number in range(3):
                with pytest.raises(StorageError):
                    spool.put(batch(10 + number)).result(5)
        ids += fill(spool, 2, first=50)
        assert ids_of(all_of(spool.reader("history"))) == ids
    with Spool(tmp_path, quick()) as spool:
        assert ids_of(all_of(spool.reader("history"))) == ids


def test_who_sent_a_batch_is_kept_on_disk(tmp_path: Path) -> None:
    samples = Batch.of([1], [START_US], [20.5], origin="import/能耗.csv")
    with Spool(tmp_path) as spool:
        spool.put(samples).result(5)
    with Spool(tmp_path) as spool:
        (entry,) = spool.reader("history").read()
        assert isinstance(entry.content, Batch)
        assert entry.content.origin == "import/能耗.csv"
        assert entry.content.samples.equals(samples.samples)


def test_large_batches_are_packed_ahead_and_keep_their_order(tmp_path: Path) -> None:
    large = [batch(number, 30_000) for number in range(6)]
    with Spool(tmp_path) as spool:
        answers = [spool.put(one) for one in large]
        assert [answer.result(20) for answer in answers] == list(range(1, 7))
    with Spool(tmp_path) as spool:
        read = [entry.content for entry in spool.reader("history").read(1_000_000)]
    assert [one.id for one in read if isinstance(one, Batch)] == [one.id for one in large]
