"""A place keeps what it is given, be it a folder or a bucket of a real SeaweedFS."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import polars
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from deltalake import CommitProperties, DeltaTable, Transaction, write_deltalake
from deltalake.exceptions import CommitFailedError
from pydantic import ValidationError

from lianji.base.clock import now_us
from lianji.base.errors import InputError, StorageError
from lianji.base.ids import new_id
from lianji.history.delta.actions import DataFile
from lianji.history.delta.log import Change, DeltaLog, Overtaken
from lianji.history.parquet.writing import DAY_US, write_days
from lianji.history.places.bucket import PART_BYTES, BucketPlace
from lianji.history.places.folder import FolderPlace
from lianji.history.places.place import Place
from lianji.history.rows import Rows
from lianji.history.settings import S3Settings
from lianji.history.tables import SAMPLES
from tests.peers import wait_until
from tests.peers.seaweedfs import (
    ACCESS_KEY_ID,
    BUCKET,
    SECRET_ACCESS_KEY,
    SeaweedFS,
    seaweedfs,
)

START_US = 1_767_225_600_000_000  # 2026-01-01T00:00Z
ODD_NAMES = ["站点=工厂 一/a.parquet", "a b/c", "50%=a", "a%20b", "a#b", "a?b", "a+b", 'a"b', "[a]"]


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[SeaweedFS]:
    with seaweedfs(tmp_path_factory.mktemp("seaweedfs")) as running:
        yield running


def settings_for(endpoint: str, **others: Any) -> S3Settings:
    told = {
        "url": f"s3://{BUCKET}/{new_id().hex()}/table",
        "endpoint": endpoint,
        "access_key_id": ACCESS_KEY_ID,
        "secret_access_key": SECRET_ACCESS_KEY,
        "allow_http": True,
    }
    return S3Settings.model_validate(told | others)


@dataclass
class Where:
    """One place that may be opened more than once, as several processes do."""

    open: Callable[[], Place]
    options: dict[str, str]
    """How deltalake and Polars are told of it."""


@pytest.fixture(params=["folder", "bucket"])
def where(request: pytest.FixtureRequest, tmp_path: Path) -> Where:
    if request.param == "folder":
        return Where(lambda: FolderPlace(tmp_path / "table"), {})
    settings = settings_for(request.getfixturevalue("server").endpoint)
    options = BucketPlace(settings, tmp_path / "scratch").storage_options
    return Where(lambda: BucketPlace(settings, tmp_path / "scratch"), options)


@pytest.fixture
def place(where: Where) -> Place:
    return where.open()


def keep(place: Place, name: str, content: bytes) -> int:
    place.local_draft(name).write_bytes(content)
    return place.keep(name)


def read_back(place: Place, name: str) -> bytes:
    with place.open(name) as file:
        return bytes(file.read())


# -- files by name --------------------------------------------------------------------------


def test_a_name_is_created_once(where: Where) -> None:
    assert where.open().create("log/0.json", b"first")
    assert not where.open().create("log/0.json", b"second")
    assert where.open().read("log/0.json") == b"first"


def test_of_many_who_create_one_name_exactly_one_is_first(where: Where) -> None:
    places = [where.open() for _ in range(8)]
    for number in range(3):
        with ThreadPoolExecutor(len(places)) as pool:
            name = f"log/{number}.json"
            won = list(pool.map(lambda n, name=name: places[n].create(name, b"%d" % n), range(8)))
        assert won.count(True) == 1
        assert places[0].read(name) == b"%d" % won.index(True)


def test_a_replaced_file_is_the_new_one(where: Where) -> None:
    for content in (b"old", b"new"):
        where.open().replace("log/_last", content)
    assert where.open().read("log/_last") == b"new"


def test_what_is_missing_is_a_missing_file(place: Place) -> None:
    with pytest.raises(FileNotFoundError, match=r"day=1/none\.parquet"):
        place.open("day=1/none.parquet")
    with pytest.raises(FileNotFoundError):
        place.read("log/0.json")
    with pytest.raises(FileNotFoundError):
        place.keep("day=1/never-drafted.parquet")
    assert list(place.names()) == []


@pytest.mark.parametrize("size", [1, 100, PART_BYTES, 2 * PART_BYTES + 1])
def test_a_kept_file_is_there_byte_for_byte(where: Where, size: int) -> None:
    content = os.urandom(size)
    assert keep(where.open(), "day=1/a.parquet", content) == size
    assert read_back(where.open(), "day=1/a.parquet") == content


def test_names_are_told_with_their_size_and_time(where: Where) -> None:
    place = where.open()
    since_us = now_us() - 2_000_000  # a store tells whole seconds
    for name in ("day=1/a", "day=1/b", "day=10/a", "log/0.json"):
        keep(place, name, b"abc")
    told = sorted(where.open().names("day=1/"))
    assert [(name, size) for name, size, _ in told] == [("day=1/a", 3), ("day=1/b", 3)]
    assert all(since_us < modified_us <= now_us() for _, _, modified_us in told)
    assert len(list(where.open().names())) == 4


def test_more_names_than_one_answer_of_a_store_holds_are_told_and_removed(place: Place) -> None:
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: place.create(f"log/{n}.json", b"{}"), range(1_050)))
    names = [name for name, _, _ in place.names("log")]
    assert len(set(names)) == 1_050
    place.remove(names)
    assert list(place.names()) == []


def test_removing_what_is_not_there_is_fine(place: Place) -> None:
    keep(place, "day=1/a", b"a")
    place.remove([])
    place.remove(["day=1/a", "day=1/never", "day=2/never"])
    place.remove(["day=1/a"])
    assert list(place.names()) == []


@pytest.mark.parametrize("name", ODD_NAMES)
def test_any_name_is_kept_as_it_is(place: Place, name: str) -> None:
    keep(place, name, b"abc")
    assert [told for told, _, _ in place.names()] == [name]
    assert read_back(place, name) == b"abc"
    place.remove([name])
    assert list(place.names()) == []


# -- tables ---------------------------------------------------------------------------------


def some_files(log: DeltaLog, site: str, day: int, tags: int = 1, rows: int = 3) -> list[DataFile]:
    times = np.tile(START_US + day * DAY_US + np.arange(rows) * 1_000, tags)
    made = Rows(
        np.repeat(np.arange(tags, dtype=np.int32), rows),
        times,
        np.sqrt(np.arange(tags * rows)),
        np.zeros(tags * rows, np.uint16),
        pa.nulls(tags * rows, pa.string()),
    )
    return write_days(log.place, site, made, [f"plant/{tag:03d}" for tag in range(tags)])


SUM = 1 + 2**0.5  # of the values of a file of three rows


@pytest.mark.parametrize("site", ["plant", "工厂 一", "50%=a b"])
def test_a_table_is_read_by_delta_and_duckdb(where: Where, site: str) -> None:
    log = three_days_of(where, site)
    delta = DeltaTable(log.place.url, storage_options=where.options)
    assert delta.transaction_version("me") == 3
    assert delta.to_pyarrow_table()["site"].unique().to_pylist() == [site]
    parts = [pq.read_table(log.place.open(file.path)) for file in log.files]
    samples = duckdb.from_arrow(pa.concat_tables(parts))
    assert samples.aggregate("count(*), sum(value)").fetchall() == [(9, pytest.approx(3 * SUM))]


def test_a_table_is_read_by_polars(where: Where) -> None:
    assert_polars_reads(where, three_days_of(where, "plant"), "plant")


@pytest.mark.parametrize("site", ["工厂 一", "50%=a b"])
def test_polars_reads_any_site(where: Where, site: str, request: pytest.FixtureRequest) -> None:
    assert_polars_reads(where, three_days_of(where, site), site)


def three_days_of(where: Where, site: str) -> DeltaLog:
    log = DeltaLog(where.open(), SAMPLES)
    for day in range(3):
        log.commit(Change("WRITE", some_files(log, site, day), sequences={"me": day + 1}))
    return log


def assert_polars_reads(where: Where, log: DeltaLog, site: str) -> None:
    frame = polars.scan_delta(log.place.url, storage_options=where.options).collect()
    assert frame["site"].unique().to_list() == [site]
    assert frame["value"].sum() == pytest.approx(3 * SUM)


def test_four_writers_of_two_kinds_lose_no_commit(where: Where) -> None:
    DeltaLog(where.open(), SAMPLES)

    def ours(site: str) -> None:
        log = DeltaLog(where.open(), SAMPLES)
        for day in range(20):
            log.commit(Change("WRITE", some_files(log, site, day), sequences={site: day + 1}))

    def theirs(site: str) -> None:
        for day in range(20):
            append_as_anyone_does(where, site, day)

    with ThreadPoolExecutor(4) as pool:
        work = zip((ours, ours, theirs, theirs), ("site1", "site2", "site3", "site4"), strict=True)
        for done in [pool.submit(write, site) for write, site in work]:
            done.result()
    log = DeltaLog(where.open(), SAMPLES)
    assert (log.version, log.files.rows) == (80, 2 * 20 * 3 + 2 * 20)
    assert (log.committed("site1"), log.committed("site3")) == (20, 20)
    delta = DeltaTable(log.place.url, storage_options=where.options)
    assert delta.to_pyarrow_table().num_rows == log.files.rows


def append_as_anyone_does(where: Where, site: str, day: int) -> None:
    row = {
        "tag": ["other/tag"],
        "time": pa.array([START_US + day * DAY_US]).cast(pa.timestamp("us", "UTC")),
        "value": [1.0],
        "text": pa.nulls(1, pa.string()),
        "quality": pa.array([0], pa.int32()),
        "site": [site],
        "day": pa.array([20_454 + day], pa.int32()).cast(pa.date32()),
    }
    write_deltalake(
        where.open().url,
        pa.table(row, schema=SAMPLES.schema),
        mode="append",
        storage_options=where.options,
        commit_properties=CommitProperties(
            app_transactions=[Transaction(site, day + 1)], max_commit_retries=100
        ),
    )


def test_a_sequence_from_a_stale_view_is_refused(where: Where) -> None:
    one, other = DeltaLog(where.open(), SAMPLES), DeltaLog(where.open(), SAMPLES)
    theirs = DeltaTable(one.place.url, storage_options=where.options)
    one.commit(Change("WRITE", some_files(one, "plant", 0), sequences={"lane": 1}))
    with pytest.raises(Overtaken, match="lane"):
        other.commit(Change("WRITE", some_files(other, "plant", 1), sequences={"lane": 1}))
    with pytest.raises(CommitFailedError, match=r"(?i)transaction"):
        theirs.create_write_transaction(
            [],
            "append",
            theirs.schema(),
            ["site", "day"],
            commit_properties=CommitProperties(app_transactions=[Transaction("lane", 1)]),
        )
    assert DeltaLog(where.open(), SAMPLES).files.rows == 3


# -- buckets alone --------------------------------------------------------------------------


class Line:
    """The wire to a server: counts what passes, and flips a bit on the way up if it is told to."""

    def __init__(self, port: int) -> None:
        self.requests = 0
        self.bytes_down = 0
        self.flip: bytes | None = None
        self._server = port
        self._door = socket.create_server(("127.0.0.1", 0))
        self.endpoint = f"http://127.0.0.1:{self._door.getsockname()[1]}"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        with suppress(OSError):
            while True:
                here, _ = self._door.accept()
                there = socket.create_connection(("127.0.0.1", self._server))
                for way, ends in ((self._up, (here, there)), (self._down, (there, here))):
                    threading.Thread(target=way, args=ends, daemon=True).start()

    def _up(self, here: socket.socket, there: socket.socket) -> None:
        with suppress(OSError):
            while data := here.recv(65_536):
                self.requests += data.startswith((b"GET ", b"HEAD ", b"PUT ", b"POST "))
                if self.flip and self.flip in data:
                    data = data.replace(self.flip, bytes([self.flip[0] ^ 1]) + self.flip[1:], 1)
                there.sendall(data)
            there.shutdown(socket.SHUT_WR)

    def _down(self, there: socket.socket, here: socket.socket) -> None:
        with suppress(OSError):
            while data := there.recv(65_536):
                self.bytes_down += len(data)
                here.sendall(data)
            here.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        self._door.shutdown(socket.SHUT_RDWR)
        self._door.close()


@pytest.fixture
def line(server: SeaweedFS) -> Iterator[Line]:
    made = Line(server.port)
    yield made
    made.close()


def test_one_tag_of_a_large_file_costs_two_requests_and_little_of_it(
    line: Line, tmp_path: Path
) -> None:
    log = DeltaLog(BucketPlace(settings_for(line.endpoint), tmp_path), SAMPLES)
    [file] = some_files(log, "plant", 0, tags=50, rows=40_000)
    line.requests = line.bytes_down = 0
    with log.place.open(file.path) as source, pq.ParquetFile(source) as parquet:
        group = parquet.read_row_group(3)
    assert group.column("tag").unique().to_pylist()[0] == "plant/004"
    assert line.requests == 2
    assert line.bytes_down < file.bytes / 4


@pytest.mark.parametrize("size", [4_000, 2 * PART_BYTES])
def test_a_bit_that_flips_on_the_way_is_noticed(line: Line, tmp_path: Path, size: int) -> None:
    place = BucketPlace(settings_for(line.endpoint), tmp_path)
    line.flip = b"needle"
    with pytest.raises(StorageError, match="BadDigest"):
        keep(place, "day=1/a", b"needle".rjust(size, b"-"))
    assert list(place.names()) == []
    line.flip = None
    assert place.keep("day=1/a") == size
    assert read_back(place, "day=1/a").endswith(b"-needle")


def test_a_server_that_dies_in_an_upload_leaves_no_half_file(tmp_path: Path) -> None:
    with seaweedfs(tmp_path) as server, ThreadPoolExecutor(1) as pool:
        place = BucketPlace(settings_for(server.endpoint), tmp_path / "scratch")
        before, content = server.stored_bytes, os.urandom(12 * PART_BYTES)
        upload = pool.submit(keep, place, "day=1/a", content)
        wait_until(lambda: server.stored_bytes > before + 3 * PART_BYTES, what="some parts")
        assert not upload.done()
        server.kill()
        with pytest.raises(StorageError) as failed:
            upload.result(60)
        assert failed.value.code == "bucket-failed"
        server.start()
        assert list(place.names()) == []
        with pytest.raises(FileNotFoundError):
            place.open("day=1/a")
        assert place.keep("day=1/a") == len(content)
        assert read_back(place, "day=1/a") == content


def test_a_store_that_hangs_is_waited_for_no_longer_than_told(
    server: SeaweedFS, tmp_path: Path
) -> None:
    place = BucketPlace(settings_for(server.endpoint, timeout_s=0.5), tmp_path)
    server.freeze()
    try:
        began_s = time.monotonic()
        with pytest.raises(StorageError) as failed:
            place.create("log/0.json", b"{}")
        assert time.monotonic() - began_s < 5
    finally:
        server.thaw()
    assert failed.value.code == "bucket-failed"
    assert place.create("log/1.json", b"{}")


@pytest.mark.parametrize(
    ("wrong", "code"),
    [
        ({"secret_access_key": "wrong"}, "bucket-denied"),
        ({"url": "s3://no-such-bucket/table"}, "bucket-missing"),
        ({"endpoint": "http://127.0.0.1:9"}, "bucket-failed"),
    ],
    ids=["key", "bucket", "endpoint"],
)
def test_a_store_that_cannot_be_read_says_why_and_what_to_do(
    server: SeaweedFS, tmp_path: Path, wrong: dict[str, str], code: str
) -> None:
    place = BucketPlace(settings_for(**({"endpoint": server.endpoint} | wrong)), tmp_path)
    for ask in (lambda: place.read("log/0.json"), lambda: list(place.names())):
        with pytest.raises(StorageError) as failed:
            ask()
        assert failed.value.code == code
        assert failed.value.remedy.zh
        assert "Debug" not in str(failed.value)
        assert wrong.get("secret_access_key", SECRET_ACCESS_KEY) not in str(failed.value)


# -- settings and drafts --------------------------------------------------------------------


def test_a_secret_may_be_in_the_environment(
    server: SeaweedFS, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings = settings_for(server.endpoint, secret_access_key="env:PLANT_S3_SECRET")
    with pytest.raises(InputError, match="PLANT_S3_SECRET is not set"):
        BucketPlace(settings, tmp_path)
    monkeypatch.setenv("PLANT_S3_SECRET", SECRET_ACCESS_KEY)
    assert BucketPlace(settings, tmp_path).create("log/0.json", b"{}")


def test_no_secret_is_ever_shown(tmp_path: Path) -> None:
    settings = settings_for("http://127.0.0.1:9")
    place = BucketPlace(settings, tmp_path)
    shown = [repr(settings), str(settings), settings.model_dump_json(), repr(place), place.url]
    with pytest.raises(ValidationError) as refused:
        settings_for("ftp://127.0.0.1:9", secret_access_keys="hidden-secret")
    assert not any(SECRET_ACCESS_KEY in text for text in shown)
    assert "hidden-secret" not in str(refused.value)


def test_plain_http_must_be_meant() -> None:
    with pytest.raises(ValidationError, match="allow_http"):
        settings_for("http://127.0.0.1:9", allow_http=False)


@pytest.mark.parametrize("url", ["http://bucket/a", "s3://", "s3://Bucket", "bucket"])
def test_a_bucket_is_told_by_an_s3_url(url: str) -> None:
    with pytest.raises(ValidationError, match="url"):
        settings_for("https://127.0.0.1:9", url=url)


def test_drafts_of_a_killed_process_go_and_those_of_a_living_one_stay(tmp_path: Path) -> None:
    script = f"""
from pathlib import Path
from lianji.history.places.bucket import Drafts
drafts = Drafts(Path({str(tmp_path)!r}))
drafts.new("day=1/a").write_bytes(b"left behind")
print("written", flush=True)
input()
"""
    (tmp_path / "not a draft").mkdir()
    ours = BucketPlace(settings_for("http://127.0.0.1:9"), tmp_path)
    ours.local_draft("day=1/b").write_bytes(b"ours")
    with subprocess.Popen(
        [sys.executable, "-c", script], stdin=subprocess.PIPE, stdout=subprocess.PIPE
    ) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"written\n"
        third = BucketPlace(settings_for("http://127.0.0.1:9"), tmp_path)
        assert len(list(tmp_path.glob("draft-*"))) == 3
        child.send_signal(signal.SIGKILL)
    del third
    BucketPlace(settings_for("http://127.0.0.1:9"), tmp_path)
    assert [path.read_bytes() for path in tmp_path.glob("*/day=1/*")] == [b"ours"]
    assert (tmp_path / "not a draft").is_dir()
