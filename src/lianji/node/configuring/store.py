"""The one way to change a plant's files: checked, kept as a version, written as a whole, applied.

The newest version is what the plant means. Files that differ from it were edited by hand; they
become a version too once they are sound, and until then the plant goes on as it is.
"""

from __future__ import annotations

import shutil
import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress

from lianji.base.clock import now_us
from lianji.base.durable import make_folder, sync_folder, write_atomically
from lianji.base.errors import LianjiError
from lianji.node.configuration import Configuration
from lianji.node.configuring.checking import brought, load_files
from lianji.node.configuring.devices_changed import changed_devices
from lianji.node.configuring.difference import unified
from lianji.node.configuring.places import (
    Change,
    Files,
    Stamps,
    changed,
    check_place,
    hash_of,
    read_files,
    stamps,
)
from lianji.node.configuring.refusals import (
    by_hand,
    changed_since,
    edited,
    first,
    overtaken,
)
from lianji.node.configuring.versions import (
    VERSIONS_MAX,
    How,
    Version,
    Versions,
    changes_between,
)
from lianji.node.folder import PlantFolder
from lianji.web.status import Fault

Taken = Callable[[Version, Configuration, bool], None]
"""Told of each version that the plant now is, with what it means and whether it is to be watched;
called in the thread of who brought it."""


class ConfigurationStore:
    """A plant's files and their versions; safe for many threads and several processes.

    All block: call them from a worker thread. ``taken`` makes a running plant become a version.
    """

    def __init__(
        self,
        folder: PlantFolder,
        taken: Taken = lambda version, configuration, watched: None,
        versions_max: int = VERSIONS_MAX,
        starting: bool = False,
    ) -> None:
        """Open the versions, and end what a crash left half-done. Raises StorageError.

        ``starting``: the plant begins with the files as they lie there, sound or not, so they
        are the newest version.
        """
        self._root = folder.root
        self._kept = Versions(folder.versions, versions_max)
        self._taken = taken
        self._lock = threading.RLock()
        self._in_turn = False
        self._known: tuple[dict[str, str], Configuration | None] | None = None
        self._head: Version | None = None
        self.refused: list[LianjiError] = []
        """What is wrong with files that were edited by hand, so that they are not in use."""
        with self._turn():
            for scratch in folder.versions.glob("scratch-*"):
                shutil.rmtree(scratch, ignore_errors=True)
            self._finish_begun()
            self._begin(starting)
            if starting and self.current().rolled_back is not None:
                self._finish_roll_back(self.current())

    # -- asking ------------------------------------------------------------------------------

    def current(self) -> Version:
        """Waits for nobody, so the event loop may ask too."""
        assert self._head is not None
        return self._head

    def files(self) -> Mapping[str, bytes]:
        """What is in use."""
        return self._kept.files(self.current())

    def versions(self) -> Sequence[Version]:
        """Newest first."""
        return self._kept.all()[::-1]

    def version(self, identity: str) -> Version:
        """Raises NotFound."""
        return self._kept.get(identity)

    def difference(self, version: str) -> str:
        """What a version changed, as a unified difference. Raises NotFound."""
        found = self._kept.get(version)
        content = self._kept.content
        return unified((p, content(old), content(new)) for p, (old, new) in found.change.items())

    def difference_of(self, change: Change) -> str:
        """What a change would change."""
        old = self.files()
        return unified((path, old.get(path), change[path]) for path in sorted(change))

    def check(self, change: Change) -> list[LianjiError]:
        """The problems that a change would bring; those that are there already are not told."""
        with self._lock:
            try:
                return self._judged(self.files(), change)[1]
            except LianjiError as error:
                return [error]

    def stamps(self) -> Stamps:
        """The same as long as nobody edits a file and no other process makes a version."""
        newest = self._kept.newest_path()
        found = stamps(self._root)
        if newest is not None:
            found[f"version {newest.name}"] = (0, 0, 0)
        return found

    # -- changing ----------------------------------------------------------------------------

    def apply(
        self,
        change: Change,
        author: str,
        note: str,
        base: str | None = None,
        force: bool = False,
        how: How = "change",
    ) -> Version:
        """Change files; returns the version once it is on disk and the plant is it.

        ``base`` is the version that the change was made from. ``force`` keeps the change whatever
        the devices say of it. Raises Conflict where somebody was quicker, InputError with the
        first problem that the change would bring, StorageError.
        """
        with self._turn():
            self._follow_others()
            head = self.current()
            if base is not None and base != head.id:
                raise overtaken(head)
            files = self._kept.files(head)
            real = {p: c for p, c in change.items() if files.get(p) != c}
            if not real:
                return head
            self._refuse_hand_edits(head, real)
            configuration, problems = self._judged(files, real)
            if problems:
                raise problems[0]
            version = self._next(head, changed(files, real), author, note, how)
            self._write(version, head.files)
            self._become(version, configuration, watched=not force)
            return version

    def undo(self, author: str, version: str | None = None, force: bool = False) -> Version:
        """Take back what a version changed, by default the newest; itself a new version.

        Raises NotFound, Conflict where a later version changed the same files again.
        """
        with self._turn():
            undone = self.current() if version is None else self._kept.get(version)
            if undone.how == "start":
                raise first()
            note = _about(undone)
            return self.apply(self._inverse(undone), author, note, None, force, "undo")

    def restore(self, version: str, author: str, force: bool = False) -> Version:
        """Make the plant what it was at a version. Raises NotFound."""
        with self._turn():
            wanted = self._kept.get(version)
            difference = changes_between(self.current().files, wanted.files)
            change = {path: self._kept.content(new) for path, (_, new) in difference.items()}
            note = _about(wanted)
            return self.apply(change, author, note, None, force, "restore")

    def roll_back(self, version: str, cause: LianjiError) -> Version:
        """Take back a version that broke collection, and note why with it.

        Raises Conflict where a later version changed the same files again.
        """
        with self._turn():
            broken = self._kept.get(version)
            change = self._inverse(broken)
            broken.rolled_back = Fault.of(cause)
            self._kept.write(broken)
            return self._take_back(broken, change)

    def look(self) -> bool:
        """Take what was edited by hand or by another process; True if the plant changed.

        Files that are not sound are left alone and told in ``refused``.
        """
        with self._turn():
            before = self.current().id
            self._follow_others()
            head = self.current()
            files = read_files(self._root)
            if _hashes(files) == head.files:
                self.refused = []
                return head.id != before
            difference = changes_between(head.files, _hashes(files))
            change = {path: files.get(path) for path in difference}
            try:
                configuration, problems = self._judged(self._kept.files(head), change)
            except LianjiError as error:
                self.refused = [by_hand(error)]
                return head.id != before
            if problems:
                self.refused = [by_hand(problem) for problem in problems]
                return head.id != before
            version = self._next(head, files, "", "", "hand")
            self._kept.write(version)
            self._become(version, configuration, watched=True)
            self.refused = []
            return True

    # -- inside ------------------------------------------------------------------------------

    @contextmanager
    def _turn(self) -> Iterator[None]:
        """Alone among threads and processes; a thread may take it again."""
        with self._lock:
            if self._in_turn:
                yield
                return
            with self._kept.turn():
                self._in_turn = True
                try:
                    yield
                finally:
                    self._in_turn = False

    def _judged(self, files: Files, change: Change) -> tuple[Configuration, list[LianjiError]]:
        """What the changed files would mean, and the problems that they bring."""
        for path in change:
            check_place(path)
        old = self._configuration(files)
        new = load_files(changed(files, change), self._kept.folder)
        return new, brought(old, new, changed_devices(old, new).touched)

    def _configuration(self, files: Files) -> Configuration | None:
        """What files mean; None if nothing, since lianji.toml itself is wrong."""
        hashes = _hashes(files)
        if self._known is None or self._known[0] != hashes:
            try:
                self._known = hashes, load_files(files, self._kept.folder)
            except LianjiError:
                self._known = hashes, None
        return self._known[1]

    def _next(self, head: Version, files: Files, author: str, note: str, how: How) -> Version:
        hashes = {path: self._kept.put(content) for path, content in sorted(files.items())}
        return Version(
            id=str(head.number + 1),
            time_us=now_us(),
            author=author,
            note=note,
            how=how,
            files=hashes,
            change=changes_between(head.files, hashes),
        )

    def _write(self, version: Version, before: Mapping[str, str]) -> None:
        self._kept.begin(version)
        self._write_files(version)
        self._kept.write(version)
        self._kept.done()
        self._kept.prune()

    def _write_files(self, version: Version) -> None:
        for path, (_, new) in version.change.items():
            place = self._root / path
            content = self._kept.content(new)
            if content is not None:
                make_folder(place.parent.resolve())
                write_atomically(place, content)
            elif place.exists():
                place.unlink()
                sync_folder(place.parent)

    def _finish_begun(self) -> None:
        """End a change that a crash interrupted; a file that somebody edited since stays so."""
        begun = self._kept.begun()
        if begun is None:
            self._kept.done()
            return
        found = _hashes(read_files(self._root))
        mine = {p: pair for p, pair in begun.change.items() if found.get(p) == pair[0]}
        self._write_files(begun.model_copy(update={"change": mine}))
        self._kept.write(begun)
        self._kept.done()

    def _take_back(self, broken: Version, change: Change) -> Version:
        return self.apply(change, "lianji", _about(broken), None, True, "rollback")

    def _finish_roll_back(self, broken: Version) -> None:
        """A crash came between the verdict on a version and its end."""
        with suppress(LianjiError):
            self._take_back(broken, self._inverse(broken))

    def _begin(self, starting: bool) -> None:
        self._head = head = self._kept.newest()
        files = read_files(self._root)
        if head is not None and (not starting or head.files == _hashes(files)):
            return
        nothing = Version(id="0", time_us=0, files={})
        how: How = "start" if head is None else "hand"
        self._head = self._next(head or nothing, files, "", "", how)
        self._kept.write(self._head)
        self._kept.prune()

    def _follow_others(self) -> None:
        """Become what another process wrote."""
        newest = self._kept.newest()
        if newest is None or self._head is None or newest.number <= self._head.number:
            return
        with suppress(LianjiError):
            configuration = load_files(self._kept.files(newest), self._kept.folder)
            self._become(newest, configuration, watched=newest.how != "rollback")

    def _become(self, version: Version, configuration: Configuration, watched: bool) -> None:
        self._head = version
        self._known = version.files, configuration
        self._taken(version, configuration, watched)

    def _inverse(self, version: Version) -> dict[str, bytes | None]:
        head = self.current()
        again = [p for p, (_, new) in version.change.items() if head.files.get(p) != new]
        if again:
            raise changed_since(version.id, again)
        return {path: self._kept.content(old) for path, (old, _) in version.change.items()}

    def _refuse_hand_edits(self, head: Version, change: Change) -> None:
        """Nobody's edit is written over unseen."""
        for path in change:
            place = self._root / path
            found = hash_of(place.read_bytes()) if place.is_file() else None
            if found != head.files.get(path):
                raise edited(path)


def _about(version: Version) -> str:
    return f"{version.id}: {version.note}" if version.note else version.id


def _hashes(files: Files) -> dict[str, str]:
    return {path: hash_of(content) for path, content in sorted(files.items())}
