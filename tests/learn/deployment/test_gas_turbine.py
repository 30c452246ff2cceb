"""A model of a gas turbine's NOx that ages: of 2011-13, run over 2014-15, labels a day late."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from lianji.learn.deployment.replay import replay
from lianji.learn.models.bundle import Golden
from lianji.learn.models.inference import Model
from tests.learn.deployment.models import START_US, MemoryHistory, bundle, card, linear
from tests.peers import need_data

COLUMNS = ("AT", "AP", "AH", "AFDP", "GTEP", "TIT", "TAT", "TEY", "CDP")
HOUR_US = 3_600_000_000
DAY_US = 24 * HOUR_US


def years(*wanted: int) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    files = [need_data("gas_turbine_emissions", f"gt_{year}.csv") for year in wanted]
    tables = [np.genfromtxt(file, delimiter=",", names=True) for file in files]
    rows = [np.column_stack([table[name] for name in COLUMNS]) for table in tables]
    return np.vstack(rows), np.concatenate([table["NOX"] for table in tables])


def test_labels_a_day_late_keep_an_ageing_model_honest() -> None:
    x, y = years(2011, 2012, 2013)
    whole = np.column_stack([x, np.ones(len(x))])
    *weights, offset = np.linalg.lstsq(whole, y, rcond=None)[0].tolist()
    half = float(np.quantile(np.abs(y - whole @ [*weights, offset]), 0.9))
    of = card(
        name="nox",
        period_s=3600,
        inputs=[
            {"name": name, "tag": f"gt/{name}", "low": x[:, n].min(), "high": x[:, n].max()}
            for n, name in enumerate(COLUMNS)
        ],
        outputs=[
            {"name": "nox", "tag": "gt/soft/nox", "half_width": half, "label": "gt/NOX",
             "label_delay_s": 86_400}
        ],
        correction={"forgetting": 0.95, "limit": 60},
        drift={"bias": 4.0},
    )  # fmt: skip
    onnx = linear([[weight] for weight in weights], [offset])
    model = Model.open(bundle(of, onnx=onnx, golden=Golden(inputs=[], outputs=[])))
    later, truth = years(2014, 2015)
    memory = MemoryHistory()
    times = START_US + np.arange(len(later)) * HOUR_US
    for number, name in enumerate(COLUMNS):
        memory.put({f"gt/{name}": later[:, number]}, times)
    memory.put({"gt/NOX": truth}, times)
    end = int(times[-1]) + 1
    found = replay(of, model, memory.history, START_US, end, memory.heard)
    [figures] = found.figures
    assert found.runs == figures.labels == len(later)
    assert figures.coverage is not None
    assert 0.87 <= figures.coverage <= 0.93
    assert figures.mae is not None
    assert figures.mae_raw is not None
    assert figures.mae < 0.6 * figures.mae_raw
    assert found.alarms[0].time_us - START_US < 7 * DAY_US
    print(figures, found.alarms[0])
