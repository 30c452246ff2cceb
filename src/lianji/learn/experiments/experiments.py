"""A folder of experiments: begin runs, take up those that were broken off, find what there is."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from lianji.base.clock import from_us, now_us
from lianji.base.durable import make_folder
from lianji.base.errors import LianjiError
from lianji.learn.experiments import circumstances, faults, lock, metrics
from lianji.learn.experiments.metrics import Series
from lianji.learn.experiments.record import (
    FILE,
    NAME,
    Better,
    Cost,
    DataUsed,
    Found,
    RunRecord,
    Summary,
    read_record,
    write_record,
)
from lianji.learn.experiments.run import ARTEFACTS, Run, plain_parameters


class Experiments:
    """All experiments of a plant, or of anybody who has a folder. It need not be there yet."""

    def __init__(self, folder: Path | str) -> None:
        self.folder = Path(folder)

    def begin(
        self,
        experiment: str,
        *,
        parameters: Mapping[str, object] | None = None,
        data: Sequence[DataUsed] = (),
        run: str = "",
        title: str = "",
        owner: str = "",
        job: str = "",
        device: str = "cpu",
        better: Mapping[str, Better] | None = None,
        code: Path | None = None,
    ) -> Run:
        """Begin a run. With the name of one that was broken off it is taken up again: its metrics
        stay, and its cost adds up.

        ``device`` is what it computes on; ``better`` says of metrics whether low or high is good;
        ``code`` is the folder of the code, by default the current one. Raises InputError (a name
        that is none, a run that has ended), Busy (another process has it), StorageError, OSError.
        """
        for name in (experiment, run) if run else (experiment,):
            if not NAME.fullmatch(name):
                raise faults.bad_name(name)
        folder = self._made(experiment, run)
        held = lock.take(folder)
        if held is None:
            raise faults.run_alive(folder.name)
        try:
            told = _beginning(
                experiment,
                folder.name,
                device,
                code,
                title=title,
                owner=owner,
                job=job,
                parameters=plain_parameters(parameters or {}),
                data=list(data),
                better=dict(better or {}),
            )
            record = _taken_up(folder, told)
            write_record(folder, record)
            return Run(folder, record, held)
        except BaseException:
            held.release()
            raise

    def names(self) -> list[str]:
        """Those that have a run."""
        found = (one.name for one in self.folder.glob("*") if NAME.fullmatch(one.name))
        return sorted(name for name in found if next(self._folders(name), None))

    def runs(self, experiment: str) -> list[Found]:
        """The newest first, without those whose record is damaged. Raises NotFound."""
        return self.read(experiment)[0]

    def read(self, experiment: str) -> tuple[list[Found], list[LianjiError]]:
        """The runs, the newest first, and what is wrong with those that cannot be read. Raises
        NotFound."""
        if not NAME.fullmatch(experiment):
            raise faults.unknown(experiment, self.names())
        found: list[Found] = []
        damaged: list[LianjiError] = []
        for folder in self._folders(experiment):
            try:
                found.append(self._found(folder))
            except LianjiError as error:
                damaged.append(error)
        if not found and not damaged:
            raise faults.unknown(experiment, self.names())
        found.sort(key=lambda one: (one.record.began_us, one.run), reverse=True)
        return found, damaged

    def find(self, experiment: str, run: str) -> Found:
        """Raises NotFound, StorageError."""
        return self._found(self.path(experiment, run))

    def series(self, experiment: str, run: str, metric: str) -> Series | None:
        """A metric by step; None where the run has none of it. Raises NotFound."""
        lines = metrics.read_lines(self.path(experiment, run) / metrics.FILE)
        return metrics.series_of(lines, metric).get(metric)

    def artefact(self, experiment: str, run: str, name: str) -> Path:
        """The file. Raises NotFound."""
        known = {one.name for one in self.find(experiment, run).record.artefacts}
        path = self.path(experiment, run) / ARTEFACTS / name
        if name not in known or not path.is_file():
            raise faults.unknown_artefact(run, name)
        return path

    def path(self, experiment: str, run: str) -> Path:
        """Of a run. Raises NotFound."""
        if not NAME.fullmatch(experiment) or not next(self._folders(experiment), None):
            raise faults.unknown(experiment, self.names())
        path = self.folder / experiment / run
        if not NAME.fullmatch(run) or not (path / FILE).is_file():
            raise faults.unknown_run(experiment, run)
        return path

    def _made(self, experiment: str, run: str) -> Path:
        home = self.folder / experiment
        make_folder(home.resolve())
        if run:
            make_folder((home / run).resolve())
            return home / run
        while True:
            folder = home / f"{from_us(now_us()):%Y%m%d-%H%M%S}-{os.urandom(2).hex()}"
            if not folder.exists():
                make_folder(folder.resolve())
                return folder

    def _folders(self, experiment: str) -> Iterator[Path]:
        return (
            one
            for one in (self.folder / experiment).glob("*")
            if NAME.fullmatch(one.name) and (one / FILE).is_file()
        )

    def _found(self, folder: Path) -> Found:
        alive = lock.is_held(folder)  # before the record: what ends meanwhile is found ended
        record = read_record(folder)
        if record.end is not None:
            return Found(record, record.end, record.metrics, record.cost.seconds)
        lines = list(metrics.read_lines(folder / metrics.FILE))
        short: dict[str, Summary] = metrics.summaries_of(lines)
        if alive:
            return Found(record, "running", short, _seconds(record, now_us()))
        last_us = max((line.time_us for line in lines), default=0)
        return Found(record, "broken off", short, _seconds(record, last_us))


def _beginning(experiment: str, run: str, device: str, code: Path | None, **told: Any) -> RunRecord:
    began_us = now_us()
    return RunRecord(
        experiment=experiment,
        run=run,
        began_us=began_us,
        attempt_us=began_us,
        code=circumstances.code_of(code or Path.cwd()),
        machine=circumstances.machine(),
        cost=Cost(device=device),
        **told,
    )


def _seconds(record: RunRecord, until_us: int) -> float:
    """What an unfinished run took, as far as anybody knows."""
    since_s = max(0.0, (until_us - record.attempt_us) / 1e6)
    return max(record.cost.seconds, record.before_s + since_s)


def _taken_up(folder: Path, told: RunRecord) -> RunRecord:
    """What is told of a run that begins, upon what is there of it already."""
    try:
        there = read_record(folder)
    except FileNotFoundError:
        return told
    if there.end is not None:
        raise faults.run_over(there.run, there.end)
    lines = metrics.read_lines(folder / metrics.FILE)
    took_s = _seconds(there, max((line.time_us for line in lines), default=0))
    return there.model_copy(
        update={
            "attempt_us": told.attempt_us,
            "attempts": there.attempts + 1,
            "before_s": took_s,
            "cost": there.cost.model_copy(update={"seconds": took_s}),
            "parameters": there.parameters | told.parameters,
            "data": told.data or there.data,
            "code": told.code,
            "machine": told.machine,
            "better": there.better | told.better,
        }
    )
