"""Samples as plants give them, made from a seed: what every system of a comparison is fed with.

Two mixes. ``iot`` has the kinds of Apache iot-benchmark in its proportions (its function.xml: of
168 signals 9 sawtooth, 6 sine, 9 square, 86 random, 58 constant; widths and periods of the same
size as there), with two decimals. ``plant`` is a machine of ten signals: slow random walks,
counters, states, setpoints and noisy powers, with no to three decimals.

What a device reads at once has one time, so lateness, repetition, bad quality and silence befall a
whole reading of ten signals, as they do in life. Blocks come in the order of arrival and hold about
as many samples as asked for; a year never lies in memory. The samples do not depend on the size of
the blocks: all is drawn in one order and walked in whole steps of the last decimal.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from bench.mixes.signals import SIGNALS_A_MACHINE, Signals, iot_signals, plant_signals
from lianji.dictionary.quality import Quality

START_US = 1_735_689_600_000_000
"""2025-01-01: even a year ends before now, which rivals insist on."""
SECOND_US = 1_000_000
MINUTE_US = 60 * SECOND_US
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US
_LATE_US = (MINUTE_US, 4 * HOUR_US)
_SILENT_US = (10 * MINUTE_US, HOUR_US)
MACHINES_A_LINE = 20


@dataclass(frozen=True, slots=True)
class Flaws:
    """Shares of readings, but for ``silent``, which is a share of time."""

    jitter_ms: int = 2
    """Up to so many ms late: each bit of it is a bit a sample that nobody can store in less."""
    late: float = 0.01
    repeated: float = 0.001
    bad: float = 0.002
    silent: float = 0.003


HONEST = Flaws()
UNREPEATED = Flaws(repeated=0.0, bad=0.0)
"""For answers that are compared: not every rival knows quality or drops a repeated sample."""


@dataclass(frozen=True, slots=True)
class Block:
    """Samples in the order of arrival: int32 places in the mix's paths, us, float64, uint16.

    NaN stands where there is no value; its quality is bad then.
    """

    tag: NDArray[np.int32]
    time_us: NDArray[np.int64]
    value: NDArray[np.float64]
    quality: NDArray[np.uint16]

    def __len__(self) -> int:
        return len(self.tag)

    def take(self, which: NDArray[np.bool_] | NDArray[np.intp] | slice) -> Block:
        return Block(self.tag[which], self.time_us[which], self.value[which], self.quality[which])

    @classmethod
    def concat(cls, parts: Sequence[Block]) -> Block:
        if not parts:
            return cls(
                np.empty(0, np.int32), np.empty(0, np.int64), np.empty(0), np.empty(0, np.uint16)
            )
        return cls(
            np.concatenate([part.tag for part in parts]),
            np.concatenate([part.time_us for part in parts]),
            np.concatenate([part.value for part in parts]),
            np.concatenate([part.quality for part in parts]),
        )


def path_of(tag: int, site: str = "plant") -> str:
    machine, signal = divmod(tag, SIGNALS_A_MACHINE)
    return f"{site}/line{machine // MACHINES_A_LINE}/machine{machine}/signal{signal}"


@dataclass(frozen=True, slots=True)
class Mix:
    """So many tags, each with a sample every ``step_us``, for so many steps."""

    kind: str
    """``iot`` or ``plant``."""
    tags: int
    step_us: int
    steps: int
    flaws: Flaws = HONEST
    start_us: int = START_US
    seed: int = 7
    site: str = "plant"

    @property
    def samples(self) -> int:
        """How many there would be without silence and repetitions."""
        return self.tags * self.steps

    @property
    def end_us(self) -> int:
        return self.start_us + self.steps * self.step_us

    @property
    def paths(self) -> list[str]:
        return [path_of(tag, self.site) for tag in range(self.tags)]

    def blocks(self, samples: int = 100_000) -> Iterator[Block]:
        """Every sample once, and the repeated readings twice, in blocks of about so many."""
        signals = {"iot": iot_signals, "plant": plant_signals}[self.kind](
            self.tags, self.step_us, self.seed
        )
        readings = _Readings(self)
        steps_a_block = max(1, samples // self.tags)
        for first in range(0, self.steps, steps_a_block):
            steps = min(steps_a_block, self.steps - first)
            yield readings.block(signals, first, steps)


class _Readings:
    """What befalls the readings: when they come, and which do not come at all."""

    def __init__(self, mix: Mix) -> None:
        self.mix = mix
        self.machines = -(-mix.tags // SIGNALS_A_MACHINE)
        self.machine_of = np.arange(mix.tags) // SIGNALS_A_MACHINE
        jitter, fate, delay, silence, lengths = np.random.SeedSequence([mix.seed, 1]).spawn(5)
        self.jitter = np.random.default_rng(jitter)
        self.fate = np.random.default_rng(fate)
        self.delay = np.random.default_rng(delay)
        self.silence = np.random.default_rng(silence)
        self.lengths = np.random.default_rng(lengths)
        self.silent_until = np.zeros(self.machines, np.int64)
        self.waiting = Block.concat([])
        self.due_us = np.empty(0, np.int64)

    def block(self, signals: Signals, first: int, steps: int) -> Block:
        mix, shape = self.mix, (steps, self.machines)
        values = signals.take(steps)
        times = (mix.start_us + np.arange(first, first + steps) * mix.step_us)[:, None]
        jitter_ms = min(mix.flaws.jitter_ms, mix.step_us // 1000 - 1)
        times = times + self.jitter.integers(0, jitter_ms + 1, shape) * 1000
        heard = ~self._silent(first, steps)
        fate = self.fate.random(shape)
        late = fate < mix.flaws.late
        again = ~late & (fate < mix.flaws.late + mix.flaws.repeated)
        bad = fate > 1.0 - mix.flaws.bad
        self._keep_for_later(values, times, bad, heard & (late | again))
        now = _block(values, times, bad, heard & ~late, self.machine_of)
        due = self.due_us < mix.start_us + (first + steps) * mix.step_us
        if first + steps == mix.steps:
            due[:] = True
        come = self.waiting.take(due)
        self.waiting, self.due_us = self.waiting.take(~due), self.due_us[~due]
        return Block.concat([now, come]) if len(come) else now

    def _keep_for_later(
        self,
        values: NDArray[np.float64],
        times: NDArray[np.int64],
        bad: NDArray[np.bool_],
        chosen: NDArray[np.bool_],
    ) -> None:
        """Late readings, and those that come a second time, each with the time when it does."""
        low, high = np.log(_LATE_US)
        delay_us = np.zeros(chosen.shape, np.int64)
        delay_us[chosen] = np.exp(self.delay.uniform(low, high, int(chosen.sum()))).astype(np.int64)
        part = _block(values, times, bad, chosen, self.machine_of)
        due_us = (times + delay_us)[:, self.machine_of][chosen[:, self.machine_of]]
        self.waiting = Block.concat([self.waiting, part])
        self.due_us = np.concatenate([self.due_us, due_us])

    def _silent(self, first: int, steps: int) -> NDArray[np.bool_]:
        """When each machine says nothing; a silence may outlast the block."""
        step_us = self.mix.step_us
        mean_us = sum(_SILENT_US) / 2
        chance = self.mix.flaws.silent * step_us / max(mean_us, step_us)
        begins = self.silence.random((steps, self.machines), np.float32) < chance
        silent = np.arange(first, first + steps)[:, None] < self.silent_until
        for step, machine in np.argwhere(begins).tolist():
            length = max(1, int(self.lengths.uniform(*_SILENT_US)) // step_us)
            silent[step : step + length, machine] = True
            until = first + step + length
            self.silent_until[machine] = max(self.silent_until[machine], until)
        return silent


def _block(
    values: NDArray[np.float64],
    times: NDArray[np.int64],
    bad: NDArray[np.bool_],
    chosen: NDArray[np.bool_],
    machine_of: NDArray[np.intp],
) -> Block:
    """The samples of the chosen readings, step by step and tag by tag."""
    wanted = chosen[:, machine_of]
    steps, tags = values.shape
    whole = bool(chosen.all())

    def picked(matrix: NDArray[np.generic]) -> NDArray[np.generic]:
        return matrix.ravel() if whole else matrix[wanted]

    spoilt = bad[:, machine_of]
    quality = np.where(spoilt, np.uint16(Quality.BAD_COMMUNICATION_ERROR), np.uint16(0))
    tag = np.broadcast_to(np.arange(tags, dtype=np.int32), (steps, tags))
    return Block(
        picked(tag),
        picked(times[:, machine_of]),
        picked(np.where(spoilt, np.nan, values)),
        picked(quality),
    )
