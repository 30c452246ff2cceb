"""The disk is full: the plant refuses in plain words, lives on, and loses nothing it took."""

from __future__ import annotations

import random
from collections.abc import Iterator
from pathlib import Path

import httpx
import numpy as np
import pytest

from lianji.base.errors import StorageError
from lianji.dictionary.batch import Batch
from lianji.spool.settings import SpoolSettings
from lianji.spool.spool import Spool
from tests.faults.conftest import problems_of_the_table, problems_when_opened
from tests.faults.disks import mounted_image, new_image, small_tmpfs
from tests.faults.ledger import START_US, Ledger, LedgerWriter, Sending
from tests.peers import wait_until
from tests.system.plant import PlantProcess, lianji_command, plant_process, write_plant

pytestmark = pytest.mark.system

DISK_MIB = 12
BALLAST_BYTES = 5 << 20
SMALL_SEGMENTS = "segment_bytes = 262144\nkeep_h = 24"


@pytest.fixture(params=["tmpfs", "ext4"])
def disk(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Path]:
    """A small disk of its own, a part of it taken by a file that can be removed."""
    if request.param == "tmpfs":
        with small_tmpfs(tmp_path / "disk", DISK_MIB) as place:
            (place / "ballast").write_bytes(bytes(BALLAST_BYTES))
            yield place
    else:
        image = new_image(tmp_path / "image", DISK_MIB)
        with mounted_image(image, tmp_path / "disk") as place:
            (place / "ballast").write_bytes(bytes(BALLAST_BYTES))
            yield place


class Client:
    """Pushes numbered samples, and writes down what was acknowledged."""

    def __init__(self, plant: PlantProcess, ledger: Path) -> None:
        self._plant = plant
        self._ledger = LedgerWriter(ledger)
        self._next = 0
        self._seeded = random.Random(3)

    def push(self, count: int) -> httpx.Response:
        sending = Sending(0, self._next, count)
        self._next += count
        self._ledger.sent(sending)
        answer = self._plant.write(_lines(sending), precision="us")
        if answer.status_code == 204:
            self._ledger.acknowledged(sending)
        return answer

    def push_until_refused(self) -> httpx.Response:
        for _ in range(2000):
            answer = self.push(self._seeded.randint(1, 20_000))
            if answer.status_code != 204:
                return answer
        pytest.fail("the disk never was full")


def _lines(sending: Sending) -> str:
    series = sending.tag.rsplit("/", 1)[0]
    return "\n".join(
        f"{series} number={number} {START_US + number}" for number in sending.numbers.tolist()
    )


def fill(disk: Path) -> None:
    """Take the last bytes that are left."""
    for size in (1 << 20, 1 << 16, 1 << 12, 1):
        with (disk / f"filling-{size}").open("ab", buffering=0) as file:
            try:
                while file.write(bytes(size)):
                    pass
            except OSError:
                continue


def free(disk: Path) -> None:
    for file in (*disk.glob("filling-*"), disk / "ballast"):
        file.unlink(missing_ok=True)


def test_a_full_disk_refuses_in_plain_words_and_recovers_when_space_is_freed(
    disk: Path, tmp_path: Path
) -> None:
    folder = write_plant(disk / "plant", flush_s=0.1, spool=SMALL_SEGMENTS)
    with plant_process(folder) as plant:
        client = Client(plant, tmp_path / "ledger")
        assert client.push(10).status_code == 204
        wait_until(lambda: plant.status()["history"]["rows"] >= 10, what="the first flush")
        fill(disk)
        answer = client.push_until_refused()
        assert answer.status_code == 507, answer.text
        said = answer.json()
        assert said["code"] == "spool-disk"
        assert "No space left on device" in said["cause"]["en"]
        assert "acknowledged before is safe" in said["remedy"]["en"]
        assert said["remedy"]["zh"]
        for _ in range(5):
            assert client.push(5_000).status_code in (204, 507)
        assert plant.http.get(f"{plant.address}/health").status_code == 200
        assert plant.status()["history"]["unflushed"] >= 0
        free(disk)
        wait_until(lambda: client.push(10).status_code == 204, what="a push after the space")
        wait_until(
            lambda: plant.status()["history"]["unflushed"] == 0,
            timeout_s=60,
            what="the flush after the space",
        )
        wait_until(
            lambda: plant.status()["history"]["error"] is None, what="the word that it holds"
        )
        plant.stop()
    ledger = Ledger.read(tmp_path / "ledger")
    assert problems_when_opened(folder, ledger) == []
    assert problems_of_the_table(folder, ledger) == []


def test_a_flush_that_finds_no_room_is_told_and_made_up_for(disk: Path, tmp_path: Path) -> None:
    folder = write_plant(disk / "plant", flush_s=0.5, spool=SMALL_SEGMENTS)
    with plant_process(folder) as plant:
        client = Client(plant, tmp_path / "ledger")
        answers = [client.push(2_000) for _ in range(20)]
        assert {answer.status_code for answer in answers} == {204}
        fill(disk)
        told = wait_history(plant, "error")
        assert told["cause"]["en"] and told["cause"]["zh"] and told["remedy"]["en"]
        assert len(plant.get("/api/last", tags="p/writer-0/number")["rows"]) == 1
        free(disk)
        wait_until(
            lambda: plant.status()["history"]["unflushed"] == 0, timeout_s=60, what="the flush"
        )
        wait_until(
            lambda: plant.status()["history"]["error"] is None, what="the word that it holds"
        )
        plant.stop()
    ledger = Ledger.read(tmp_path / "ledger")
    assert ledger.samples == 40_000
    assert problems_of_the_table(folder, ledger) == []


def wait_history(plant: PlantProcess, field: str) -> dict[str, dict[str, str]]:
    client = httpx.Client(trust_env=False)

    def there() -> bool:
        # samples go on coming: a tiny one, so that there is always something to flush
        client.post(
            f"{plant.address}/api/v2/write", content=b"p/other number=1", params={"precision": "us"}
        )
        return bool(plant.status()["history"][field])

    wait_until(there, what=f"history.{field} in the status")
    client.close()
    found: dict[str, dict[str, str]] = plant.status()["history"][field]
    return found


def test_a_plant_ends_well_on_a_full_disk_and_has_everything_after(
    disk: Path, tmp_path: Path
) -> None:
    folder = write_plant(disk / "plant", flush_s=3600, spool=SMALL_SEGMENTS)
    with plant_process(folder) as plant:
        client = Client(plant, tmp_path / "ledger")
        for _ in range(5):
            assert client.push(3_000).status_code == 204
        fill(disk)
        plant.stop()
    ledger = Ledger.read(tmp_path / "ledger")
    assert problems_when_opened(folder, ledger) == []
    refused = lianji_command("run", "--plant", folder, "--port", "0")
    assert refused.returncode == 1
    assert b"No space left on device" in refused.stderr
    assert b"Traceback" not in refused.stderr
    free(disk)
    with plant_process(folder) as plant:
        wait_until(lambda: plant.last("p/writer-0/number") is not None, what="the samples")
        plant.stop()
    assert problems_of_the_table(folder, ledger) == []


def test_a_new_segment_that_finds_no_room_is_tried_again(tmp_path: Path) -> None:
    with small_tmpfs(tmp_path / "disk", 2) as disk:
        settings = SpoolSettings(commit_ms=0, segment_bytes=64 * 1024)
        noise = np.random.default_rng(1)
        taken = []
        with Spool(disk / "spool", settings) as spool:
            reader = spool.reader("history")
            (disk / "ballast").write_bytes(bytes(1 << 20))
            refused = 0
            for _ in range(200):
                rows = int(noise.integers(1, 3000))
                batch = Batch.of(np.zeros(rows), START_US + np.arange(rows), noise.random(rows))
                try:
                    spool.put(batch).result(10)
                    taken.append(batch.id)
                except StorageError as error:
                    assert "No space left on device" in error.cause.en
                    refused += 1
                    if refused == 40:
                        (disk / "ballast").unlink()
                        break
            assert refused == 40
            for _ in range(5):
                batch = Batch.of([1], START_US, [1.0])
                spool.put(batch).result(10)
                taken.append(batch.id)
            entries = []
            while got := reader.read():
                entries += got
        assert [e.content.id for e in entries if isinstance(e.content, Batch)] == taken
