"""The process of a job: ``python -m lianji.learn.jobs.child <folder>``.

It ends with the plant that started it: stdin is a pipe that the plant holds, and its end is taken
as SIGTERM is. Only one process at a time runs a job, since the folder is locked.
"""

from __future__ import annotations

import fcntl
import importlib
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from lianji.base.errors import InputError, LianjiError, NotFound, Text
from lianji.learn.jobs import faults
from lianji.learn.jobs.context import JobContext, Preempted
from lianji.learn.jobs.folder import JobFolder, Outcome, Task
from lianji.learn.jobs.launcher import DONE, PREEMPTED

LOCK_S = 60.0
_FAILED = 1


def main(folder: Path) -> int:
    """Run the job of a folder in this process; its exit code."""
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="%(asctime)s %(levelname)s %(message)s"
    )
    job = JobFolder(folder)
    with job.lock.open("ab") as lock:
        if not _locked(lock.fileno()):
            return PREEMPTED
        task = job.task()
        os.nice(task.nice)
        outcome = _outcome(job, task)
        job.tell_outcome(outcome)
    return outcome.code


def _locked(handle: int) -> bool:
    """Whether an earlier process of this job has ended, at the latest soon."""
    last_s = time.monotonic() + LOCK_S
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return True
        except BlockingIOError:
            if time.monotonic() > last_s:
                return False
            time.sleep(0.1)


def _outcome(job: JobFolder, task: Task) -> Outcome:
    context = JobContext(job, task)
    signal.signal(signal.SIGTERM, lambda *_: context.stopping.set())
    ends = threading.Thread(target=_end_with_plant, args=(job, task, context), daemon=True)
    ends.start()
    try:
        sys.path.extend(task.paths)
        function_of(task.function)(context)
        return Outcome(DONE)
    except Preempted:
        return Outcome(PREEMPTED, asked=context.stopping.is_set())
    except SystemExit as ended:
        return _of_exit(ended, context.stopping.is_set())
    except LianjiError as error:
        context.log.error("%s", error)
        reason = Text(f"{error.cause.en} {error.remedy.en}", f"{error.cause.zh}{error.remedy.zh}")
        return Outcome(_FAILED, reason, isinstance(error, InputError | NotFound))
    except BaseException as error:
        context.log.exception("The job failed.")
        said = f"{type(error).__name__}: {error}"[:500]
        return Outcome(_FAILED, Text(f"It failed: {said}.", f"运行出错：{said}。"))
    finally:
        context.flush()


def _of_exit(ended: SystemExit, asked: bool) -> Outcome:
    if isinstance(ended.code, str):
        return Outcome(_FAILED, Text(f"It ended: {ended.code}", f"作业退出：{ended.code}"))
    code = ended.code or DONE
    if code in (DONE, PREEMPTED):
        return Outcome(code, asked=asked)
    return Outcome(code, Text(f"It ended with the code {code}.", f"作业以代码 {code} 退出。"))


def function_of(name: str) -> Callable[[JobContext], Any]:
    """The function of ``module:function``. Raises InputError where there is none."""
    module, _, attribute = name.partition(":")
    try:
        found = getattr(importlib.import_module(module), attribute)
    except ModuleNotFoundError as error:
        if error.name is None or not f"{module}.".startswith(f"{error.name}."):
            raise
        raise faults.no_function(name) from error
    except AttributeError as error:
        raise faults.no_function(name) from error
    if not callable(found):
        raise faults.no_function(name)
    typed: Callable[[JobContext], Any] = found
    return typed


def _end_with_plant(job: JobFolder, task: Task, context: JobContext) -> None:
    """Where whoever started it is gone: ask it to end, and after its time of grace end it."""
    while os.read(0, 4096):
        pass
    context.stopping.set()
    time.sleep(task.grace_s)
    context.flush()
    job.tell_outcome(Outcome(PREEMPTED, asked=True))
    if os.getpgrp() == os.getpid():
        os.killpg(0, signal.SIGKILL)
    os._exit(PREEMPTED)


if __name__ == "__main__":
    code = main(Path(sys.argv[1]))
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(code)  # threads that a function left behind hold nothing up
