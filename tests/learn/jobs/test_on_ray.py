"""The same jobs on a Ray cluster of two nodes, which share this machine and its disk."""

from __future__ import annotations

import re
import signal
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from lianji.base.errors import InputError
from lianji.learn.jobs import runner
from lianji.learn.jobs.folder import JobFolder, Task
from lianji.learn.jobs.launcher import LOST, PREEMPTED, Job, Running
from lianji.learn.jobs.launching import launcher_of
from lianji.learn.jobs.on_ray import RayLauncher, RayRunning
from lianji.learn.jobs.runner import Runner
from lianji.learn.jobs.settings import JobsSettings
from tests.learn.jobs import functions
from tests.learn.jobs.queue import Queue, queue
from tests.peers import wait_until

pytestmark = pytest.mark.system
STORE_BYTES = 80_000_000


@dataclass
class Nodes:
    """Two nodes of one core each; the head takes no job."""

    cluster: Any

    def __post_init__(self) -> None:
        self._nodes = [self._add() for _ in range(2)]

    def _add(self) -> Any:
        return self.cluster.add_node(num_cpus=1, object_store_memory=STORE_BYTES)

    @property
    def address(self) -> str:
        return str(self.cluster.address)

    def lose(self, id: str) -> None:
        """Without a word, as by a power cut; another takes its place."""
        [node] = [node for node in self._nodes if node.node_id == id]
        self.cluster.remove_node(node, allow_graceful=False)
        self._nodes.remove(node)

    def replace(self) -> None:
        while len(self._nodes) < 2:
            self._nodes.append(self._add())


@pytest.fixture(scope="module")
def nodes() -> Iterator[Nodes]:
    pytest.importorskip("ray", reason="the extra lianji[ray] is not installed")
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("RAY_USAGE_STATS_ENABLED", "0")
        patch.setenv("RAY_health_check_period_ms", "500")
        patch.setenv("RAY_health_check_failure_threshold", "3")
        from ray.cluster_utils import Cluster

        handler = signal.getsignal(signal.SIGTERM)
        cluster = Cluster(
            initialize_head=True,
            head_node_args={
                "num_cpus": 0,
                "object_store_memory": STORE_BYTES,
                "include_dashboard": False,
            },
        )
        try:
            yield Nodes(cluster)
        finally:
            cluster.shutdown()
            signal.signal(signal.SIGTERM, handler)


@pytest.fixture
def launcher(nodes: Nodes) -> Iterator[RayLauncher]:
    nodes.replace()
    launcher = RayLauncher(nodes.address)
    yield launcher
    launcher.close()


@pytest.fixture(autouse=True)
def notes_at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(runner, "NOTE_S", 0.0)


def held(jobs: Queue, id: str) -> RayRunning:
    running = jobs.runner._active[id].running
    assert isinstance(running, RayRunning)
    return running


def node_of(running: RayRunning) -> str:
    wait_until(lambda: running.poll() is not None or running.node, 30, "a node has it")
    return running.node.split()[0]


def test_a_training_goes_over_to_the_other_node_and_ends_the_same(
    nodes: Nodes, launcher: RayLauncher, tmp_path: Path
) -> None:
    """It gives way on the one, goes on on the other, and loses that one without a word."""
    with queue(tmp_path / "plant", cpus=2) as jobs:
        jobs.runner = Runner(jobs.store, launcher, jobs.settings, jobs.plant)
        training = jobs.submit("train", steps=1500)
        jobs.further(300)
        jobs.until_reached(training)
        first = node_of(held(jobs, training))
        jobs.further(400)
        beside = jobs.submit("endless", priority=1)
        jobs.until_running(beside)
        second = node_of(held(jobs, beside))
        assert second != first
        above = jobs.submit("endless", priority=1)
        jobs.until_running(above)
        assert node_of(held(jobs, above)) == first, "the training gave way to it"
        assert (jobs.row(training).state, jobs.row(training).preemptions) == ("queued", 1)
        jobs.store.stop(beside, "somebody")
        jobs.until_reached(training)
        assert node_of(held(jobs, training)) == second
        assert jobs.row(beside).state == "stopped"
        jobs.further(5000)
        nodes.lose(second)
        jobs.until(lambda: jobs.row(training).attempts == 3, "it was lost and is started again")
        assert (jobs.row(training).exit_code, jobs.row(training).crashes) == (LOST, 0)
        jobs.store.stop(above, "somebody")
        [row] = jobs.until_ended(training)
        assert (row.state, row.attempts, row.preemptions) == ("done", 3, 1)
        assert row.cpu_s > 0 and row.memory_peak_bytes > 2**20
        starts = re.findall(r"from step (\d+)", jobs.folder(training).tail())
        assert len(starts) == 3 and 300 <= int(starts[1]) <= int(starts[2]), starts
        digest = (jobs.folder(training).path / "digest").read_text()
    assert digest == functions.uninterrupted(tmp_path / "alone", 1500)


def prepared(folder: Path, function: str, **arguments: Any) -> JobFolder:
    job = JobFolder(folder / "job")
    paths = [str(Path(functions.__file__).parent)]
    job.prepare(Task("j", "j", f"functions:{function}", arguments, str(folder), paths=paths))
    return job


def ended(running: Running) -> int:
    wait_until(lambda: running.poll() is not None, 30, "it has ended")
    code = running.poll()
    assert code is not None
    return code


def started(running: Running, job: JobFolder) -> None:
    wait_until(lambda: running.poll() is not None or job.progress().done > 0, 30, "it has begun")


def test_exit_codes_and_signals_pass(launcher: RayLauncher, tmp_path: Path) -> None:
    quick = prepared(tmp_path / "a", "quick", who="ray")
    assert ended(launcher.start(Job("a", "a", memory_mb=200), quick.path)) == 0
    assert "hello ray" in quick.tail()
    failing = prepared(tmp_path / "b", "fails", what="luck")
    assert ended(launcher.start(Job("b", "b", memory_mb=200), failing.path)) == 1
    asked = prepared(tmp_path / "c", "endless")
    running = launcher.start(Job("c", "c", memory_mb=200), asked.path)
    started(running, asked)
    running.terminate()
    assert ended(running) == PREEMPTED
    running.terminate()
    running.kill()
    assert running.poll() == PREEMPTED, "for ever"
    killed = prepared(tmp_path / "d", "deaf")
    running = launcher.start(Job("d", "d", memory_mb=200), killed.path)
    started(running, killed)
    running.kill()
    assert ended(running) == -signal.SIGKILL


def test_a_plant_that_is_started_anew_finds_what_runs(nodes: Nodes, tmp_path: Path) -> None:
    nodes.replace()
    job = prepared(tmp_path / "a", "endless")
    told = Job("a", "a", memory_mb=200)
    before = RayLauncher(nodes.address)
    running = before.start(told, job.path)
    started(running, job)
    before.close()
    after = RayLauncher(nodes.address)
    try:
        found = after.found(told, job.path, running.handle)
        assert found is not None
        wait_until(lambda: found.poll() is not None or found.node, 30, "it is found")
        assert found.poll() is None
        found.terminate()
        assert ended(found) == PREEMPTED
        gone = after.found(told, job.path, running.handle)
        assert gone is not None
        assert ended(gone) == PREEMPTED, "as it said itself"
    finally:
        after.close()


def test_what_nobody_looks_after_saves_and_goes(nodes: Nodes, tmp_path: Path) -> None:
    nodes.replace()
    job = prepared(tmp_path / "a", "endless")
    launcher = RayLauncher(nodes.address, orphan_s=1)
    running = launcher.start(Job("a", "a", memory_mb=200), job.path)
    started(running, job)
    launcher.close()
    wait_until(lambda: job.outcome() is not None, 30, "it has saved and ended")
    outcome = job.outcome()
    assert outcome is not None and outcome.code == PREEMPTED
    assert (job.path / "saved").exists()


def test_one_that_no_node_has_room_for_waits_and_is_taken_back(
    launcher: RayLauncher, tmp_path: Path
) -> None:
    job = prepared(tmp_path / "a", "quick")
    running = launcher.start(Job("a", "a", device="abacus", memory_mb=200), job.path)
    assert running.poll() is None
    wait_until(lambda: running.poll() is not None or launcher.is_connected, 30, "a cluster")
    running.terminate()
    assert running.poll() is None
    running.kill()
    assert ended(running) == -signal.SIGKILL
    assert job.tail() == "", "it was never started"


def test_a_folder_that_a_node_does_not_see_is_told(launcher: RayLauncher, tmp_path: Path) -> None:
    job = JobFolder(tmp_path / "elsewhere")
    job.path.mkdir()
    assert ended(launcher.start(Job("a", "a", memory_mb=200), job.path)) == 1
    outcome = job.outcome()
    assert outcome is not None and "does not see the job's folder" in outcome.reason.en


def test_one_setting_chooses(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    assert not isinstance(launcher_of(JobsSettings()), RayLauncher)
    chosen = launcher_of(JobsSettings(ray="127.0.0.1:1"))
    assert isinstance(chosen, RayLauncher)
    chosen.close()
    monkeypatch.setitem(sys.modules, "ray", None)
    with pytest.raises(InputError, match="pip install"):
        chosen.start(Job("a", "a"), tmp_path)


@pytest.mark.parametrize("address", ["nowhere", "127.0.0.1:1"])
def test_a_cluster_that_is_not_there_is_told_and_holds_nothing_up(
    tmp_path: Path, address: str
) -> None:
    pytest.importorskip("ray", reason="the extra lianji[ray] is not installed")
    job = prepared(tmp_path, "quick")
    launcher = RayLauncher(address, connect_s=2)
    try:
        assert ended(launcher.start(Job("a", "a"), job.path)) == LOST
    finally:
        launcher.close()
    assert f"The Ray cluster {address} does not answer" in job.tail()


def test_a_bridge_that_dies_is_replaced_and_what_runs_goes_on(
    launcher: RayLauncher, tmp_path: Path
) -> None:
    job = prepared(tmp_path, "endless")
    running = launcher.start(Job("a", "a", memory_mb=200), job.path)
    started(running, job)
    first = launcher._bridge
    assert first is not None
    first._child.kill()
    wait_until(lambda: running.poll() is not None or launcher._bridge is not first, 30, "another")
    running.terminate()
    assert ended(running) == PREEMPTED
    assert job.progress().done == 1
