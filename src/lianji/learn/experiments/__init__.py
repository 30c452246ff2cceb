"""Experiments: what was tried, with which parameters and data, what came of it and what it cost.

    experiments = Experiments(folder)
    with experiments.begin("kiln-nox", parameters={"depth": 6}) as run:
        run.log_metrics({"loss": 0.3}, step=1)
        run.artefact(path)

A run is ``<folder>/<experiment>/<run>/``: ``run.json``, replaced as a whole; ``metrics.jsonl``,
only appended to; ``artefacts/``. Whether it runs is nowhere written: it has an end, or a living
process holds its lock, or it is broken off.
"""

from lianji.learn.experiments.comparing import Comparison, compare
from lianji.learn.experiments.experiments import Experiments
from lianji.learn.experiments.record import DataUsed, Found, RunRecord, State
from lianji.learn.experiments.run import Run

__all__ = [
    "Comparison",
    "DataUsed",
    "Experiments",
    "Found",
    "Run",
    "RunRecord",
    "State",
    "compare",
]
