"""The examples of the standard's annex A, as published with it: data, rules, expected results.

Source: OPC 10000-13 (1.05), annex A.1.1, AggregateExamples.csv as the OPC Foundation publishes it
in its repository UA-Nodeset. Only its numbers are here, in a shorter notation:

    aggregate step_s
    historian result result ...

A result is value:status@second, the value left out if there is none, the second if it is the
interval's start. Statuses: G good, u uncertain, U Uncertain_DataSubNormal, B bad, N Bad_NoData;
then c calculated, i interpolated, p partial, m multiple values. A value may be such a status.
The first archive entry of each historian (12:00:00, Bad_NoData, "Point created") marks that there
is nothing yet, and is no sample: the annex counts it nowhere.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa

from lianji.history.aggregates import Grid, Rules
from lianji.history.rows import Rows

SECOND = 1_000_000
NOON_US = 1_325_505_600_000_000  # 2012-01-02T12:00Z
END_S = 100

GOOD, UNCERTAIN, BAD = 0x0000, 0x4000, 0x8000

_PERIODIC = [(s, float(s), {40: BAD, 70: UNCERTAIN}.get(s, GOOD)) for s in range(10, 100, 10)]
_SECONDS = [2, 25, 28, 39, 42, 48, 52, 72, 77, 83, 86, 90]
_QUALITIES = [UNCERTAIN if s == 77 else BAD if s == 42 else GOOD for s in _SECONDS]


def _uneven(*values: float) -> list[tuple[int, float, int]]:
    return list(zip(_SECONDS, values, _QUALITIES, strict=True))


NONE = float("nan")
_RISING = _uneven(10, 20, 25, 30, NONE, 40, 50, 60, 70, 70, 80, 90)


@dataclass(frozen=True, slots=True)
class Example:
    """A historian's samples (second, value, quality) and how they are to be read."""

    samples: list[tuple[int, float, int]]
    stepped: bool
    rules: Rules

    def rows(self) -> Rows:
        seconds, values, qualities = zip(*self.samples, strict=True)
        return Rows(
            np.zeros(len(seconds), np.int32),
            NOON_US + SECOND * np.array(seconds, np.int64),
            np.where(np.array(qualities) == BAD, np.nan, values),
            np.array(qualities, np.uint16),
            pa.nulls(len(seconds), pa.string()),
        )


HISTORIANS = {
    1: Example(_PERIODIC, False, Rules(treat_uncertain_as_bad=False)),
    2: Example(_RISING, False, Rules(use_sloped_extrapolation=True)),
    3: Example(_RISING, True, Rules(percent_data_bad=50, percent_data_good=50)),
    4: Example(_uneven(1, 0, 1, 1, NONE, 1, 0, 0, 1, 1, 0, 1), True, Rules()),
    5: Example(
        _uneven(10, 20, 10, 30, NONE, 30, 50, 30, 70, 70, 80, 70),
        False,
        Rules(treat_uncertain_as_bad=False),
    ),
}


def grid(step_s: int) -> Grid:
    return Grid(NOON_US, NOON_US + END_S * SECOND, step_s * SECOND)


@dataclass(frozen=True, slots=True)
class Expected:
    """What one interval's result is to be; ``value`` NaN where there is none."""

    value: float
    status: int
    time_us: int


@dataclass(frozen=True, slots=True)
class Table:
    aggregate: str
    step_s: int
    historian: int
    results: list[Expected]


def tables() -> Iterator[Table]:
    """Every table of the annex, one a time."""
    name, step = "", 0
    for line in _TABLES.replace("\n  ", " ").strip().splitlines():
        first, *rest = line.split()
        if first.isdigit():
            results = [expected(told, NOON_US + n * step * SECOND) for n, told in enumerate(rest)]
            yield Table(name, step, int(first), results)
        else:
            name, step = first, int(rest[0])


def expected(told: str, start_us: int) -> Expected:
    told, _, second = told.partition("@")
    value, _, status = told.rpartition(":")
    time_us = NOON_US + round(float(second) * SECOND) if second else start_us
    return Expected(_value(value), status_of(status), time_us)


def _value(told: str) -> float:
    if not told:
        return NONE
    return float(_SEVERITIES[told]) if told in _SEVERITIES else float(told)


_SEVERITIES = {
    "G": 0x0000_0000,
    "u": 0x4000_0000,
    "U": 0x40A4_0000,
    "B": 0x8000_0000,
    "N": 0x809B_0000,
}
_MARKS = {"c": 0x0401, "i": 0x0402, "p": 0x0404, "m": 0x0410}


def status_of(letters: str) -> int:
    status = _SEVERITIES[letters[0]]
    for letter in letters[1:]:
        status |= _MARKS[letter]
    return status


_TABLES = """
interpolative 5
1 N N 10:G 15:Gi 20:G 25:Gi 30:G 35:Ui 40:Ui 45:Ui 50:G 55:Gi 60:G 65:Ui 70:u 75:Ui 80:G 85:Gi
  90:G 90:Ui
2 N 11.304:Gi 13.478:Gi 15.652:Gi 17.826:Gi 20:G 25.909:Gi 28.182:Gi 31.111:Ui 36.667:Ui 45:Gi
  51.5:Gi 54:Gi 56.5:Gi 59:Gi 62.727:Ui 67.273:Ui 76.667:Gi 90:G 102.5:Ui
3 N 10:Gi 10:Gi 10:Gi 10:Gi 20:G 25:Gi 25:Gi 30:Gi 30:Ui 40:Gi 50:Gi 50:Gi 50:Gi 50:Gi 60:Gi 60:Ui
  70:Gi 90:G 90:Ui
5 N 11.3043:Gi 13.4783:Gi 15.6522:Gi 17.8261:Gi 20:G 13.6364:Gi 22.7273:Gi 30:Ui 30:Ui 40:Gi 47:Gi
  42:Gi 37:Gi 32:Gi 54:Ui 70:Ui 76.6667:Gi 70:G 70:Ui
average 5
1 N N 10:Gc N 20:Gc N 30:Gc N N N 50:Gc N 60:Gc N N N 80:Gc N 90:Gc N
2 10:Gc N N N N 22.5:Gc N 30:Gc N 40:Gc 50:Gc N N N 60:Gc N 70:Gc 80:Gc 90:Gc N
3 10:Gc N N N N 22.5:Gc N 30:Gc N 40:Gc 50:Gc N N N 60:Gc N 70:Gc 80:Gc 90:Gc N
5 10:Gc N N N N 15:Gc N 30:Gc N 30:Gc 50:Gc N N N 30:Gc N 70:Gc 80:Gc 70:Gc N
time_average 5
1 N N 12.5:Gc 17.5:Gc 22.5:Gc 27.5:Gc 32.5:Uc 37.5:Uc 42.5:Uc 47.5:Uc 52.5:Gc 57.5:Gc 62.5:Uc
  67.5:Uc 72.5:Uc 77.5:Uc 82.5:Gc 87.5:Gc 90:Ucp N
2 10.652:Ucp 12.391:Gc 14.565:Gc 16.739:Gc 18.913:Gc 23.682:Gc 27.045:Gc 29.384:Uc 33.889:Uc 40:Uc
  49.45:Gc 52.75:Gc 55.25:Gc 57.75:Gc 60.618:Uc 65:Uc 70.515:Uc 83.667:Gc 96.25:Ucp N
3 10.652:Ucp 12.391:Gc 14.565:Gc 16.739:Gc 18.913:Gc 23.682:Gc 27.045:Gc 29.384:Uc 33.889:Uc 40:Uc
  49.45:Gc 52.75:Gc 55.25:Gc 57.75:Gc 60.618:Uc 65:Uc 70.515:Uc 83.667:Gc 90:Ucp N
5 10.6522:Ucp 12.3913:Gc 14.5652:Gc 16.7391:Gc 18.913:Gc 13.7273:Gc 18.1818:Gc 27.0909:Uc 30:Uc
  32:Uc 47.1:Gc 44.5:Gc 39.5:Gc 34.5:Gc 37.6:Uc 66.8:Uc 71.3333:Uc 75.6667:Gc 70:Ucp N
time_average2 5
1 N N 12.5:Gc 17.5:Gc 22.5:Gc 27.5:Gc 30:Gc 30:Gc N N 52.5:Gc 57.5:Gc 62.5:Gc 67.5:Gc 72.5:Gc
  77.5:Gc 82.5:Gc 87.5:Gc 90:Gcp N
2 10.652:Ucp 12.391:Gc 14.565:Gc 16.739:Gc 18.913:Gc 23.682:Gc 27.045:Gc 29.273:Uc Bc 42.5:Uc
  49.45:Gc 52.75:Gc 55.25:Gc 57.75:Gc 59.8:Uc Bc 73.333:Uc 83.667:Gc Bcp N
3 10:Gcp 10:Gc 10:Gc 10:Gc 10:Gc 22:Gc 25:Gc 26:Gc 30:Uc 40:Uc 46:Gc 50:Gc 50:Gc 50:Gc 56:Gc 60:Uc
  70:Uc 78:Gc 90:Gcp N
5 10.6522:Ucp 12.3913:Gc 14.5652:Gc 16.7391:Gc 18.913:Gc 13.7273:Gc 18.1818:Gc 27.0909:Gc 30:Uc
  35:Uc 47.1:Gc 44.5:Gc 39.5:Gc 34.5:Gc 37.6:Gc 66.8:Gc 71.3333:Gc 75.6667:Gc 70:Gcp N
total 5
1 N N 62.5:Gc 87.5:Gc 112.5:Gc 137.5:Gc 162.5:Uc 187.5:Uc 212.5:Uc 237.5:Uc 262.5:Gc 287.5:Gc
  312.5:Uc 337.5:Uc 362.5:Uc 387.5:Uc 412.5:Gc 437.5:Gc 450:Ucp N
2 31.957:Ucp 61.957:Gc 72.826:Gc 83.696:Gc 94.565:Gc 118.409:Gc 135.227:Gc 146.919:Uc 169.444:Uc
  200:Uc 247.25:Gc 263.75:Gc 276.25:Gc 288.75:Gc 303.091:Uc 325:Uc 352.576:Uc 418.333:Gc
  481.25:Ucp N
3 30:Ucp 50:Gc 50:Gc 50:Gc 50:Gc 110:Gc 125:Gc 130:Gc 150:Uc 170:Uc 230:Gc 250:Gc 250:Gc 250:Gc
  280:Gc 300:Uc 320:Uc 390:Gc 450:Ucp N
5 31.9565:Ucp 61.9565:Gc 72.8261:Gc 83.6957:Gc 94.5652:Gc 68.6364:Gc 90.9091:Gc 135.4545:Uc 150:Uc
  160:Uc 235.5:Gc 222.5:Gc 197.5:Gc 172.5:Gc 188:Uc 334:Uc 356.6667:Uc 378.3333:Gc 350:Ucp N
total2 5
1 N N 62.5:Gc 87.5:Gc 112.5:Gc 137.5:Gc 150:Gc 150:Gc N N 262.5:Gc 287.5:Gc 312.5:Gc 337.5:Gc
  362.5:Gc 387.5:Gc 412.5:Gc 437.5:Gc 0.09:Gcp N
2 31.957:Ucp 61.957:Gc 72.826:Gc 83.696:Gc 94.565:Gc 118.409:Gc 135.227:Gc 146.364:Uc Bc 85:Uc
  247.25:Gc 263.75:Gc 276.25:Gc 288.75:Gc 299:Uc Bc 146.667:Uc 418.333:Gc Bcp N
3 30:Gcp 50:Gc 50:Gc 50:Gc 50:Gc 110:Gc 125:Gc 130:Gc 60:Uc 80:Uc 230:Gc 250:Gc 250:Gc 250:Gc
  280:Gc 120:Uc 140:Uc 390:Gc 0.09:Gcp N
5 31.9565:Ucp 61.9565:Gc 72.8261:Gc 83.6957:Gc 94.5652:Gc 68.6364:Gc 90.9091:Gc 135.4545:Gc 60:Uc
  70:Uc 235.5:Gc 222.5:Gc 197.5:Gc 172.5:Gc 188:Gc 334:Gc 356.6667:Gc 378.3333:Gc 0.07:Gcp N
minimum 16
1 10:Gcp 20:Gc N 50:Gc N 80:Gp N
2 10:Gcp 20:Gc 30:Uc 40:G 60:Uc 70:Gcp N
3 10:Gcp 20:Gc 30:Uc 40:G 60:Uc 70:Gcp N
5 10:Gcp 10:Gc 30:Uc 30:G 30:Gc 70:Gcmp N
maximum 16
1 10:Gcp 30:Gc N 60:Gc N 90:Gcp N
2 10:Gcp 25:Gc 30:Uc 50:Gc 60:Uc 90:Gcp N
3 10:Gcp 25:Gc 30:Uc 50:Gc 60:Uc 90:Gcp N
5 10:Gcp 20:Gc 30:Uc 50:Gc 30:Gc 80:Gcp N
minimum_actual_time 16
1 10:Gp@10 20:G@20 N 50:G@50 N 80:Gp N
2 10:Gp@2 20:G@25 30:U@39 40:G 60:U@72 70:Gp@83 N
3 10:Gp@2 20:G@25 30:U@39 40:G 60:U@72 70:Gp@83 N
5 10:Gp@2 10:G@28 30:U@39 30:G 30:G@72 70:Gmp@83 N
maximum_actual_time 16
1 10:Gp@10 30:G@30 N 60:G@60 N 90:Gp@90 N
2 10:Gp@2 25:G@28 30:U@39 50:G@52 60:U@72 90:Gp@90 N
3 10:Gp@2 25:G@28 30:U@39 50:G@52 60:U@72 90:Gp@90 N
5 10:Gp@2 20:G@25 30:U@39 50:G@52 30:G@72 80:Gp@86 N
range 16
1 0:Gcp 10:Gc N 10:Gc N 10:Gcp N
2 0:Gcp 5:Gc 0:Uc 10:Gc 0:Uc 20:Gcp N
3 0:Gcp 5:Gc 0:Uc 10:Gc 0:Uc 20:Gcp N
5 0:Gcp 10:Gc 0:Uc 20:Gc 0:Gc 10:Gcp N
minimum2 16
1 10:Ucp 16:Gi 30:Ui 50:Uc 64:Gi 80:Gp N
2 10:Ucp 16.087:Gi 26.818:Ui 40:G 56:Ui 70:Ucp N
3 10:Gcp 10:Gi 25:Gi 40:G 50:Gi 70:Gcp N
5 10:Ucp 10:Gc 17.2727:Ui 30:G 30:Gc 70:Gimp N
maximum2 16
1 16:Uip 30:Gcm 30:Ui 64:Ui 80:Gc 90:Gcp N
2 16.087:Uip 26.818:Gi 40:Uc 56:Gi 60:Uc 90:Ucp N
3 10:Gcp 25:Gc 30:Gc 50:Gc 60:Gc 90:Gcp N
5 16.087:Uip 20:Gc 30:Ucm 50:Gc 70:Gcm 80:Gcp N
minimum_actual_time2 16
1 10:Up@10 16:Gi 30:Ui 50:U@50 64:Gi 80:Gp N
2 10:Up@2 16.087:Gi 26.818:Ui 40:G 56:Ui 70:Up@83 N
3 10:Gp@2 10:Gi 25:Gi 40:G 50:Gi 70:Gp@83 N
5 10:Up@2 10:G@28 17.2727:Ui 30:G 30:G@72 70:Gimp N
maximum_actual_time2 16
1 16:Uip@15.999 30:Gm@30 30:Ui 64:Ui@63.999 80:Gi@79.999 90:Gp@90 N
2 16.087:Uip@15.999 26.818:Gi@31.999 40:Ui@47.999 56:Gi@63.999 60:U@72 90:Up@90 N
3 10:Gp@2 25:G@28 30:G@39 50:G@52 60:G@72 90:Gp@90 N
5 16.087:Uip@15.999 20:G@25 30:Um@39 50:G@52 70:Gm@77 80:Gp@86 N
range2 16
1 6:Ucp 14:Gc 0:Uc 14:Uc 16:Gc 10:Gcp N
2 6.087:Ucp 10.731:Gc 13.182:Uc 16:Gc 4:Uc 20:Ucp N
3 0:Gcp 15:Gc 5:Gc 10:Gc 10:Gc 20:Gcp N
5 6.087:Ucp 10:Gc 12.7273:Uc 20:Gc 40:Gc 10:Gcp N
count 16
1 1:Gcp 2:Gc B 2:Gc 0:Uc 2:Gcp N
2 1:Gcp 2:Gc 1:Uc 2:Gc 1:Uc 3:Gcp N
3 1:Gcp 2:Gc 1:Gc 2:Gc 1:Gc 3:Gcp N
4 1:Gcp 2:Gc 1:Uc 2:Gc 1:Uc 3:Gcp N
5 1:Gcp 2:Gc 1:Uc 2:Gc 1:Uc 3:Gcp N
duration_in_state_zero 16
1 0:Ucp 0:Gc 0:Uc 0:Uc 0:Gc 0:Gcp N
2 0:Ucp 0:Gc 0:Uc 0:Gc 0:Uc 0:Ucp N
3 0:Gcp 0:Gc 0:Gc 0:Gc 0:Gc 0:Gcp N
4 0:Ucp 3000:Gc 0:Uc 12000:Gc 13000:Uc 4000:Ucp N
5 0:Ucp 0:Gc 0:Uc 0:Gc 0:Gc 0:Gcp N
duration_in_state_non_zero 16
1 6000:Ucp 16000:Gc 0:Uc 14000:Uc 0:Gc 10001:Gcp N
2 14000:Ucp 16000:Gc 10000:Uc 16000:Gc 13000:Uc 7001:Ucp N
3 14000:Gcp 16000:Gc 10000:Gc 16000:Gc 13000:Gc 7001:Gcp N
4 14000:Ucp 13000:Gc 10000:Uc 4000:Gc 0:Uc 3001:Ucp N
5 14000:Ucp 16000:Gc 10000:Uc 16000:Gc 13000:Gc 7001:Gcp N
number_of_transitions 16
1 1:Gcp 2:Gc B 2:Gc 1:Uc 2:Gcp N
2 1:Gcp 2:Gc 1:Uc 2:Gc 1:Uc 3:Gcp N
3 1:Gcp 2:Gc 1:Gc 2:Gc 1:Gc 3:Gcp N
4 1:Gcp 2:Gc 0:Uc 1:Gc 0:Uc 3:Gcp N
5 1:Gcp 2:Gc 1:Uc 1:Gc 2:Uc 2:Gcp N
start 16
1 10:Gp@10 20:G@20 B@40 50:G@50 70:u@70 80:Gp N
2 10:Gp@2 20:G@25 30:G@39 40:G 60:G@72 70:Gp@83 N
3 10:Gp@2 20:G@25 30:G@39 40:G 60:G@72 70:Gp@83 N
5 10:Gp@2 20:G@25 30:G@39 30:G 30:G@72 70:Gp@83 N
end 16
1 10:Gp@10 30:G@30 B@40 60:G@60 70:u@70 90:Gp@90 N
2 10:Gp@2 25:G@28 B@42 50:G@52 70:u@77 90:Gp@90 N
3 10:Gp@2 25:G@28 B@42 50:G@52 70:u@77 90:Gp@90 N
5 10:Gp@2 10:G@28 B@42 50:G@52 70:u@77 70:Gp@90 N
delta 16
1 0:Gcp 10:Gc N 10:Gc N 10:Gcp N
2 0:Gcp 5:Gc 0:Uc 10:Gc 0:Uc 20:Gcp N
3 0:Gcp 5:Gc 0:Uc 10:Gc 0:Uc 20:Gcp N
5 0:Gcp -10:Gc 0:Uc 20:Gc 0:Uc 0:Gcp N
start_bound 16
1 Np 16:Gi 30:Ui N 64:Ui 80:Gp N
2 Np 16.087:Gi 26.818:Gi 40:G 56:Gi Np N
3 Np 10:Gi 25:Gi 40:G 50:Gi Np N
5 Np 16.087:Gi 17.2727:Gi 30:G 38:Gi 70:Uip N
end_bound 16
1 16:Gcp 30:Uc N 64:Uc 80:Gc Np N
2 16.087:Gcp 26.818:Gc 40:Gc 56:Gc N Np N
3 10:Gcp 25:Gc 40:Gc 50:Gc N Np N
5 16.087:Gcp 17.2727:Gc 30:Gc 38:Gc 70:Uc Np N
delta_bounds 16
1 Np 14:Uc N N 16:Uc Np N
2 Np 10.731:Gc 13.182:Gc 16:Gc N Np N
3 Np 15:Gc 15:Gc 10:Gc N Np N
5 Np 1.1858:Gc 12.7273:Gc 8:Gc 32:Uc Np N
duration_good 16
1 6000:Gcp 16000:Gc 0:Gc 14000:Gc 0:Gc 10001:Gcp N
2 14000:Gcp 16000:Gc 10000:Gc 16000:Gc 13000:Gc 7001:Gcp N
3 14000:Gcp 16000:Gc 10000:Gc 16000:Gc 13000:Gc 7001:Gcp N
4 14000:Gcp 16000:Gc 10000:Gc 16000:Gc 13000:Gc 7001:Gcp N
5 14000:Gcp 16000:Gc 10000:Gc 16000:Gc 13000:Gc 7001:Gcp N
duration_bad 16
1 10000:Gcp 0:Gc 8000:Gc 2000:Gc 0:Gc 0:Gcp N
2 2000:Gcp 0:Gc 6000:Gc 0:Gc 3000:Gc 3000:Gcp N
3 2000:Gcp 0:Gc 6000:Gc 0:Gc 3000:Gc 0:Gcp N
4 2000:Gcp 0:Gc 6000:Gc 0:Gc 3000:Gc 0:Gcp N
5 2000:Gcp 0:Gc 6000:Gc 0:Gc 0:Gc 0:Gcp N
percent_good 16
1 37.5:Gcp 100:Gc 0:Gc 87.5:Gc 0:Gc 100:Gcp N
2 87.5:Gcp 100:Gc 62.5:Gc 100:Gc 81.25:Gc 70.003:Gcp N
3 87.5:Gcp 100:Gc 62.5:Gc 100:Gc 81.25:Gc 70.003:Gcp N
4 87.5:Gcp 100:Gc 62.5:Gc 100:Gc 81.25:Gc 70.003:Gcp N
5 87.5:Gcp 100:Gc 62.5:Gc 100:Gc 81.25:Gc 70.003:Gcp N
percent_bad 16
1 62.5:Gcp 0:Gc 50:Gc 12.5:Gc 0:Gc 0:Gcp N
2 12.5:Gcp 0:Gc 37.5:Gc 0:Gc 18.75:Gc 29.997:Gcp N
3 12.5:Gcp 0:Gc 37.5:Gc 0:Gc 18.75:Gc 0:Gcp N
4 12.5:Gcp 0:Gc 37.5:Gc 0:Gc 18.75:Gc 0:Gcp N
5 12.5:Gcp 0:Gc 37.5:Gc 0:Gc 0:Gc 0:Gcp N
worst_quality 16
1 G:Gcp G:Gc B:Gc G:Gc u:Gc G:Gcp N
2 G:Gcp G:Gc B:Gc G:Gc u:Gc G:Gcp N
3 G:Gcp G:Gc B:Gc G:Gc u:Gc G:Gcp N
4 G:Gcp G:Gc B:Gc G:Gc u:Gc G:Gcp N
5 G:Gcp G:Gc B:Gc G:Gc u:Gc G:Gcp N
worst_quality2 16
1 N:Gcp U:Gc B:Gcm N:Gc U:Gcm N:Gcp N
2 N:Gcp G:Gc B:Gc G:Gc N:Gc N:Gcpm N
3 N:Gcp G:Gc B:Gc G:Gc u:Gcm N:Gcp N
4 N:Gcp G:Gc B:Gc G:Gc u:Gcm N:Gcp N
5 N:Gcp G:Gc B:Gc G:Gc u:Gcm N:Gcp N
standard_deviation_population 20
1 0:Gcp 5:Gc 0:Uc 0:Uc 5:Gcp
2 0:Gcp 4.082:Gc 5:Uc 0:Uc 8.165:Gcp
3 0:Gcp 4.082:Gc 5:Uc 0:Uc 8.165:Gcp
5 0:Gcp 8.165:Gc 10:Uc 0:Uc 4.714:Gcp
variance_population 20
1 0:Gcp 25:Gc 0:Uc 0:Uc 25:Gcp
2 0:Gcp 16.667:Gc 25:Uc 0:Uc 66.667:Gcp
3 0:Gcp 16.667:Gc 25:Uc 0:Uc 66.667:Gcp
5 0:Gcp 66.667:Gc 100:Uc 0:Uc 22.222:Gcp
standard_deviation_sample 20
1 0:Gcp 7.071:Gc 0:Uc 0:Uc 7.071:Gcp
2 0:Gcp 5:Gc 7.071:Uc 0:Uc 10:Gcp
3 0:Gcp 5:Gc 7.071:Uc 0:Uc 10:Gcp
5 0:Gcp 10:Gc 14.142:Uc 0:Uc 5.7735:Gcp
variance_sample 20
1 0:Gcp 50:Gc 0:Uc 0:Uc 50:Gcp
2 0:Gcp 25:Gc 50:Uc 0:Uc 100:Gcp
3 0:Gcp 25:Gc 50:Uc 0:Uc 100:Gcp
5 0:Gcp 100:Gc 200:Uc 0:Uc 33.333:Gcp
"""
