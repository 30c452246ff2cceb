"""The subprocess that merges: a job a line on stdin, an answer a line on stdout, both JSON.

A process of its own, so that its memory ends with it and has a bound, its work takes no turn of
the interpreter that answers the machines, and it yields the processor to whoever wants it.
"""

from __future__ import annotations

import json
import os
import resource
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Any

from lianji.base.errors import LianjiError
from lianji.history.compaction.months import merge_hours
from lianji.history.compaction.plan import Merge
from lianji.history.compaction.work import Outcome, Places, compact, roll_up
from lianji.history.delta.actions import DataFile
from lianji.history.places.folder import FolderPlace
from lianji.history.places.place import Place
from lianji.history.settings import S3Settings

NICENESS = 15


def main() -> int:
    os.nice(NICENESS)
    for line in sys.stdin:
        job = json.loads(line)
        limit = int(job["memory_bytes_max"])
        resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
        try:
            answer: dict[str, Any] = _as_json(_done(job))
        except LianjiError as error:
            answer = {"error": error.as_json()}
        print(json.dumps(answer), flush=True)
    return 0


def _done(job: dict[str, Any]) -> Outcome:
    minutes, hours = (FolderPlace(Path(job[name])) for name in ("minutes", "hours"))
    places = Places(_samples_of(job), minutes, hours)
    site, period = job["site"], job["period"]
    inputs = tuple(file_of(one) for one in job["inputs"])
    match job["kind"]:
        case "merge":
            return compact(places, Merge(site, period, inputs, job["level"]))
        case "roll_up":
            return roll_up(places, site, period, inputs)
        case _:
            days = [set(some) for some in job["days"]]
            counted = list(zip(inputs, days, strict=True))
            return Outcome(hours=merge_hours(places.hours, site, period, counted))


def _samples_of(job: dict[str, Any]) -> Place:
    folder = Path(job["samples"])
    if "bucket" not in job:
        return FolderPlace(folder)
    from lianji.history.places.bucket import BucketPlace

    return BucketPlace(S3Settings.model_validate(job["bucket"]), folder.with_name("scratch"))


def file_of(told: dict[str, Any]) -> DataFile:
    return DataFile(**{**told, "sources": tuple(told["sources"])})


def _as_json(outcome: Outcome) -> dict[str, Any]:
    return {
        name: [asdict(file) for file in getattr(outcome, name)]
        for name in ("samples", "minutes", "hours")
    }


if __name__ == "__main__":
    sys.exit(main())
