"""What the jobs of the tests do. It lies in a plant's folder ``training`` as ``tried.py``."""

from __future__ import annotations

import hashlib
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

from lianji.learn.jobs.context import JobContext, Preempted

STEP_S = 0.002


def quick(context: JobContext) -> None:
    context.log.info("hello %s", context.arguments.get("who", "you"))


def train(context: JobContext) -> None:
    """Momentum on random batches. Where a file says so it tells of the step and then takes its
    time until it is asked to give way, which it does at whatever step that meets it."""
    import numpy as np

    steps = int(context.arguments["steps"])
    state: dict[str, Any] = {"weights": np.zeros(64), "speed": np.zeros(64)}
    generator = np.random.default_rng(7)
    with context.checkpoints() as checkpoints:
        step = 0
        if checkpoints.names():
            state, step = checkpoints.restore()
            _set_words(generator, state["random"])
        context.log.info("from step %d", step)
        print("step", step, "of", steps)
        tell_at = _tell_at(context, step)
        while step < steps:
            batch = generator.standard_normal((8, 64))
            error = batch @ (state["weights"] - 1.0)
            state["speed"] = 0.9 * state["speed"] - 0.01 * (batch.T @ error) / 8
            state["weights"] = state["weights"] + state["speed"]
            step += 1
            context.progress(step, steps, loss=float(error @ error))
            if step == tell_at:
                (context.folder / "reached").write_text(str(step))
            if step >= tell_at and not context.stopping.is_set():
                context.stopping.wait(STEP_S)
            if step % 400 == 0 or context.stopping.is_set() or step == steps:
                state["random"] = _words(generator)
                checkpoints.save(state, step).wait()
            if context.stopping.is_set() and step < steps:
                raise Preempted
    digest = hashlib.sha256(state["weights"].tobytes() + state["speed"].tobytes()).hexdigest()
    (context.folder / "digest").write_text(digest)


def _tell_at(context: JobContext, step: int) -> int:
    told = context.plant / "further"
    return step + int(told.read_text()) if told.exists() else 10**12


def _words(generator: Any) -> list[int]:
    """The state of a generator, in words that a checkpoint holds."""
    state = generator.bit_generator.state["state"]
    return [state[name] >> shift & 0xFFFFFFFF for name in ("state", "inc") for shift in
            range(0, 128, 32)]  # fmt: skip


def _set_words(generator: Any, words: list[int]) -> None:
    numbers = [sum(word << 32 * place for place, word in enumerate(part)) for part in
               (words[:4], words[4:])]  # fmt: skip
    state = generator.bit_generator.state
    state["state"] = dict(zip(("state", "inc"), numbers, strict=True))
    generator.bit_generator.state = state


def endless(context: JobContext) -> None:
    context.progress(1, 0)
    context.stopping.wait()
    (context.folder / "saved").write_text("1")
    raise Preempted


def deaf(context: JobContext) -> None:
    """Saves nothing, hears nothing."""
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    context.progress(context.attempt, 9)
    context.flush()
    if context.attempt < 2:
        while True:
            time.sleep(1)


def dies(context: JobContext) -> None:
    """At once in its first runs; a third of the way further in each of those that progress."""
    if context.arguments.get("progresses"):
        context.progress(context.attempt, 6)
        if context.attempt == 6:
            return
    context.flush()
    os.kill(os.getpid(), signal.SIGKILL)


def fails(context: JobContext) -> None:
    raise ValueError(f"no such thing as {context.arguments['what']}")


def refuses(context: JobContext) -> None:
    from lianji.base.errors import InputError, Text

    raise InputError("tried", Text("It is wrong.", "有误。"), Text("Mend it.", "请修改。"))


def swallows(context: JobContext) -> None:
    held = []
    while not context.stopping.is_set():
        held.append(bytearray(16 * 2**20))


def family(context: JobContext) -> None:
    """A child of its own, which must not be left behind."""
    child = os.fork()
    if child == 0:
        time.sleep(600)
        os._exit(0)
    (context.folder / "child").write_text(str(child))
    context.stopping.wait()
    os._exit(75)


def gives_way_for_ever(context: JobContext) -> None:
    raise Preempted


def uninterrupted(folder: Path, steps: int) -> str:
    """The digest of a training that nobody disturbs."""
    from lianji.learn.jobs.folder import JobFolder, Task

    job = JobFolder(folder)
    job.prepare(Task("0", "train", "tried:train", {"steps": steps}, str(folder)))
    train(JobContext(job, job.task()))
    return (folder / "digest").read_text()


if __name__ == "__main__":
    print(uninterrupted(Path(sys.argv[1]), int(sys.argv[2])))
