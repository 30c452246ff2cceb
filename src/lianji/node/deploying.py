"""The models that run in a plant: one task for all, at the plant's door for samples.

A plant without models pays a look at two folders every few seconds; ONNX Runtime is loaded with the
first one that runs. Doubt takes a model back by itself; why is kept in the ledger and shown.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import structlog

from lianji.base.clock import monotonic_s, now_us
from lianji.base.errors import InputError, LianjiError, Text
from lianji.learn.models.trusted import FILE
from lianji.node.deploying_faults import doubted_model, no_model, unreadable_models

if TYPE_CHECKING:
    from lianji.learn.deployment.running import RunningModel
    from lianji.learn.deployment.runtime import Runtime, Stepped
    from lianji.learn.deployment.shown import Shown
    from lianji.learn.deployment.stages import Stage
    from lianji.node.deployed import DeployedModels
    from lianji.node.plant import Plant
    from lianji.node.told.bundles import Bundles
    from lianji.relay.messages.inbox import Work

LOOK_S = 3.0
PENDING_S = 60.0
IDLE_S = 1.0
SOON_S = 0.02
ORIGIN = "models"
_log = structlog.get_logger(__name__)


class Deploying:
    """What the page is handed; see ``web.ports_deploying``. All but ``run`` block."""

    def __init__(self, plant: Plant) -> None:
        self._plant = plant
        self._folder = plant.folder.root / "models"
        self._data = plant.folder.data / "deployed"
        self._lock = threading.RLock()
        self._deployed: DeployedModels | None = None
        self._runtime: Runtime | None = None
        self._synced = -1
        self._problems: dict[str, LianjiError] = {}
        """Of versions that could not be opened, or that stopped."""
        self._refused: dict[str, tuple[tuple[int, int], LianjiError | None]] = {}
        self._keys: tuple[int, int] | None = None
        """The file of trusted keys as it was last looked at."""
        self._wrong_keys: list[LianjiError] = []
        self._failed: LianjiError | None = None
        self._pending_s = monotonic_s()

    # -- what the web asks -------------------------------------------------------------------

    def any(self) -> bool:
        """Quick."""
        return (self._data / "ledger.json").exists()

    def listed(self) -> list[Shown]:
        if not self.any():
            return []
        with self._lock:
            return self._opened().listed(self._running(), self._problems)

    def found(self, name: str, version: int) -> Shown:
        """Raises NotFound."""
        if not self.any():
            raise no_model(name, version)
        with self._lock:
            return self._opened().shown(name, version, self._running(), self._problems)

    def take(self, content: bytes, by: str, vouched: bool = False) -> Shown:
        """Raises InputError, Conflict with what is wrong with the bundle, StorageError."""
        with self._lock:
            card = self._opened().take(content, by, vouched).card
            _log.info("model-taken", model=card.name, version=card.version, by=by)
            return self._opened().shown(card.name, card.version)

    def move(self, name: str, version: int, stage: Stage, by: str) -> Shown:
        """Raises NotFound, Conflict, InputError where the model cannot be run."""
        with self._lock:
            self._opened().move(name, version, stage, by)
            _log.info("model-moved", model=name, version=version, stage=stage, by=by)
            self._sync()
            return self.found(name, version)

    def take_told(self, work: Work, bundles: Bundles) -> dict[str, Any]:
        """A bundle that the hub sent: kept as a file, and taken in. Raises LianjiError."""
        done = bundles.store(work)
        place = self._plant.folder.relay / "bundles" / str(done["stored"])
        content = place.read_bytes()
        if work.resumed and self._opened().has(sha256(content).hexdigest()):
            return done
        vouched = self._plant.configuration.settings.models.trust_hub
        try:
            shown = self.take(content, "hub", vouched)
        except LianjiError:
            place.unlink(missing_ok=True)
            raise
        return {**done, "model": f"{shown.name}@{shown.version}", "stage": shown.stage}

    def problems(self) -> list[LianjiError]:
        """Refused files, wrong lines of trusted keys, versions that cannot run, standing doubts."""
        found = [error for _, error in list(self._refused.values()) if error is not None]
        found += self._wrong_keys
        found += list(self._problems.values()) + ([self._failed] if self._failed else [])
        for one in list(self._running().values()):
            found += [
                doubted_model(one.name, a.text, one.stage)
                for a in list(one.watch.standing.values())
            ]
        return found

    def report(self) -> list[dict[str, Any]]:
        """For the hub: what runs, how it is, and why something was taken back."""
        return [
            {
                "name": one.name,
                "version": one.version,
                "stage": one.stage,
                "state": one.state,
                "outside_share": one.outside_share,
                "bias": one.bias,
                "error": one.error,
                "alarms": [alarm.model_dump() for alarm in one.alarms],
                "problem": one.problem.model_dump() if one.problem else None,
                "taken_back": next(
                    (move.why.model_dump() for move in one.moves[:1] if move.by_itself), None
                ),
            }
            for one in self.listed()[:100]
        ]

    # -- the task ----------------------------------------------------------------------------

    async def run(self) -> None:
        """Until cancelled; then what was learnt is on disk."""
        looked_s = float("-inf")
        try:
            while True:
                if monotonic_s() - looked_s >= LOOK_S:
                    looked_s = monotonic_s()
                    await asyncio.to_thread(self._told(self._look))
                await self._once()
                await asyncio.sleep(self._pause_s())
        finally:
            self._told(self._save_all)()

    async def _once(self) -> None:
        if self._runtime is None:
            return
        try:
            stepped = await asyncio.to_thread(self._step, now_us())
            if stepped.paths:
                await self._append(stepped)
            if stepped.alarms or stepped.stopped:
                await asyncio.to_thread(self._judge, stepped)
            await asyncio.to_thread(self._save)
            self._failed = None
        except (LianjiError, OSError) as error:
            self._fail(error)

    def _step(self, time_us: int) -> Stepped:
        with self._lock:
            assert self._runtime is not None
            return self._runtime.step(time_us)

    async def _append(self, stepped: Stepped) -> None:
        index = np.arange(len(stepped.paths), dtype=np.int32)
        await self._plant.append(
            stepped.paths, index, stepped.times_us, stepped.values, stepped.quality, None, ORIGIN
        )

    def _pause_s(self) -> float:
        due = self._runtime.next_us() if self._runtime is not None else None
        return IDLE_S if due is None else min(max((due - now_us()) / 1e6, SOON_S), IDLE_S)

    def _judge(self, stepped: Stepped) -> None:
        """Alarms and stops: said, and the version taken back where it was speaking."""
        with self._lock:
            for one, alarm in stepped.alarms:
                _log.warning("model-alarm", model=one.name, kind=alarm.kind, said=alarm.text.en)
                self._roll_back(one.card.name, one.card.version, alarm.text)
            for one in stepped.stopped:
                if one.problem is not None:
                    self._stopped(one.card.name, one.card.version, one.problem)
            self._sync()

    def _stopped(self, name: str, version: int, error: LianjiError) -> None:
        _log.warning("model-stopped", model=name, version=version, code=error.code)
        self._problems[f"{name}@{version}"] = error
        if f"{name}@{version}" in self._running():
            self._drop(f"{name}@{version}")
        self._roll_back(name, version, error.cause)

    def _roll_back(self, name: str, version: int, why: Text) -> None:
        stage = self._opened().store.roll_back(name, version, now_us(), why)
        if stage is not None:
            _log.warning("model-rolled-back", model=name, version=version, why=why.en)

    # -- what runs ---------------------------------------------------------------------------

    def _sync(self) -> None:
        """What the ledger says runs, and nothing else."""
        deployed = self._opened()
        while deployed.store.version != self._synced:
            self._synced = deployed.store.version
            self._sync_once(deployed)

    def _sync_once(self, deployed: DeployedModels) -> None:
        from lianji.learn.deployment.stages import RUNNING, Stage

        wanted = set()
        for name, entry in deployed.store.ledger().models.items():
            active = entry.at(Stage.ACTIVE)
            for version, one in entry.versions.items():
                key = f"{name}@{version}"
                if one.stage not in RUNNING:
                    self._problems.pop(key, None)
                    continue
                wanted.add(key)
                self._put(name, version, one.stage, one.since_us, active in (None, version))
        for key in set(self._running()) - wanted:
            self._drop(key)

    def _put(self, name: str, version: int, stage: Stage, since_us: int, alone: bool) -> None:
        key = f"{name}@{version}"
        there = self._running().get(key)
        if there is not None:
            if (there.stage, there.alone) != (stage, alone):
                there.become(stage, alone)
            return
        if key in self._problems:
            return
        try:
            self._opened_runtime().put(self._loaded(name, version, stage, since_us, alone))
        except (LianjiError, OSError) as error:
            problem = error if isinstance(error, LianjiError) else unreadable_models(key, error)
            self._stopped(name, version, problem)

    def _loaded(
        self, name: str, version: int, stage: Stage, since_us: int, alone: bool
    ) -> RunningModel:
        """With what it remembers. Raises InputError where it computes something else by now."""
        from lianji.learn.deployment import kept
        from lianji.learn.deployment.running import RunningModel
        from lianji.learn.models.inference import Model, check_golden

        deployed = self._opened()
        bundle = deployed.store.open(name, version)
        model = Model.open(bundle)
        check_golden(model, bundle.golden)
        deployed.tell_tags(bundle.card)
        site = self._plant.configuration.settings.site.name
        running = RunningModel(bundle.card, model, site, stage, alone)
        kept.resume(running, deployed.store.path(name, version).parent, since_us)
        return running

    def _drop(self, key: str) -> None:
        from lianji.learn.deployment import kept

        assert self._runtime is not None
        gone = self._runtime.drop(key)
        if gone is not None:
            kept.save(gone, self._place(gone), now_us())

    def _running(self) -> dict[str, RunningModel]:
        return self._runtime.models if self._runtime is not None else {}

    def _opened(self) -> DeployedModels:
        if self._deployed is None:
            from lianji.node.deployed import DeployedModels

            plant = self._plant
            self._deployed = DeployedModels(
                plant.folder,
                plant.configuration.settings.site.name,
                plant.tags,
                lambda change: plant.configuring.apply(change, ORIGIN, ORIGIN),
            )
        return self._deployed

    def _opened_runtime(self) -> Runtime:
        if self._runtime is None:
            from lianji.learn.deployment.runtime import Runtime

            self._runtime = Runtime(self._plant.history, self._plant.heard)
        return self._runtime

    # -- the folder, and what is kept --------------------------------------------------------

    def _look(self) -> None:
        """Bundles that somebody put into ``models``; and what the ledger says at the start."""
        if not self._plant.configuring.is_running:
            return
        with self._lock:
            if self._folder.is_dir():
                self._look_at_files()
            if self.any():
                self._sync()

    def _look_at_keys(self) -> None:
        """Whoever is trusted anew may have signed what was refused."""
        path = self._folder / FILE
        found = _stamp(path) if path.is_file() else None
        if found != self._keys:
            self._keys, self._wrong_keys = found, self._opened().wrong_keys()
            self._refused.clear()

    def _look_at_files(self) -> None:
        self._look_at_keys()
        there = {}
        for path in sorted(self._folder.iterdir()):
            if path.suffix == ".txt" or path.name.startswith(".") or not path.is_file():
                continue
            there[path.name] = _stamp(path)
            known = self._refused.get(path.name)
            still = now_us() * 1000 - there[path.name][0] > 1_000_000_000
            if still and (known is None or known[0] != there[path.name]):
                self._refused[path.name] = (there[path.name], self._take_file(path))
        for name in set(self._refused) - set(there):
            del self._refused[name]

    def _take_file(self, path: Path) -> LianjiError | None:
        """Why it was refused, if it was. One that was accepted before is left alone."""
        content = path.read_bytes()
        if self._opened().has(sha256(content).hexdigest()):
            return None
        try:
            self.take(content, f"models/{path.name}")
        except LianjiError as error:
            _log.warning("model-refused", file=path.name, code=error.code)
            cause = Text(f"models/{path.name}: {error.cause.en}",
                         f"models/{path.name}：{error.cause.zh}")  # fmt: skip
            return InputError(error.code, cause, error.remedy)
        return None

    def _place(self, one: RunningModel) -> Path:
        return self._opened().store.path(one.card.name, one.card.version).parent

    def _save(self) -> None:
        """What was learnt since, and once a minute what awaits a label."""
        from lianji.learn.deployment import kept

        everything = monotonic_s() - self._pending_s >= PENDING_S
        if not everything and not any(one.changed for one in self._running().values()):
            return
        with self._lock:
            for one in self._running().values():
                if everything or one.changed:
                    kept.save(one, self._place(one), now_us())
                if everything:
                    kept.save_pending(one, self._place(one))
        if everything:
            self._pending_s = monotonic_s()

    def _save_all(self) -> None:
        self._pending_s = float("-inf")
        if self._runtime is not None:
            self._save()

    def _told(self, do: Callable[[], None]) -> Callable[[], None]:
        """A failure is a problem of the plant and ends nothing."""

        def attempt() -> None:
            try:
                do()
            except (LianjiError, OSError) as error:
                self._fail(error)

        return attempt

    def _fail(self, error: LianjiError | OSError) -> None:
        said = error if isinstance(error, LianjiError) else unreadable_models("models", error)
        if self._failed is None or self._failed.code != said.code:
            _log.warning("models-failed", code=said.code, said=said.cause.en)
        self._failed = said


def _stamp(path: Path) -> tuple[int, int]:
    """When it was changed (ns), and its bytes."""
    found = path.stat()
    return found.st_mtime_ns, found.st_size
