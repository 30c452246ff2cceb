"""Save and restore the state of a training.

``save`` copies the state into a slot (the barrier), and a thread of its own makes it durable while
the training goes on. A save that failed is told by the next ``save`` or ``wait``; it never passes
for a good one, and older ones stay as they were.
"""

from __future__ import annotations

import warnings
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Literal

from lianji.base.errors import LianjiError, StorageError
from lianji.learn.checkpoint import faults, manifest, reading, writing
from lianji.learn.checkpoint.folder import Folder
from lianji.learn.checkpoint.image import Image, laid_out
from lianji.learn.checkpoint.manifest import Chunk, Manifest, Section
from lianji.learn.checkpoint.pending import Mark, Pending
from lianji.learn.checkpoint.slots import Slot, Slots
from lianji.learn.checkpoint.tree import Flat, flatten
from lianji.learn.checkpoint.worker import Worker

READ_THREADS_MIN = 3
"""One more than two reads a disk likes to have under way: one is hashing or copying."""


@dataclass(frozen=True, slots=True)
class _Job:
    pending: Pending
    flat: Flat
    image: Image
    slot: Slot


class Checkpointer:
    """Checkpoints of one training in one folder. One thread saves; any may wait.

    ``keep``: how many stay. ``mode``: ``eager`` copies the state before ``save`` returns; ``lazy``
    copies it beside the forward and backward pass, and ``barrier`` (or ``guard``) must be called
    before the state changes. ``threads`` write; ``store`` is an obstore store that checkpoints are
    sent to as well.
    """

    def __init__(
        self,
        folder: str | Path,
        *,
        keep: int = 3,
        mode: Literal["eager", "lazy"] = "eager",
        threads: int = 2,
        store: Any = None,
    ) -> None:
        """Reads and writes nothing yet. Raises InputError."""
        if keep < 1 or threads < 1 or mode not in ("eager", "lazy"):
            raise faults.bad_argument(
                "keep and threads are 1 or more, mode is eager or lazy",
                "keep 和 threads 须不小于 1，mode 须为 eager 或 lazy",
            )
        self.folder = Folder(Path(folder))
        self.keep, self.mode, self.threads = keep, mode, threads
        self._slots = Slots()
        self._sources: list[reading.Source] = [self.folder]
        self._known: dict[tuple[str, int], Chunk] = {}
        self._verified: set[str] = set()
        self._damaged: set[str] = set()
        self._untold: list[Pending] = []
        self._copying: Pending | None = None
        self._copier, self._saver = Worker(), Worker()
        self._uploads = None
        if store is not None:
            from lianji.learn.checkpoint.upload import Uploads

            self._uploads = Uploads(self.folder, store, keep)
            self._sources.append(self._uploads.store)

    # -- saving --------------------------------------------------------------------------------

    def prepare(self, state: Mapping[Any, Any]) -> None:
        """Have the memory of both slots ready, so that the first save is as quick as the others."""
        self._slots.prepare(laid_out([leaf.bytes for leaf in flatten(state).leaves]).bytes)

    def save(self, state: Mapping[Any, Any], step: int) -> Pending:
        """Begin to save; what it gives back tells when it is durable.

        ``state`` is dicts, lists and tuples of tensors, arrays, numbers, strings and bytes, and of
        objects with state_dict (a model, an optimizer, a loader). Waits while two saves are under
        way. Raises the StorageError of an earlier save that failed, once, and saves nothing then;
        InputError for what cannot be held; Busy if another process saves here.
        """
        if step < 0:
            raise faults.bad_argument(f"step {step} is below zero", f"步数 {step} 小于零")
        self.barrier()
        self._tell_failures()
        self._start()
        flat = flatten(state)
        image = laid_out([leaf.bytes for leaf in flat.leaves])
        job = _Job(Pending(step), flat, image, self._slots.take(image.bytes))
        self._untold.append(job.pending)
        if self.mode == "eager":
            self._fill(job)
        else:
            self._copying = job.pending
            self._copier.do(lambda: self._fill(job))
        return job.pending

    def _start(self) -> None:
        self.folder.lock()
        if self._uploads is not None:
            self._uploads.start()
        self._saver.start()

    def barrier(self) -> None:
        """Wait until the state may change. Raises nothing: a failure is told by the next save."""
        if self._copying is not None:
            copying, self._copying = self._copying, None
            copying.settled("memory")

    def guard(self, optimizer: Any) -> None:
        """Have a torch optimizer wait at ``barrier`` before each of its steps."""
        optimizer.register_step_pre_hook(lambda *_: self.barrier())

    def _tell_failures(self) -> None:
        failed = [one for one in self._untold if one.error is not None and not one.told]
        self._untold = [one for one in self._untold if not one.is_over]
        for one in failed:
            one.told = True
        if failed and (error := failed[0].error) is not None:
            raise error

    def _fill(self, job: _Job) -> None:
        """Copy the state; from then on it may change."""
        try:
            writing.fill(job.slot.memory, job.image, job.flat.leaves, job.flat.values)
        except BaseException as error:
            self._slots.give_back(job.slot)
            eager = self.mode == "eager"
            job.pending.fail(faults.save_failed(job.pending.step, error), silently=eager)
            if self.mode == "eager":
                raise
            return
        job.flat.values.clear()
        job.pending.reach("memory")
        self._saver.do(lambda: self._make_durable(job))

    def _make_durable(self, job: _Job) -> None:
        pending = job.pending
        try:
            told = self._written(job)
        except BaseException as error:
            failed = error if isinstance(error, StorageError) else None
            pending.fail(failed or faults.save_failed(pending.step, error))
            return
        finally:
            self._slots.give_back(job.slot)
        self._verified.add(told.name)
        self._known = writing.known_of(told.chunks, told.name)
        pending.reach("flash")
        if self._uploads is not None:
            self._uploads.send(told, pending)
        self._retain()
        if self._uploads is None:
            pending.reach_last()

    def _written(self, job: _Job) -> Manifest:
        serial_min = 1 if self._uploads is None else self._uploads.serial_min()
        name = self.folder.next_name(job.pending.step, serial_min)
        job.pending.name = name
        draft = self.folder.draft(name)
        try:
            chunks = writing.write(
                draft / manifest.DATA,
                writing.data_name(name),
                job.image,
                lambda _, start: job.slot.memory[start:],
                self._still_there(),
                self.threads,
            )
            section = Section(tuple(job.flat.leaves), job.image.starts, tuple(chunks))
            told = manifest.made(name, job.flat.tree, [section])
            self.folder.commit(told)
        except BaseException:
            self.folder.abandon(name)
            raise
        return told

    def _still_there(self) -> dict[tuple[str, int], Chunk]:
        files = {chunk.file for chunk in self._known.values()}
        there = {file for file in files if self.folder.data(file).is_file()}
        return {key: chunk for key, chunk in self._known.items() if chunk.file in there}

    def _retain(self) -> None:
        """Its failure loses nothing: the checkpoint is good all the same, and the next tries."""
        try:
            self.folder.retain(self.keep, self._verified, self._damaged)
        except OSError as error:
            warnings.warn(
                f"Old checkpoints in {self.folder.path} did not go: {error}", stacklevel=1
            )

    # -- restoring -----------------------------------------------------------------------------

    def restore(self, into: Any = None, step: int | None = None) -> tuple[Any, int]:
        """The newest good checkpoint (of ``step``) as (state, step).

        Every chunk is checked; where one is damaged, the next older is taken. Tensors and arrays in
        ``into`` are filled where they lie, objects with load_state_dict are given their part.
        Looks in the folder first, then in the store. Raises NotFound where no good one is,
        InputError where it does not fit ``into``; after either, what ``into`` holds is undefined.
        """
        bad: list[str] = []
        for source, name in self._candidates(step):
            try:
                told = source.manifest(name)
                threads = max(self.threads, READ_THREADS_MIN)
                state = reading.read_state(source, told, into, threads)
            except StorageError as error:
                bad.append(error.cause.en)
                if source is self.folder:
                    self._is_damaged(name)
                continue
            if source is self.folder:
                self._verified.add(name)
                self._known = writing.known_of(told.chunks, name)
            return state, told.step
        raise faults.none_good(str(self.folder.path), step, bad)

    def _is_damaged(self, name: str) -> None:
        self._damaged.add(name)
        self._verified.discard(name)
        self._known = {}  # nothing new may rest on what is damaged

    def _candidates(self, step: int | None) -> list[tuple[reading.Source, str]]:
        """The newest first; of the same one, the copy in the folder first."""
        found = [
            (-manifest.serial_of(name), place, name)
            for place, source in enumerate(self._sources)
            for name in source.names()
            if step is None or manifest.step_of(name) == step
        ]
        return [(self._sources[place], name) for _, place, name in sorted(found)]

    def names(self) -> list[str]:
        """Of all checkpoints in the folder, the oldest first."""
        return self.folder.names()

    def verify(self) -> dict[str, LianjiError | None]:
        """Read everything: of each checkpoint in the folder what is wrong with it, or None."""
        found: dict[str, LianjiError | None] = {}
        for name in self.folder.names():
            try:
                reading.verify(self.folder, self.folder.manifest(name), self.threads)
                found[name] = None
            except StorageError as error:
                self._is_damaged(name)
                found[name] = error
        return found

    # -- the end -------------------------------------------------------------------------------

    def wait(self, mark: Mark = "flash") -> None:
        """Wait for all saves. Raises the first failure that nobody has been told of."""
        for one in self._untold:
            one.settled(mark)
        self._tell_failures()

    def close(self) -> None:
        """Wait for what is under way, and let another process save here. Raises as ``wait``."""
        try:
            self.barrier()
            self.wait("flash" if self._uploads is None else "store")
        finally:
            self._copier.end()
            self._saver.end()
            if self._uploads is not None:
                self._uploads.end()
            self.folder.unlock()

    def __enter__(self) -> Checkpointer:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()
