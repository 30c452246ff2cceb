"""The standard read aloud: one tag, one interval, plain loops, nothing shared with the code.

Every function takes a tag and an interval [start, end), and tells (value, status letters as in the
annex module), the value None where there is none.
"""

from __future__ import annotations

from collections.abc import Callable
from statistics import fmean, variance

from lianji.history.aggregates import Rules
from tests.history.aggregates.plain_signal import (
    Point,
    Sample,
    Tag,
    interpolated_area,
    interpolated_bound,
    regions,
    simple_bound,
)

Told = tuple[float | None, str]


def letters_by_share(good: float, bad: float, whole: float, rules: Rules) -> str:
    if good * 100 >= whole * rules.percent_data_good:
        return "G"
    return "B" if bad * 100 >= whole * rules.percent_data_bad else "U"


def percent_time(tag: Tag, start: int, end: int, held: bool = False) -> str:
    good = whole = 0
    for r in regions(tag, start, end):
        severity = r.held_severity if held else r.severity
        whole += r.us
        if severity == 0 or (severity == 1 and not tag.rules.treat_uncertain_as_bad):
            good += r.us
    return letters_by_share(good, whole - good, whole, tag.rules)


def percent_values(tag: Tag, start: int, end: int) -> str:
    inside = tag.inside(start, end)
    good = sum(s.severity == 0 for s in inside)
    bad = sum(not tag.usable(s) for s in inside)
    told = letters_by_share(good, bad, len(inside), tag.rules)
    return told if told == "B" else told + "c"


def time_average2(tag: Tag, start: int, end: int) -> Told:
    there = [(r.mean, r.us) for r in regions(tag, start, end) if r.mean is not None]
    held = sum(us for _, us in there)
    if not held:
        return None, "N"
    return sum(m * us for m, us in there) / held, percent_time(tag, start, end) + "c"


def total2(tag: Tag, start: int, end: int) -> Told:
    there = [(r.mean, r.us) for r in regions(tag, start, end) if r.mean is not None]
    if not sum(us for _, us in there):
        return None, "N"
    return sum(m * us for m, us in there) / 1e6, percent_time(tag, start, end) + "c"


def time_average(tag: Tag, start: int, end: int) -> Told:
    area, us, clean = interpolated_area(tag, start, end)
    return (area / us, "Gc" if clean else "Uc") if us else (None, "N")


def total(tag: Tag, start: int, end: int) -> Told:
    area, us, clean = interpolated_area(tag, start, end)
    return (area / 1e6, "Gc" if clean else "Uc") if us else (None, "N")


def interpolative(tag: Tag, start: int, end: int) -> Told:
    bound = interpolated_bound(tag, start, tag.stepped)
    return (None, "N") if bound is None else (bound.value, _bound_letters(bound))


def start_bound(tag: Tag, start: int, end: int) -> Told:
    bound = simple_bound(tag, start)
    return (None, "N") if bound is None else (bound.value, _bound_letters(bound))


def _bound_letters(bound: Point) -> str:
    if not bound.estimated:
        return "Gu"[bound.severity]
    return "GU"[bound.severity] + "i"


def end_bound(tag: Tag, start: int, end: int) -> Told:
    bound = simple_bound(tag, end)
    if bound is None:
        return None, "N"
    return bound.value, _bound_letters(bound)[0] + "c"


def delta_bounds(tag: Tag, start: int, end: int) -> Told:
    first, last = simple_bound(tag, start), simple_bound(tag, end)
    if first is None or last is None:
        return None, "N"
    return last.value - first.value, "Uc" if first.severity or last.severity else "Gc"


def bounded(tag: Tag, start: int, end: int, pick: Callable[..., float]) -> Told:
    """5.4.3.15: samples and simple bounds, the end bound only of slopes."""
    first, last = simple_bound(tag, start), simple_bound(tag, end)
    inner = [Point(s.time_us, s.value, s.severity) for s in tag.inside(start + 1, end)]
    ends = [] if tag.stepped else [last]
    points = [p for p in (first, *inner, *ends) if p is not None and tag.usable(p)]
    if not points:
        return None, "N"
    best = pick(p.value for p in points)
    having = [p for p in points if p.value == best]
    mark = "i" if having[0].estimated else "" if having[0].time_us == start else "c"
    return best, percent_time(tag, start, end) + mark + ("m" if len(having) > 1 else "")


def minimum2(tag: Tag, start: int, end: int) -> Told:
    return bounded(tag, start, end, min)


def maximum2(tag: Tag, start: int, end: int) -> Told:
    return bounded(tag, start, end, max)


def raw_extreme(tag: Tag, start: int, end: int, pick: Callable[..., float]) -> Told:
    """5.4.3.10: of the good samples, which a usable uncertain one must not beat."""
    inside = tag.inside(start, end)
    good = [s for s in inside if s.severity == 0]
    if not good:
        return None, "N"
    best = pick(s.value for s in good)
    having = [s for s in good if s.value == best]
    doubtful = is_doubtful(tag, inside, best, pick)
    letters = "U" if doubtful else "G"
    letters += "c" if doubtful or having[0].time_us != start else ""
    return best, letters + ("m" if len(having) > 1 else "")


def is_doubtful(tag: Tag, inside: list[Sample], best: float, pick: Callable[..., float]) -> bool:
    others = [s.value for s in inside if s.severity == 1 and tag.usable(s)]
    beaten = any(pick(value, best) != best for value in others)
    return beaten or any(not tag.usable(s) for s in inside)


def spread(tag: Tag, start: int, end: int) -> Told:
    low, low_letters = raw_extreme(tag, start, end, min)
    high, high_letters = raw_extreme(tag, start, end, max)
    if low is None or high is None:
        return None, "N"
    return high - low, "Uc" if "U" in low_letters + high_letters else "Gc"


def first_time(tag: Tag, start: int, end: int, pick: Callable[..., float]) -> int:
    """When the best good sample was first reached; the start if there is none."""
    good = [s for s in tag.inside(start, end) if s.severity == 0]
    if not good:
        return start
    best = pick(s.value for s in good)
    return next(s.time_us for s in good if s.value == best)


def count(tag: Tag, start: int, end: int) -> Told:
    good = sum(s.severity == 0 for s in tag.inside(start, end))
    return float(good), percent_values(tag, start, end)


def worst_quality(tag: Tag, start: int, end: int) -> Told:
    return worst([s.quality << 16 for s in tag.inside(start, end)])


def worst_quality2(tag: Tag, start: int, end: int) -> Told:
    """5.4.3.36: with the start bound, for which uncertain is not bad."""
    lenient = Tag(tag.samples, tag.stepped, Rules(treat_uncertain_as_bad=False))
    statuses = [s.quality << 16 for s in tag.inside(start, end)]
    if not any(s.time_us == start for s in tag.samples):
        bound = simple_bound(lenient, start)
        statuses.insert(0, 0x809B0000 if bound is None else (0, 0x40A40000)[bound.severity])
    return worst(statuses)


def worst(statuses: list[int]) -> Told:
    if not statuses:
        return None, "N"
    severity = max(status >> 30 for status in statuses)
    having = [status for status in statuses if status >> 30 == severity]
    return float(having[0]), "Gcm" if len(having) > 1 else "Gc"


def good_ms(tag: Tag, start: int, end: int) -> float:
    return sum(r.us for r in regions(tag, start, end) if r.held_severity == 0) / 1000


def bad_ms(tag: Tag, start: int, end: int) -> float:
    worst = 1 if tag.rules.treat_uncertain_as_bad else 2
    return sum(r.us for r in regions(tag, start, end) if r.held_severity >= worst) / 1000


def whole_ms(tag: Tag, start: int, end: int) -> float:
    return sum(r.us for r in regions(tag, start, end)) / 1000


def in_state(tag: Tag, start: int, end: int, zero: bool) -> Told:
    here = [r for r in regions(tag, start, end) if r.held_severity == 0]
    ms = sum(r.us for r in here if (r.held == 0) == zero) / 1000
    return ms, percent_time(tag, start, end, held=True) + "c"


def average(tag: Tag, start: int, end: int) -> Told:
    good = [s.value for s in tag.inside(start, end) if s.severity == 0]
    return (fmean(good), percent_values(tag, start, end)) if good else (None, "N")


def variance_sample(tag: Tag, start: int, end: int) -> Told:
    inside = tag.inside(start, end)
    good = [s.value for s in inside if s.severity == 0]
    if not good:
        return None, "N"
    spread = variance(good) if len(good) > 1 else 0.0
    return spread, "Gc" if len(good) == len(inside) else "Uc"


def delta(tag: Tag, start: int, end: int) -> Told:
    inside = tag.inside(start, end)
    good = [s for s in inside if s.severity == 0]
    if not good:
        return None, "N"
    whole = inside[0] is good[0] and inside[-1] is good[-1]
    return good[-1].value - good[0].value, "Gc" if whole else "Uc"


def number_of_transitions(tag: Tag, start: int, end: int) -> Told:
    usable = [s for s in tag.samples if tag.usable(s)]
    changes = 0
    for n, s in enumerate(usable):
        if start <= s.time_us < end:
            changes += n == 0 or usable[n - 1].value != s.value
    return float(changes), percent_values(tag, start, end)


MODELS: dict[str, Callable[[Tag, int, int], Told]] = {
    "interpolative": interpolative,
    "average": average,
    "time_average": time_average,
    "time_average2": time_average2,
    "total": total,
    "total2": total2,
    "count": count,
    "minimum": lambda tag, a, b: raw_extreme(tag, a, b, min),
    "maximum": lambda tag, a, b: raw_extreme(tag, a, b, max),
    "range": spread,
    "worst_quality": worst_quality,
    "worst_quality2": worst_quality2,
    "minimum2": minimum2,
    "maximum2": maximum2,
    "start_bound": start_bound,
    "end_bound": end_bound,
    "delta": delta,
    "delta_bounds": delta_bounds,
    "number_of_transitions": number_of_transitions,
    "variance_sample": variance_sample,
    "duration_in_state_zero": lambda tag, a, b: in_state(tag, a, b, True),
    "duration_in_state_non_zero": lambda tag, a, b: in_state(tag, a, b, False),
    "duration_good": lambda tag, a, b: (good_ms(tag, a, b), "Gc"),
    "duration_bad": lambda tag, a, b: (bad_ms(tag, a, b), "Gc"),
    "percent_good": lambda tag, a, b: (good_ms(tag, a, b) / whole_ms(tag, a, b) * 100, "Gc"),
    "percent_bad": lambda tag, a, b: (bad_ms(tag, a, b) / whole_ms(tag, a, b) * 100, "Gc"),
}

NOT_PARTIAL = {"interpolative", "average"}
TOLD_OUT_OF_REACH = {"interpolative"}


def modelled(name: str, tag: Tag, start: int, end: int, cut: bool) -> Told:
    """With what is the same for all: no data out of reach, the partial mark, no bad values."""
    if not tag.samples:
        return None, "N"
    if not tag.in_reach(start, end) and name not in TOLD_OUT_OF_REACH:
        return None, "N"
    value, letters = MODELS[name](tag, start, end)
    if tag.partial(start, end, cut) and name not in NOT_PARTIAL:
        letters += "p"
    return (None if letters[0] in "BN" else value), letters
