"""The models of a plant's folder, whether the plant runs or not: taken in, moved, listed, replayed.

Trusted keys lie in ``models/trusted.txt``, accepted bundles in ``data/deployed``. What a model may
write is in ``tags/models.csv`` like any other tag, so that charts, search and alarms know it.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from lianji.base.clock import now_us
from lianji.base.durable import make_folder, write_atomically
from lianji.base.errors import LianjiError
from lianji.dictionary.tag import Tag
from lianji.dictionary.tag_table import read_table, table_bytes
from lianji.learn.deployment.admission import Admitted, Grounds, admit, signer_of
from lianji.learn.deployment.home import Home
from lianji.learn.deployment.outcome import tags_of
from lianji.learn.deployment.running import RunningModel
from lianji.learn.deployment.shown import Shown, shown
from lianji.learn.deployment.stages import Stage
from lianji.learn.deployment.store import Deployments
from lianji.learn.models.bundle import Bundle, unpack
from lianji.learn.models.card import Card
from lianji.node.folder import PlantFolder
from lianji.node.models import PlantModels

if TYPE_CHECKING:
    from lianji.learn.deployment.replay import Replayed

TABLE = "models.csv"
HUB = "hub"
Put = Callable[[Mapping[str, bytes | None]], object]
"""Writes files of the plant, as ``Configuring.apply`` does."""


class DeployedModels:
    """Safe for many threads of one process. All block."""

    def __init__(
        self, folder: PlantFolder, site: str, tags: Callable[[], Sequence[Tag]], put: Put
    ) -> None:
        """``put`` writes a table of tags. Raises StorageError."""
        self._folder, self._site, self._tags, self._put = folder, site, tags, put
        self._home = Home(_name_at_hub(folder), site)
        self.store = Deployments(folder.data / "deployed", self._home)
        self._cards: dict[str, Card] = {}

    def take(self, content: bytes, by: str, vouched: bool = False) -> Bundle:
        """Take a bundle in at the first stage. ``vouched``: whoever signed it is trusted.

        Raises InputError, Conflict with what is wrong with it, StorageError.
        """
        admitted = self.checked(content, vouched)
        self.tell_tags(admitted.bundle.card)
        self.store.keep(admitted, now_us(), by)
        return admitted.bundle

    def checked(self, content: bytes, vouched: bool = False) -> Admitted:
        """Raises InputError, Conflict."""
        keys = {signer_of(content): HUB} if vouched else self.trusted()
        tags = {tag.path: tag for tag in self._tags()}
        grounds = Grounds(tags, self._site, now_us(), self._home)
        return admit(content, keys, self.store.ledger().models, grounds)

    def trusted(self) -> dict[str, str]:
        """Keys by whom they are owned: those that people wrote down, and the plant's own."""
        return PlantModels(self._folder).trusted().keys

    def wrong_keys(self) -> list[LianjiError]:
        """Of each line of the trusted keys that trusts nobody, why."""
        return PlantModels(self._folder).trusted().errors

    def has(self, hashed: str) -> bool:
        """Whether these bytes were accepted."""
        entries = self.store.ledger().models.values()
        return any(one.hash == hashed for entry in entries for one in entry.versions.values())

    def move(self, name: str, version: int, stage: Stage, by: str) -> None:
        """Raises NotFound, Conflict, OSError."""
        self.store.move(name, version, stage, now_us(), by)

    def card(self, name: str, version: int) -> Card:
        """Raises NotFound, InputError, OSError."""
        key = f"{name}@{version}"
        if key not in self._cards:
            self._cards[key] = self.store.open(name, version).card
        return self._cards[key]

    def listed(self, running: Mapping[str, RunningModel] | None = None,
               problems: Mapping[str, Exception] | None = None) -> list[Shown]:  # fmt: skip
        """Every version, the newest of each model first; those whose bundle can still be read."""
        found = []
        for name, entry in sorted(self.store.ledger().models.items()):
            for version in sorted(entry.versions, reverse=True):
                with suppress(LianjiError, OSError):  # a problem of the plant tells of it
                    found.append(self.shown(name, version, running, problems))
        return found

    def shown(self, name: str, version: int, running: Mapping[str, RunningModel] | None = None,
              problems: Mapping[str, Exception] | None = None) -> Shown:  # fmt: skip
        """Raises NotFound."""
        ledger = self.store.ledger()
        one, key = ledger.version(name, version), f"{name}@{version}"
        problem = (problems or {}).get(key)
        return shown(
            self.card(name, version), one, ledger.models[name], (running or {}).get(key), problem  # type: ignore[arg-type]
        )  # fmt: skip

    def replay(
        self, asked: str, start_us: int, end_us: int, samples: object,
        progress: Callable[[int, int], None] = lambda done, of: None,
    ) -> tuple[Card, Replayed]:  # fmt: skip
        """``asked`` is NAME@VERSION or the file of a bundle; ``samples`` is a history."""
        from lianji.learn.deployment.replay import replay
        from lianji.learn.models.inference import Model

        bundle = self.bundle(asked)
        known = set(samples.paths(None))  # type: ignore[attr-defined]
        heard = known.__contains__
        model = Model.open(bundle)
        replayed = replay(bundle.card, model, samples, start_us, end_us, heard, progress)  # type: ignore[arg-type]
        return bundle.card, replayed

    def bundle(self, asked: str) -> Bundle:
        """Raises NotFound, InputError."""
        if Path(asked).is_file():
            return self._home.bundle(unpack(Path(asked).read_bytes(), self.trusted())[0])
        from lianji.learn.deployment.named import parted

        return self.store.open(*parted(asked))

    def tell_tags(self, card: Card) -> None:
        """What the model may write becomes known before it writes, and again if it was deleted."""
        place = self._folder.tags / TABLE
        kept = {tag.path: tag for tag in read_table(place).tags} if place.exists() else {}
        elsewhere = {tag.path for tag in self._tags()} - set(kept)
        wanted = {tag.path: tag for tag in tags_of(card, self._site)}
        merged = kept | {path: tag for path, tag in wanted.items() if path not in elsewhere}
        if merged != kept:
            self._put({f"tags/{TABLE}": table_bytes(merged.values())})


def _name_at_hub(folder: PlantFolder) -> str:
    """Empty for a plant that has joined none, or whose identity is damaged: the relay says so."""
    from lianji.relay.trust.identity import Identity

    with suppress(LianjiError):
        return Identity(folder.relay).edge
    return ""


def put_at_rest(folder: PlantFolder) -> Put:
    """Writes files of a plant that does not run."""

    def put(change: Mapping[str, bytes | None]) -> None:
        for name, content in change.items():
            if content is not None:
                make_folder((folder.root / name).parent.resolve())
                write_atomically(folder.root / name, content)

    return put


def deployed_at_rest(folder: PlantFolder) -> DeployedModels:
    """Of a plant that does not run. Raises NotFound, InputError, StorageError."""
    from lianji.dictionary.tag_ids import TagIds
    from lianji.node.configuration import load_tags

    configuration = load_tags(folder)

    def tags() -> list[Tag]:
        known = configuration.tags
        names = TagIds.open(folder.tag_ids, read_only=True)
        return [*known.values(), *(Tag(path=path) for path in names.paths if path not in known)]

    site = configuration.settings.site.name
    return DeployedModels(folder, site, tags, put_at_rest(folder))
