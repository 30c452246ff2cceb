"""The sequence model: a small recurrent network over the last 28 days at one hour, in PyTorch.

Its training saves itself and goes on where it was: killed and started again on a CPU it ends with
the same bits. It names no chip (see ``device``).
"""

from __future__ import annotations

import warnings
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from lianji.learn.training.device import device
from lianji.learn.training.extra import needed
from lianji.learn.training.forecast import Horizon, Series, Spec, ahead_of, finished, unfit
from lianji.learn.training.graphs import IR_VERSION, OPSET
from lianji.learn.training.result import Trained
from lianji.learn.training.season import DAY_S, HISTORY_DAYS, Seen, columns_of, seen_for, true_later
from lianji.learn.training.work import Work

if TYPE_CHECKING:
    from lianji.learn.training.sequence_network import DayByDay

Floats = NDArray[np.float64]
Rows = NDArray[np.float32]
DAYS = 28
EPOCHS, BATCH, RATE, DECAY = 4, 256, 3e-3, 1e-2
SAVE_STEPS = 50
CALIBRATION_SHARE = 6
"""The last sixth of the rows tells how wide the interval is, by a network that never saw it."""


class Batches:
    """Places of rows in an order that is shuffled each epoch, and where it is in that."""

    def __init__(self, rows: int, seed: int) -> None:
        self._random = np.random.default_rng(seed)
        self._rows = rows
        self._order = self._random.permutation(rows)
        self._at = 0
        self.each_epoch = max(rows // BATCH, 1)

    def next(self) -> NDArray[np.intp]:
        if self._at == self.each_epoch:
            self._order, self._at = self._random.permutation(self._rows), 0
        first = self._at * BATCH
        self._at += 1
        return np.asarray(self._order[first : first + BATCH])

    def state_dict(self) -> dict[str, Any]:
        return {"at": self._at, "order": self._order, "random": self._random.bit_generator.state}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        self._at, self._order = state["at"], np.asarray(state["order"])
        self._random.bit_generator.state = state["random"]


def train(work: Work, spec: Spec, series: Series, began_s: float) -> Trained:
    """Called by ``forecast.train``. Raises InputError for a horizon that it cannot, and without
    PyTorch."""
    needed("torch")
    needed("onnx")
    horizon = _horizon(series, spec)
    first = HISTORY_DAYS * DAY_S // series.step_s
    rows = horizon.known(first + horizon.ahead, series.learnt)
    seen = rows[: len(rows) - len(rows) // CALIBRATION_SHARE]
    unseen = rows[len(seen) + horizon.ahead :]
    x, y = horizon.x, horizon.y
    judge = fit(x[seen], y[seen], work.folder / "checkpoints" / "interval", work, 0)
    errors = y[unseen] - foretold(judge, x[unseen])
    network = fit(x[rows], y[rows], work.folder / "checkpoints" / "model", work, 1)
    parameters: dict[str, str | int | float | bool] = {"epochs": EPOCHS, "rate": RATE}
    return finished(work, series, [horizon], exported(network), [errors], parameters, began_s)


def fit(x: Rows, y: Floats, folder: Path, work: Work, place: int) -> DayByDay:
    """A network for ``x`` [rows, columns of ``seen_days``] and ``y`` [rows], on the CPU again.

    Saves to ``folder`` every ``SAVE_STEPS`` and when it is asked to stop; begins where the newest
    checkpoint there ends. Raises Stopped. ``place``: 0 or 1, for the progress.
    """
    import torch

    from lianji.learn.checkpoint import Checkpointer, Randomness
    from lianji.learn.training.sequence_network import DayByDay

    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    with torch.random.fork_rng(devices=[]), Checkpointer(folder, keep=2) as checkpointer:
        torch.manual_seed(1)
        on = device()
        network = DayByDay(float(np.nanmean(y)), float(np.nanstd(y)) or 1.0).to(on)
        batches = Batches(len(y), 1)
        steps = EPOCHS * batches.each_epoch
        optimizer = torch.optim.AdamW(network.parameters(), lr=RATE, weight_decay=DECAY)
        schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, steps)
        state = {"network": network, "optimizer": optimizer, "schedule": schedule,
                 "batches": batches, "random": Randomness()}  # fmt: skip
        done = checkpointer.restore(into=state)[1] if checkpointer.names() else 0
        for step in range(done + 1, steps + 1):
            chosen = batches.next()
            told = network(torch.from_numpy(x[chosen]).to(on))[:, 0]
            loss = (told - torch.from_numpy(y[chosen].astype(np.float32)).to(on)).abs().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            schedule.step()
            if step % SAVE_STEPS == 0 or step == steps or work.stopping.is_set():
                checkpointer.save(state, step).wait()
                work.progress(place * steps + step, 2 * steps, error=float(loss.detach().cpu()))
                work.check_stopping()
    torch.set_num_threads(threads)
    return network.cpu().eval()


def foretold(network: DayByDay, x: Rows) -> Floats:
    """[rows] of ``x`` [rows, columns]."""
    import torch

    with torch.no_grad():
        y = network(torch.from_numpy(np.ascontiguousarray(x)))[:, 0]
    return np.asarray(y.numpy().astype(np.float64))


def exported(network: DayByDay) -> bytes:
    """Its ONNX graph. The older of torch's two exporters is used: the newer writes the paths of
    this machine's source files into the graph, and takes 9 s instead of 1."""
    import torch

    row = torch.zeros(2, DAYS * 3 + 2)
    with warnings.catch_warnings(), TemporaryDirectory() as folder:
        warnings.simplefilter("ignore")
        path = Path(folder) / "model.onnx"
        torch.onnx.export(
            network,
            (row,),
            path,
            input_names=["x"],
            output_names=["y"],
            opset_version=OPSET,
            dynamo=False,
            dynamic_axes={"x": {0: "rows"}, "y": {0: "rows"}},
        )
        return _checked(path.read_bytes())


def _checked(content: bytes) -> bytes:
    import onnx

    model = onnx.load_from_string(content)
    assert model.ir_version <= IR_VERSION, "a newer format than edges are promised"
    for node in model.graph.node:
        node.doc_string = ""
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString(deterministic=True))


def seen_days(ahead: int, step_s: int, zone_s: int) -> list[Seen]:
    """The columns of the network, the oldest day first, then the hour and the weekday."""
    day, hour = DAY_S // step_s, max(3600 // step_s, 1)
    days = [
        Seen(f"{name}-{back}d", "mean", rows, back * day - ahead)
        for back in range(DAYS, 0, -1)
        for name, rows in (("at", 1), ("hour", hour), ("day", day))
    ]
    return days + seen_for(ahead, step_s, zone_s)[-2:]


def _horizon(series: Series, spec: Spec) -> Horizon:
    ahead = ahead_of(spec.horizons[0], series)
    if len(spec.horizons) > 1 or ahead * series.step_s > DAY_S:
        raise unfit("the sequence model has one horizon, of a day at most",
                    "序列模型只支持一个不超过一天的预测时长")  # fmt: skip
    seen = seen_days(ahead, series.step_s, round(spec.utc_offset_h * 3600))
    x = columns_of(series.times_us, series.load, seen, series.step_s)
    return Horizon(ahead, seen, x, true_later(series.load, ahead))
