"""Jobs as real processes: what becomes of them, whatever happens."""

from __future__ import annotations

import os
import random
import shutil
import signal
from pathlib import Path

import pytest

from lianji.learn.jobs import processes, runner
from lianji.learn.jobs.folder import Task
from lianji.learn.jobs.job import JobRow
from lianji.learn.jobs.launcher import Job
from lianji.learn.jobs.local import LocalLauncher
from tests.learn.jobs import functions
from tests.learn.jobs.queue import queue
from tests.peers import wait_until

PREEMPTIONS = int(os.environ.get("LIANJI_PREEMPTIONS", "10"))


def pid_of(row: JobRow) -> int:
    return int(row.handle.partition(":")[0])


def is_gone(pid: int) -> bool:
    return processes.started(pid) == ""


@pytest.fixture(autouse=True)
def notes_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "NOTE_S", 0.0)


def test_a_job_is_done_with_its_log_and_its_figures(tmp_path: Path) -> None:
    with queue(tmp_path) as jobs:
        id = jobs.submit("quick", who="world")
        [row] = jobs.until_ended(id)
        assert (row.state, row.exit_code, row.attempts) == ("done", 0, 1)
        assert row.cpu_s > 0 and row.memory_peak_bytes > 2**20
        assert row.started_us is not None and row.ended_us is not None
        assert row.created_us <= row.started_us <= row.ended_us
        assert "hello world" in jobs.folder(id).tail()
        assert jobs.store.used()["plant"].cpu_s > 0


def test_a_training_that_gives_way_again_and_again_ends_the_same(tmp_path: Path) -> None:
    """By a higher priority each time, at a point that chance chose."""
    steps = 500 * PREEMPTIONS
    chance = random.Random(5)
    with queue(tmp_path / "plant") as jobs:
        id = jobs.submit("train", steps=steps)
        jobs.further(chance.randint(1, 300))
        for number in range(PREEMPTIONS):
            jobs.until_reached(id)
            jobs.further(chance.randint(1, 300) if number < PREEMPTIONS - 1 else steps)
            [high] = jobs.until_ended(jobs.submit("quick", priority=1))
            assert high.state == "done"
        [row] = jobs.until_ended(id)
        assert (row.state, row.preemptions, row.crashes) == ("done", PREEMPTIONS, 0)
        assert row.attempts == PREEMPTIONS + 1
        assert (row.done, row.of) == (steps, steps)
        digest = (jobs.folder(id).path / "digest").read_text()
    assert digest == functions.uninterrupted(tmp_path / "alone", steps)


def test_a_training_that_is_killed_goes_on_from_its_last_checkpoint(tmp_path: Path) -> None:
    with queue(tmp_path / "plant") as jobs:
        id = jobs.submit("train", steps=1500)
        folder = jobs.folder(id)
        jobs.further(450)
        for further in (500, 5000):
            jobs.until_reached(id)
            jobs.further(further)
            os.kill(pid_of(jobs.row(id)), signal.SIGKILL)
        [row] = jobs.until_ended(id)
        assert (row.state, row.attempts, row.preemptions) == ("done", 3, 0)
        assert "from step 400" in folder.tail()
        digest = (folder.path / "digest").read_text()
    assert digest == functions.uninterrupted(tmp_path / "alone", 1500)


def test_a_job_that_dies_without_getting_further_is_given_up(tmp_path: Path) -> None:
    with queue(tmp_path) as jobs:
        rows = jobs.until_ended(jobs.submit("dies"), jobs.submit("dies", progresses=True))
        poison, lucky = rows
        assert (poison.state, poison.attempts, poison.exit_code) == ("failed", 3, -9)
        assert "SIGKILL" in poison.reason_en and "3 times" in poison.reason_en
        assert "连续 3 次" in poison.reason_zh
        assert (lucky.state, lucky.attempts) == ("done", 6)


def test_an_error_is_told_and_a_wrong_input_is_not_tried_again(tmp_path: Path) -> None:
    with queue(tmp_path) as jobs:
        ids = [jobs.submit("fails", what="luck"), jobs.submit("refuses"), jobs.submit("nothing"),
               jobs.submit("gives_way_for_ever")]  # fmt: skip
        failing, refusing, missing, lazy = jobs.until_ended(*ids)
        assert {row.state for row in (failing, refusing, missing, lazy)} == {"failed"}
        assert "ValueError: no such thing as luck" in failing.reason_en
        assert "Traceback" in jobs.folder(failing.id).tail()
        assert (refusing.attempts, refusing.reason_en) == (1, "It is wrong. Mend it.")
        assert refusing.reason_zh == "有误。请修改。"
        assert missing.attempts == 1 and "tried:nothing" in missing.reason_en
        assert lazy.attempts == 3


def test_one_that_does_not_listen_is_killed_after_its_time_and_runs_again(tmp_path: Path) -> None:
    with queue(tmp_path, grace_s=0.3) as jobs:
        id = jobs.submit("deaf")
        pid = pid_of(jobs.until_running(id))
        [high] = jobs.until_ended(jobs.submit("quick", priority=1))
        assert high.state == "done" and is_gone(pid)
        [row] = jobs.until_ended(id)
        assert (row.state, row.attempts, row.preemptions) == ("done", 2, 1)


def test_a_job_is_stopped_in_the_queue_and_while_it_runs(tmp_path: Path) -> None:
    with queue(tmp_path) as jobs:
        running = jobs.submit("endless")
        waiting = jobs.submit("endless")
        pid = pid_of(jobs.until_running(running))
        assert jobs.store.stop(waiting, "ann").state == "stopped"
        jobs.store.stop(running, "bob")
        [row] = jobs.until_ended(running)
        assert (row.state, row.reason_en) == ("stopped", "bob stopped it.")
        assert is_gone(pid)
        assert (jobs.folder(running).path / "saved").exists(), "it had the time to save"
        assert jobs.row(waiting).attempts == 0


def test_one_that_is_stopped_while_it_gives_way_does_not_come_back(tmp_path: Path) -> None:
    with queue(tmp_path, grace_s=0.3) as jobs:
        deaf = jobs.submit("deaf")
        jobs.until_running(deaf)
        high = jobs.submit("quick", priority=1)
        jobs.runner.tick()
        jobs.store.stop(deaf, "ann")
        [row, other] = jobs.until_ended(deaf, high)
        assert (row.state, row.attempts, other.state) == ("stopped", 1, "done")
        late = jobs.submit("endless")
        jobs.store.change(late, stop_by="ann")
        [row] = jobs.until_ended(late)
        assert (row.state, row.attempts) == ("stopped", 0)


def test_a_job_whose_row_is_gone_is_ended(tmp_path: Path) -> None:
    with queue(tmp_path) as jobs:
        id = jobs.submit("endless")
        pid = pid_of(jobs.until_running(id))
        jobs.store.change(id, state="done", ended_us=1)
        assert jobs.store.forget(2) == [id]
        jobs.until(lambda: is_gone(pid) and jobs.runner.is_idle)


def test_one_that_takes_more_memory_than_it_asked_for_is_ended(tmp_path: Path) -> None:
    with queue(tmp_path) as jobs:
        [row] = jobs.until_ended(jobs.submit("swallows", memory_mb=150))
        assert row.state == "failed" and "more memory" in row.reason_en
        assert "内存超过申请量" in row.reason_zh
        assert row.memory_peak_bytes > 150 * 2**20


def test_nothing_of_a_job_is_left_behind(tmp_path: Path) -> None:
    with queue(tmp_path) as jobs:
        id = jobs.submit("family")
        child = jobs.folder(id).path / "child"
        jobs.until(lambda: child.exists() and child.read_text() != "")
        number = int(child.read_text())
        assert not is_gone(number)
        jobs.store.stop(id, "ann")
        jobs.until_ended(id)
        wait_until(lambda: is_gone(number), 20)


def test_a_tenant_runs_no_more_than_it_may(tmp_path: Path) -> None:
    tenants = [{"name": "a", "running": 1}, {"name": "b", "cpus": 2}]
    with queue(tmp_path, cpus=4, tenants=tenants) as jobs:
        ids = [jobs.submit("endless", tenant="a") for _ in range(2)]
        ids += [jobs.submit("endless", tenant="b") for _ in range(3)]
        jobs.until(lambda: sum(row.done > 0 for row in jobs.store.open()) == 3)
        runs = [row.tenant for row in jobs.store.open() if row.state == "running"]
        assert sorted(runs) == ["a", "b", "b"]
        stopped = next(row.id for row in jobs.store.open() if row.tenant == "a" and row.done)
        jobs.store.stop(stopped, "ann")
        jobs.until(lambda: all(jobs.row(id).attempts for id in ids[:2]))


def test_a_runner_that_ends_puts_its_jobs_back_and_the_next_goes_on(tmp_path: Path) -> None:
    with queue(tmp_path) as jobs:
        id = jobs.submit("endless")
        pid = pid_of(jobs.until_running(id))
        jobs.runner.close()
        row = jobs.row(id)
        assert is_gone(pid)
        assert (row.state, row.preemptions, row.crashes) == ("queued", 1, 0)
        assert (jobs.folder(id).path / "saved").exists()
        jobs.new_runner()
        jobs.until(lambda: jobs.row(id).attempts == 2)


def test_what_a_row_says_to_run_is_asked_of_the_system(tmp_path: Path) -> None:
    """The runner was killed: one process is still there, one is gone, one was never started."""
    with queue(tmp_path, cpus=3) as jobs:
        there, gone, never = (jobs.submit("endless") for _ in range(3))
        jobs.until(lambda: sum(row.done > 0 for row in jobs.store.open()) == 3)
        os.kill(pid_of(jobs.row(gone)), signal.SIGKILL)
        kept, jobs.runner = jobs.runner, jobs.new_runner()
        jobs.store.change(never, handle=f"{os.getpid()}:another")
        jobs.runner.tick()
        assert jobs.row(there).attempts == 1, "it is held again"
        jobs.until(lambda: jobs.row(gone).exit_code == -9 or jobs.row(gone).attempts == 2)
        jobs.store.stop(there, "ann")
        [row] = jobs.until_ended(there)
        assert row.state == "stopped"
        jobs.until(lambda: jobs.row(never).attempts == 2)
        kept.close()


def test_a_growing_log_is_cut_and_read_on(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lianji.learn.jobs import folder

    monkeypatch.setattr(folder, "LOG_BYTES_MAX", 1000)
    monkeypatch.setattr(folder, "_LOG_KEPT", 100)
    log = folder.JobFolder(tmp_path)
    log.log.write_text("".join(f"line {n}\n" for n in range(200)))
    text, end = log.log_from(-50)
    assert text.startswith("line ") and text.endswith("line 199\n")
    assert log.log_from(end) == ("", end)
    log.keep_log_small()
    assert log.log.stat().st_size <= 100
    assert log.log_from(end)[0].endswith("line 199\n"), "from the beginning of what there is"


def test_old_jobs_go_with_their_folders(tmp_path: Path) -> None:
    with queue(tmp_path, keep_d=1e-9) as jobs:
        id = jobs.submit("quick")
        jobs.until_ended(id)
        assert jobs.folder(id).log.exists()
        jobs.new_runner().tick()
        assert jobs.store.listed() == []
        assert not jobs.folder(id).path.exists()


def test_processes_that_share_a_queue_leave_each_others_jobs_alone(tmp_path: Path) -> None:
    with queue(tmp_path / "a", cpus=1) as jobs:
        here, there = (
            runner.Runner(jobs.store, LocalLauncher(), jobs.settings, tmp_path / name, name)
            for name in "ab"
        )
        shutil.copytree(tmp_path / "a" / "training", tmp_path / "b" / "training")
        first, second = jobs.submit("endless"), jobs.submit("endless")
        jobs.runner = here
        pid = pid_of(jobs.until_running(first))
        there.tick()
        jobs.runner = there
        jobs.until_running(second)
        assert not is_gone(pid) and jobs.row(first).attempts == 1
        there.close()
        here.tick()
        assert jobs.row(second).state == "queued", "its folder is not here"
        here.close()


def test_a_job_ends_itself_when_its_plant_is_gone_even_a_deaf_one(tmp_path: Path) -> None:
    with queue(tmp_path, grace_s=0.2) as jobs:
        hears, deaf = jobs.submit("endless"), jobs.submit("deaf")
        for id, code in ((hears, 75), (deaf, -9)):
            row = jobs.row(id)
            folder = jobs.folder(id)
            task = Task(id, "x", row.function, {}, str(tmp_path), 1, "cpu", 0.2, 0,
                        [str(tmp_path / "training")])  # fmt: skip
            folder.prepare(task)
            run = LocalLauncher().start(Job(id, "x"), folder.path)
            wait_until(lambda: folder.progress().done > 0, 20)  # noqa: B023 - called here
            assert LocalLauncher().found(Job(id, "x"), folder.path, run.handle) is not None
            assert run._child is not None and run._child.stdin is not None
            run._child.stdin.close()
            wait_until(lambda: run.poll() is not None, 20)  # noqa: B023 - called here
            assert run.poll() == code
            outcome = folder.outcome()
            assert outcome is not None and (outcome.code, outcome.asked) == (75, True)
            assert LocalLauncher().found(Job(id, "x"), folder.path, run.handle) is None
