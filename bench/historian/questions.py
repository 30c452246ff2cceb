"""The questions that a historian is asked, to every system in its own best way, answers checked.

Three sets of the plant mix that end together, without repetitions and bad quality (not every rival
knows them), with jitter, late samples and silences: ``day``, a sample a second for a day and an
hour; ``year``, a sample a minute; ``month``, all tags of a plant every two hours. One system at a
time is there at all; Lianji over HTTP is a running plant on the folder that Lianji in process left.

The first answers to each question are compared with what numpy makes of the same samples. A system
that answers wrongly has no figure; a chart whose peaks lie within a pixel of where they are has one
and its row says ABOUT. Times are the client's, from the question to the numbers, parsing included.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import numpy as np

from bench.harness import Row, work_folder
from bench.historian.feed import joined
from bench.historian.open import IN_PROCESS, OURS, OURS_HTTP, OVER_HTTP, SYSTEMS
from bench.historian.ours_http import LianjiHttp
from bench.historian.rows import quicker
from bench.historian.scale import TAGS, scaled
from bench.historian.system import Answer, Answering, Series, System, Told
from bench.historian.truth import Truth, is_near_a_drawing
from bench.mixes import DAY_US, HOUR_US, MINUTE_US, SECOND_US, START_US, UNREPEATED, Block, Mix

DRAWS = 30
DRAWS_LEAST = 5
CHECKED = 6
"""So many draws of each question are compared with the truth, which takes numpy a second each."""
ASKED_S_MAX = 15.0
"""A question that a system is slow at is asked less often, and its row says how often."""
END_US = START_US + 365 * DAY_US
PIXELS = 2_000
PUT_SAMPLES = 1_000_000


@dataclass(frozen=True, slots=True)
class Asked:
    """One question: how a draw of it is asked, what is true of it, and where it should be."""

    measure: str
    goal: str
    ask: Callable[[Answering, int], Told | None]
    truth: Callable[[int], Answer]
    goal_http: str = ""
    near: Callable[[Answer, Answer], bool] = lambda answer, truth: False
    """Whether an answer that differs from the truth will do all the same; its row says so."""


@dataclass(slots=True)
class Figures:
    """What one system took for one question, in ms."""

    ms: list[float] = field(default_factory=list)
    wrong: str = ""
    about: str = ""
    offered: bool = True

    def percentile(self, percent: int) -> float | None:
        if self.wrong or not self.ms:
            return None
        return sorted(self.ms)[min(len(self.ms) - 1, len(self.ms) * percent // 100)]

    def told(self) -> str:
        if not self.offered:
            return "not offered"
        if self.wrong:
            return f"WRONG: {self.wrong}"
        few = "" if len(self.ms) >= DRAWS else f" of {len(self.ms)} draws"
        about = f", ABOUT: {self.about}, peaks within a pixel" if self.about else ""
        return f"p95 {self.percentile(95):.1f} ms{few}{about}"

    def check(self, asked: Asked, answer: Answer, truth: Answer) -> None:
        difference = answer.difference(truth)
        if difference and asked.near(answer, truth):
            self.about = self.about or difference
        else:
            self.wrong = self.wrong or difference


class Sets:
    """The three sets, as mixes, as series of a system and as truth."""

    def __init__(self) -> None:
        day, year, month = scaled(110, 12), scaled(10, 2), scaled(TAGS, 200)
        ends = {
            "day": (day, SECOND_US, 25 * 3600),
            "year": (year, MINUTE_US, 365 * 24 * 60),
            "month": (month, 2 * HOUR_US, 31 * 12),
        }
        self.mixes = {
            name: Mix("plant", tags, step, steps, UNREPEATED, END_US - steps * step, site=name)
            for name, (tags, step, steps) in ends.items()
        }
        self.series: dict[str, Series] = {}
        first = 0
        for name, mix in self.mixes.items():
            self.series[name] = Series(name, first, mix.paths, END_US)
            first += mix.tags
        self.truth = {name: Truth(mix.blocks(), mix.tags) for name, mix in self.mixes.items()}

    @property
    def paths(self) -> list[str]:
        return [path for series in self.series.values() for path in series.paths]

    @property
    def samples(self) -> int:
        return sum(map(len, self.truth.values()))

    def blocks(self) -> Iterator[tuple[Series, Block]]:
        for name, mix in self.mixes.items():
            for block in joined(mix.blocks(), PUT_SAMPLES):
                yield self.series[name], block


def questions(sets: Sets) -> list[Asked]:
    day, year, month = (sets.series[name] for name in ("day", "year", "month"))
    of_day, of_year, of_month = (sets.truth[name] for name in ("day", "year", "month"))
    many = len(day.paths) * 10 // 11

    def begin(draw: int) -> int:
        """A whole minute of the hour that the day's set has more than a day. The last minute of all
        is left out: what is true behind the last sample is each system's own opinion."""
        return END_US - DAY_US - (1 + draw * 17 % 59) * MINUTE_US

    def one_day(draw: int) -> tuple[int, int, int]:
        return draw * 37 % len(day.paths), begin(draw), begin(draw) + DAY_US

    def one_year(draw: int) -> tuple[int, int, int, int]:
        return draw % len(year.paths), END_US - 365 * DAY_US, END_US, PIXELS

    def minutes(draw: int) -> tuple[list[int], int, int, int]:
        some = np.random.default_rng(draw).permutation(len(day.paths))[:many]
        return sorted(some.tolist()), begin(draw), begin(draw) + DAY_US, MINUTE_US

    def instant(draw: int) -> int:
        return END_US - 30 * DAY_US + draw * 1_234_567_000

    tags = f"{len(month.paths):,} tags"
    return [
        Asked(
            f"last value of {tags}",
            "3 ms",
            lambda system, draw: system.last(month),
            lambda draw: of_month.at(END_US),
            goal_http="15 ms",
        ),
        Asked(
            "1 tag, 1 day raw at 1 Hz",
            "10 ms",
            lambda system, draw: system.raw(day, *one_day(draw)),
            lambda draw: of_day.raw(*one_day(draw)),
        ),
        Asked(
            f"1 tag, 1 year of minutes, {PIXELS:,} pixels",
            "25 ms",
            lambda system, draw: system.plot(year, *one_year(draw)),
            lambda draw: of_year.plot(*one_year(draw)),
            near=is_near_a_drawing,
        ),
        Asked(
            f"{many} tags, 1 day at 1 Hz, 1-minute time-weighted averages",
            "50 ms",
            lambda system, draw: system.time_averages(day, *minutes(draw)),
            lambda draw: of_day.time_averages(*minutes(draw)),
        ),
        Asked(
            f"{many} tags, 1 day at 1 Hz, 1-minute means",
            "50 ms",
            lambda system, draw: system.means(day, *minutes(draw)),
            lambda draw: of_day.means(*minutes(draw)),
        ),
        Asked(
            f"{tags} at one instant a month ago",
            "100 ms",
            lambda system, draw: system.at(month, instant(draw)),
            lambda draw: of_month.at(instant(draw)),
        ),
    ]


def question_rows() -> list[Row]:
    sets = Sets()
    asked = questions(sets)
    truths: dict[tuple[str, int], Answer] = {}

    def asked_of(system: Answering) -> list[Figures]:
        try:
            return [_figures(system, one, truths) for one in asked]
        finally:
            system.close()

    figures: dict[str, list[Figures]] = {}
    with work_folder() as plant:
        ours = SYSTEMS[OURS](plant / "data", sets.paths, for_questions=True)
        loaded = _loaded_row(ours, sets)
        figures[OURS] = asked_of(ours)
        figures[OURS_HTTP] = asked_of(LianjiHttp(plant, sets.paths))
    for name in (*IN_PROCESS, *OVER_HTTP):
        with work_folder() as folder:
            rival = SYSTEMS[name](folder, sets.paths, for_questions=True)
            _load(rival, sets)
            figures[name] = asked_of(rival)
    return [loaded, *_rows(asked, figures, sets.samples)]


def _loaded_row(ours: System, sets: Sets) -> Row:
    """How long it takes until all that is asked about lies as it will lie for years."""
    started = time.perf_counter()
    _load(ours, sets)
    measure = f"load {sets.samples / 1e6:.1f} M samples, merge and roll up a year of days"
    return Row(measure, time.perf_counter() - started, "s", note="before the questions")


def _load(system: System, sets: Sets) -> None:
    for series, block in sets.blocks():
        system.put(system.prepared(block, series))
    system.flush()
    system.settle()


def _figures(
    system: Answering, asked: Asked, truths: dict[tuple[str, int], Answer], draws: int = DRAWS
) -> Figures:
    """The first asking is checked and not counted: it opens what a plant at work has open."""
    figures = Figures()
    for draw in range(draws + 1):
        if draw > DRAWS_LEAST and sum(figures.ms) > ASKED_S_MAX * 1000:
            break
        started = time.perf_counter()
        told = asked.ask(system, draw)
        elapsed_ms = (time.perf_counter() - started) * 1000
        if told is None:
            return Figures(offered=False)
        if draw:
            figures.ms.append(elapsed_ms)
        if draw < CHECKED:
            figures.check(asked, told(), _truth(asked, draw, truths))
    return figures


def _truth(asked: Asked, draw: int, truths: dict[tuple[str, int], Answer]) -> Answer:
    """Worked out for the first system that is asked, and kept for the others."""
    key = asked.measure, draw
    if key not in truths:
        truths[key] = asked.truth(draw)
    return truths[key]


def _rows(asked: list[Asked], figures: dict[str, list[Figures]], samples: int) -> list[Row]:
    """In process beside in process, over HTTP beside over HTTP."""
    pairs = [(OURS, rival) for rival in IN_PROCESS] + [(OURS_HTTP, rival) for rival in OVER_HTTP]
    return [
        _row(one, samples, (ours, figures[ours][number]), (rival, figures[rival][number]))
        for number, one in enumerate(asked)
        for ours, rival in pairs
    ]


def _row(asked: Asked, samples: int, mine: tuple[str, Figures], theirs: tuple[str, Figures]) -> Row:
    over_http = mine[0] == OURS_HTTP
    told = "; ".join(f"{name}: {figures.told()}" for name, figures in (mine, theirs))
    return quicker(
        f"{asked.measure}{', HTTP' if over_http else ''}",
        mine[1].percentile(50),
        "ms",
        (asked.goal_http if over_http else "") or asked.goal,
        theirs[0],
        theirs[1].percentile(50),
        f"{told}; of {samples / 1e6:.1f} M samples",
    )
