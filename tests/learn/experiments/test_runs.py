"""A run is what its training told of it, however the training ended."""

from __future__ import annotations

import hashlib
import json
import math
import os
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest

from lianji.base.errors import Busy, InputError, NotFound, StorageError
from lianji.learn.experiments import DataUsed, Experiments
from lianji.learn.experiments.metrics import thinned
from lianji.learn.experiments.record import Found
from tests.peers import wait_until

_TRAINING = """
import sys
from lianji.learn.experiments import Experiments
run = Experiments(sys.argv[1]).begin("kiln", run="night", parameters={"depth": 6})
step = int(sys.argv[2])
while True:
    step += 1
    run.log_metrics({"loss": 1 / step}, step)
    if sys.stdin.readline() == "":
        break
"""


class Preempted(Exception):
    pass


@pytest.fixture
def experiments(tmp_path: Path) -> Experiments:
    return Experiments(tmp_path / "experiments")


@contextmanager
def training(experiments: Experiments, done: int) -> Iterator[subprocess.Popen[bytes]]:
    """A process that logs a step for each line that it is sent."""
    command = [sys.executable, "-c", _TRAINING, str(experiments.folder), str(done)]
    child = subprocess.Popen(command, stdin=subprocess.PIPE)
    try:
        yield child
    finally:
        child.kill()
        child.wait()
        assert child.stdin is not None
        child.stdin.close()


def night(experiments: Experiments) -> Found | None:
    try:
        return experiments.find("kiln", "night")
    except NotFound:
        return None


def steps_of(found: Found | None) -> int:
    return found.metrics["loss"].count if found and "loss" in found.metrics else 0


def test_a_run_is_found_as_it_was_told(experiments: Experiments, tmp_path: Path) -> None:
    kept = tmp_path / "plot.svg"
    kept.write_text("<svg/>")
    data = DataUsed(name="nox", version=3, hash="ab12", part="train")
    with experiments.begin(
        "kiln", parameters={"depth": 6, "lr": 0.1}, data=[data], title="first", device="cpu"
    ) as run:
        run.log_metrics({"loss": 2.0}, step=1)
        run.log_metrics({"loss": np.float32(1.5), "r2": 0.7}, step=2)
        run.log_parameters({"seed": 7, "layers": [1, 2]})
        run.artefact(kept)
    [found] = Experiments(experiments.folder).runs("kiln")
    record = found.record
    assert found.state == "done"
    assert record.parameters == {"depth": 6, "lr": 0.1, "seed": 7, "layers": "[1, 2]"}
    assert record.data == [data]
    assert (found.metrics["loss"].last, found.metrics["loss"].step) == (1.5, 2)
    assert (found.metrics["loss"].high, found.metrics["loss"].count) == (2.0, 2)
    [artefact] = record.artefacts
    assert artefact.sha256 == hashlib.sha256(b"<svg/>").hexdigest()
    assert experiments.artefact("kiln", found.run, "plot.svg").read_text() == "<svg/>"
    assert record.machine.cores >= 1
    assert record.code.lianji
    assert record.cost.cpu_seconds > 0
    assert record.cost.memory_bytes > 1 << 20


def test_a_killed_run_is_broken_off_and_can_be_taken_up_again(experiments: Experiments) -> None:
    with training(experiments, done=0) as child:
        assert child.stdin is not None
        child.stdin.write(b"on\n" * 3)
        child.stdin.flush()
        wait_until(lambda: steps_of(night(experiments)) == 4, 30, "4 steps")
        found = experiments.find("kiln", "night")
        assert found.state == "running"
        with pytest.raises(Busy, match="run-alive"):
            experiments.begin("kiln", run="night")
        child.send_signal(signal.SIGKILL)
        child.wait()
    found = experiments.find("kiln", "night")
    assert found.state == "broken off"
    assert found.metrics["loss"].step == 4, "a kill loses no metric"
    assert found.seconds > 0
    run = experiments.begin("kiln", run="night", parameters={"depth": 6, "more": 1})
    run.log_metrics({"loss": 9.0}, step=3)
    run.log_metrics({"loss": 8.0}, step=4)
    run.end()
    again = experiments.find("kiln", "night")
    assert (again.state, again.record.attempts) == ("done", 2)
    assert again.record.parameters == {"depth": 6, "more": 1}
    series = experiments.series("kiln", "night", "loss")
    assert series is not None
    assert series.steps.tolist() == [1, 2, 3, 4]
    assert series.values.tolist() == [1.0, 0.5, 9.0, 8.0], "a step that is told again holds anew"
    assert again.seconds > found.seconds, "the cost of both attempts"


def test_a_child_of_a_fork_does_not_keep_a_run_alive(experiments: Experiments) -> None:
    run = experiments.begin("kiln")
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        os.read(reading, 1)
        os._exit(0)
    run.leave()
    try:
        assert experiments.find("kiln", run.id).state == "broken off"
    finally:
        os.write(writing, b"x")
        os.waitpid(child, 0)
        os.close(reading)
        os.close(writing)


def test_a_torn_line_is_cut_off_and_no_metric_glued_to_it(experiments: Experiments) -> None:
    run = experiments.begin("kiln", run="night")
    run.log_metrics({"loss": 1.0}, 1)
    run.leave()
    path = run.folder / "metrics.jsonl"
    path.write_bytes(path.read_bytes() + b'{"t":1,"s":2,"m":{"lo')
    assert experiments.find("kiln", "night").metrics["loss"].count == 1
    with experiments.begin("kiln", run="night") as run:
        run.log_metrics({"loss": 0.5}, 2)
    series = experiments.series("kiln", "night", "loss")
    assert series is not None
    assert series.values.tolist() == [1.0, 0.5]


def test_an_error_ends_a_run_as_failed_and_a_preemption_leaves_it(experiments: Experiments) -> None:
    with pytest.raises(ValueError, match="too hot"), experiments.begin("kiln", run="a"):
        raise ValueError("too hot")
    found = experiments.find("kiln", "a")
    assert (found.state, found.record.reason) == ("failed", "ValueError: too hot")
    for way in (SystemExit(75), Preempted()):
        with pytest.raises(type(way)), experiments.begin("kiln", run="b"):
            raise way
        assert experiments.find("kiln", "b").state == "broken off"
    with pytest.raises(InputError, match="run-over"):
        experiments.begin("kiln", run="a")
    run = experiments.begin("kiln", run="b")
    run.end("stopped", "enough")
    for late in (run.end, lambda: run.log_metrics({"x": 1})):
        with pytest.raises(InputError, match="run-over"):
            late()


def test_what_is_no_number_is_kept_as_it_is(experiments: Experiments) -> None:
    with experiments.begin("kiln", run="a") as run:
        run.log_metrics({"loss": 1.0}, 1)
        run.log_metrics({"loss": math.nan}, 2)
        run.log_metrics({"loss": math.inf}, 3)
    found = experiments.find("kiln", "a")
    assert math.isinf(found.metrics["loss"].last)
    assert (found.metrics["loss"].low, found.metrics["loss"].high) == (1.0, 1.0)
    assert found.value("loss") is None
    series = experiments.series("kiln", "a", "loss")
    assert series is not None
    assert math.isnan(series.values[1])
    json.loads((run.folder / "run.json").read_text(), parse_constant=lambda _: pytest.fail("NaN"))


@pytest.mark.parametrize("name", ["", "Kiln", "../kiln", "a/b", ".", "x" * 64])
def test_a_name_that_is_no_folder_is_refused(experiments: Experiments, name: str) -> None:
    with pytest.raises(InputError, match="experiment-name"):
        experiments.begin(name)
    with pytest.raises(NotFound):
        experiments.runs(name)
    with pytest.raises(NotFound):
        experiments.find("kiln", name)


def test_what_cannot_be_kept_is_refused(experiments: Experiments, tmp_path: Path) -> None:
    outside = tmp_path / "file"
    outside.write_text("x")
    with experiments.begin("kiln", run="a") as run:
        for key in ("a/b", "..", "", " x", "x\n"):
            with pytest.raises(InputError, match="experiment-key"):
                run.log_metrics({key: 1.0})
        with pytest.raises(InputError, match="experiment-value"):
            run.log_metrics({"loss": "high"})  # type: ignore[dict-item]  # what is refused
        for name in ("../x", "/x", ".hidden", "a/../b"):
            with pytest.raises(InputError, match="artefact-refused"):
                run.artefact(outside, name)
        with pytest.raises(InputError, match="it is not there"):
            run.artefact(tmp_path / "none")
        run.log_metrics({"NOx 误差 v1.2": 1.0})
    with pytest.raises(NotFound, match="artefact-unknown"):
        experiments.artefact("kiln", "a", "../run.json")


def test_a_folder_is_kept_with_all_that_is_in_it(experiments: Experiments, tmp_path: Path) -> None:
    (tmp_path / "plots" / "deep").mkdir(parents=True)
    (tmp_path / "plots" / "deep" / "a.svg").write_text("a")
    (tmp_path / "plots" / "b.svg").write_text("b")
    with experiments.begin("kiln", run="a") as run:
        run.artefact(tmp_path / "plots")
        run.artefact(tmp_path / "plots")
    names = [one.name for one in experiments.find("kiln", "a").record.artefacts]
    assert names == ["plots/b.svg", "plots/deep/a.svg"]
    assert experiments.artefact("kiln", "a", "plots/deep/a.svg").read_text() == "a"


def test_a_damaged_record_is_told_and_hides_no_other(experiments: Experiments) -> None:
    for name in ("a", "b"):
        experiments.begin("kiln", run=name).end()
    (experiments.folder / "kiln" / "a" / "run.json").write_text('{"format": 1')
    runs, damaged = experiments.read("kiln")
    assert [one.run for one in runs] == ["b"]
    assert [error.code for error in damaged] == ["run-damaged"]
    with pytest.raises(StorageError):
        experiments.find("kiln", "a")


def test_many_threads_tell_one_run(experiments: Experiments) -> None:
    with experiments.begin("kiln", run="a") as run:

        def tell(number: int) -> None:
            for step in range(200):
                run.log_metrics({f"m{number}": float(step)}, step)

        threads = [threading.Thread(target=tell, args=(number,)) for number in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    found = experiments.find("kiln", "a")
    assert {name: one.count for name, one in found.metrics.items()} == dict.fromkeys(
        ("m0", "m1", "m2", "m3"), 200
    )


def test_git_tells_which_code_ran(experiments: Experiments, tmp_path: Path) -> None:
    code = tmp_path / "code"
    code.mkdir()

    def git(*words: str) -> str:
        identity = ["-c", "user.name=x", "-c", "user.email=x@x"]
        return subprocess.run(
            ["git", "-C", str(code), *identity, *words], check=True, capture_output=True, text=True
        ).stdout.strip()

    git("init", "-q")
    (code / "train.py").write_text("1")
    git("add", ".")
    git("commit", "-qm", "x")
    experiments.begin("kiln", run="a", code=code).end()
    (code / "train.py").write_text("2")
    experiments.begin("kiln", run="b", code=code).end()
    first, second = (experiments.find("kiln", name).record.code for name in "ab")
    assert first.commit == second.commit == git("rev-parse", "HEAD")
    assert (first.changed, second.changed) == (False, True)


def test_thinning_keeps_peaks_and_gaps() -> None:
    values = np.sin(np.arange(100_000) / 1000)
    values[50_000], values[70_000] = 9.0, np.nan
    kept = thinned(values, 2000)
    assert len(kept) <= 2000
    assert {0, 50_000, 70_000, 99_999} <= set(kept.tolist())
    assert thinned(values[:100], 2000).tolist() == list(range(100))
