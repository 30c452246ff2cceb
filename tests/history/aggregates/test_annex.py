"""The standard's own examples, every table of them, result by result.

The annex is informative. Where it contradicts the text of the same edition, which is normative,
we follow the text; each such result is listed here with its reason, and nothing else differs.
"""

from __future__ import annotations

import numpy as np
import pytest

from lianji.history.aggregates import AGGREGATES, process
from tests.history.aggregates.annex import (
    HISTORIANS,
    NOON_US,
    SECOND,
    Expected,
    Table,
    expected,
    grid,
    tables,
)

TABLES = list(tables())

_CONTRADICTIONS: dict[tuple[str, int], dict[int, str]] = {}


def _but(aggregates: str, historians: str, results: str) -> None:
    """Replace results, each told as second=result, for some aggregates and historians."""
    told = {int(s): result for s, _, result in (r.partition("=") for r in results.split())}
    for aggregate in aggregates.split():
        for historian in historians:
            _CONTRADICTIONS.setdefault((aggregate, int(historian)), {}).update(told)


# 60 % of the interval is bad and PercentDataBad is 50: Bad, without a value (5.4.3.2.1).
_but("time_average2 total2", "3", "40=Bc 45=Bc 75=Bc 80=Bc")

# An uncertain 70, that may be used, is above the highest good 30: uncertain (5.4.3.11, Status).
_but("maximum range", "5", "64=30:Uc")
_but("range", "5", "64=0:Uc")
_but("maximum_actual_time", "5", "64=30:Uc@72")

# Calculated is set where samples that are not good made the result uncertain (5.4.3.12).
_but("minimum_actual_time maximum_actual_time", "235", "32=30:Uc@39")
_but("minimum_actual_time maximum_actual_time", "23", "64=60:Uc@72")

# The bound at 80 s rests on an uncertain sample that is to be treated as bad (5.4.3.32): the
# annex itself has it so for Historian 2.
_but("duration_bad", "34", "80=3000:Gcp")
_but("percent_bad", "34", "80=29.997:Gcp")

# MultipleValues is set where several samples have the worst quality, good too (5.4.3.35).
_but("worst_quality worst_quality2", "12345", "16=G:Gcm 48=G:Gcm 80=G:Gcpm")

# Of the bounds only the one at the start counts, and TreatUncertainAsBad does not (5.4.3.36).
_but("worst_quality2", "1", "32=B:Gc 48=N:Gc")
_but("worst_quality2", "2345", "64=u:Gc 80=U:Gcp")


def _true_results(table: Table) -> list[Expected]:
    results = list(table.results)
    if (table.aggregate, table.historian) == ("total", 3):
        # Total always takes slopes (5.4.3.8), which the annex forgets here and not for
        # TimeAverage: up to the end of data the results are those of Historian 2.
        twin = next(t for t in TABLES if (t.aggregate, t.historian) == ("total", 2))
        results[:-2] = twin.results[:-2]
    corrected = _CONTRADICTIONS.get((table.aggregate, table.historian), {})
    for second, told in corrected.items():
        results[second // table.step_s] = expected(told, NOON_US + second * SECOND)
    return results


@pytest.mark.parametrize("table", TABLES, ids=lambda t: f"{t.aggregate}-historian{t.historian}")
def test_results_are_those_of_the_annex(table: Table) -> None:
    example = HISTORIANS[table.historian]
    result = process(
        example.rows(),
        np.array([example.stepped]),
        grid(table.step_s),
        [table.aggregate],
        example.rules,
    )[table.aggregate]
    wanted = _true_results(table)
    assert [hex(s) for s in result.status[0]] == [hex(e.status) for e in wanted]
    values = [e.value for e in wanted]
    assert result.value[0].tolist() == pytest.approx(values, abs=6e-4, nan_ok=True)
    if result.time_us is not None:
        assert result.time_us[0].tolist() == [e.time_us for e in wanted]


def test_the_annex_has_a_table_for_every_aggregate_of_the_standard() -> None:
    shown = {table.aggregate for table in TABLES}
    assert shown == {a.name for a in AGGREGATES.values() if a.standard}
    assert sum(len(table.results) for table in TABLES) == 1358
