"""The client of a Ray cluster, in a process of its own: ``python -m lianji.learn.jobs.ray_bridge
<address> <orphan_s>``.

Ray ends the process of a client whose cluster is gone, may block it for minutes while it looks for
one, and takes 100 MB: none of this a plant can have in its own. Both sides speak JSON lines.

    in   {"do": "start", "name", "job", "folder"}; {"do": "find" | "terminate" | "kill", "name"}
    out  {"connected": true}, or {"failed": why} and the end
         {"name", "code", "cpu_s", "memory_bytes", "memory_peak_bytes", "node", "en", "zh"}

It ends when its stdin does.
"""

from __future__ import annotations

import json
import os
import queue
import sys
import threading
from typing import Any, TextIO

from lianji.learn.jobs import ray_faults
from lianji.learn.jobs.launcher import LOST, Job
from lianji.learn.jobs.ray_cluster import Cluster, Run
from lianji.learn.jobs.ray_host import Seen

_POLL_S = 0.2
Asked = queue.SimpleQueue[dict[str, Any]]


def main(address: str, orphan_s: float) -> None:
    out = os.fdopen(os.dup(1), "w", buffering=1)
    os.dup2(2, 1)  # what Ray prints is no answer
    asked: Asked = queue.SimpleQueue()
    threading.Thread(target=_hear, args=(asked,), daemon=True).start()
    try:
        cluster = Cluster(address, orphan_s)
    except Exception as error:
        said = (str(error).strip() or type(error).__name__).splitlines()[0]
        _say(out, {"failed": said[:200]})
        return
    _say(out, {"connected": True})
    _serve(cluster, asked, out)


def _hear(asked: Asked) -> None:
    for line in sys.stdin:
        asked.put(json.loads(line))
    os._exit(0)


def _serve(cluster: Cluster, asked: Asked, out: TextIO) -> None:
    runs: dict[str, Run] = {}
    told: dict[str, Seen] = {}
    while True:
        try:
            _do(cluster, runs, asked.get(timeout=_POLL_S), out)
            continue
        except queue.Empty:
            pass
        for name, run in list(runs.items()):
            seen = run.poll()
            if seen != told.get(name):
                told[name] = seen
                _tell(out, name, seen)
            if seen.code is not None:
                del runs[name], told[name]


def _do(cluster: Cluster, runs: dict[str, Run], asked: dict[str, Any], out: TextIO) -> None:
    name = asked["name"]
    if asked["do"] == "start":
        try:
            runs[name] = cluster.start(name, Job(**asked["job"]), asked["folder"])
        except (ValueError, TypeError) as error:  # what it needs is nothing that Ray knows
            _tell(out, name, Seen(1, reason=ray_faults.no_node(error)))
    elif asked["do"] == "find":
        found = cluster.find(name)
        if found is None:
            _tell(out, name, Seen(LOST))
        else:
            runs[name] = found
    elif name in runs:
        run = runs[name]
        run.terminate() if asked["do"] == "terminate" else run.kill()


def _tell(out: TextIO, name: str, seen: Seen) -> None:
    used, reason = seen.usage, seen.reason
    _say(
        out,
        {
            "name": name,
            "code": seen.code,
            "cpu_s": used.cpu_s,
            "memory_bytes": used.memory_bytes,
            "memory_peak_bytes": used.memory_peak_bytes,
            "node": seen.node,
            "en": reason.en if reason else "",
            "zh": reason.zh if reason else "",
        },
    )


def _say(out: TextIO, told: dict[str, Any]) -> None:
    out.write(json.dumps(told) + "\n")


if __name__ == "__main__":
    main(sys.argv[1], float(sys.argv[2]))
