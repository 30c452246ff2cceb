"""The jobs of a Ray cluster, as a client of it holds them; ``ray_bridge`` is the process that does.

Ray places a job by its cores, memory and device. What its host (``ray_host``) saw last is asked for
again at each ``poll``, which waits for no answer: what is told is as old as one poll.
"""

from __future__ import annotations

import math
import signal
from contextlib import suppress
from typing import Any

from lianji.learn.jobs import ray_faults
from lianji.learn.jobs.launcher import LOST, Job
from lianji.learn.jobs.ray_host import RayHost, Seen

NAMESPACE = "lianji"
_RESOURCES = {"cuda": "GPU", "npu": "NPU"}
"""What Ray calls a device; of others the label itself, which nodes are started with."""


class Cluster:
    """``address`` as Ray takes it. Raises whatever Ray raises where it cannot be reached, which
    it may find out only after minutes."""

    def __init__(self, address: str, orphan_s: float) -> None:
        import ray

        ray.init(address=address, namespace=NAMESPACE, log_to_driver=False, configure_logging=False)
        self._ray: Any = ray
        self._orphan_s = orphan_s

    def start(self, name: str, job: Job, folder: str) -> Run:
        """Where no node has room for it, it waits for one."""
        host = (
            self._ray.remote(RayHost)
            .options(
                name=name,
                namespace=NAMESPACE,
                lifetime="detached",
                max_restarts=0,
                **_needs(job),
            )
            .remote(self._orphan_s)
        )
        return Run(self._ray, host, host.begin.remote(job, folder))

    def find(self, name: str) -> Run | None:
        try:
            return Run(self._ray, self._ray.get_actor(name, namespace=NAMESPACE), None)
        except ValueError:
            return None


class Run:
    def __init__(self, ray: Any, host: Any, begun: Any | None) -> None:
        self._ray, self._host = ray, host
        self._begun = begun
        """Until it is known that it has begun."""
        self._look: Any = None
        self.seen = Seen()

    def poll(self) -> Seen:
        """What is known of it; its code stays, once there is one."""
        if self.seen.code is None:
            try:
                self._take()
            except self._ray.exceptions.ActorUnavailableError:
                self._look = None  # its node may come back; Ray says so where it does not
            except self._ray.exceptions.ActorUnschedulableError as error:
                self._end(Seen(1, reason=ray_faults.no_node(error)))
            except self._ray.exceptions.RayError:
                self._end(Seen(LOST))
        return self.seen

    def _take(self) -> None:
        if self._look is None:
            self._look = self._host.look.remote()
        if not self._ray.wait([self._look], timeout=0)[0]:
            return
        look, self._look = self._look, None
        self._begun = None
        seen: Seen = self._ray.get(look)
        if seen.code is not None:
            self._end(seen)
        self.seen = seen

    def terminate(self) -> None:
        if self.seen.code is None:
            self._host.terminate.remote()

    def kill(self) -> None:
        """One that no node has had room for yet was never started: it is taken back."""
        if self.seen.code is not None:
            return
        if self._begun is not None and not self._ray.wait([self._begun], timeout=0)[0]:
            self._end(Seen(-signal.SIGKILL))
        else:
            self._host.kill.remote()

    def _end(self, seen: Seen) -> None:
        self.seen = seen
        with suppress(self._ray.exceptions.RayError, ValueError):
            self._ray.kill(self._host, no_restart=True)


def _needs(job: Job) -> dict[str, Any]:
    """What the node must have. Ray counts whole cores above one."""
    told: dict[str, Any] = {
        "num_cpus": math.ceil(job.cpus) if job.cpus > 1 else job.cpus,
        "memory": job.memory_mb * 2**20,
    }
    if job.device != "cpu":
        resource = _RESOURCES.get(job.device, job.device)
        told |= {"num_gpus": 1} if resource == "GPU" else {"resources": {resource: 1}}
    return told
