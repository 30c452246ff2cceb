"""The folder of models: ``<name>/<version>/``, each version whole or not there at all.

A version is ``card.json``, ``model.onnx``, ``golden.json`` and ``record.json``, which has their
hashes; signed, also ``model.bundle``. The folder is the truth: there is no table beside it that
could say something else after a crash. Versions are never overwritten and only removed by hand;
the number of one that was removed is not given again.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from pydantic import BaseModel, ConfigDict, Field, ValidationError

from lianji.base.clock import now_us
from lianji.base.drafts import drafting, keep_draft
from lianji.base.durable import write_atomically
from lianji.base.errors import LianjiError
from lianji.learn.models import refusals
from lianji.learn.models.bundle import CARD, GOLDEN, MODEL, Bundle, Golden, json_of, pack
from lianji.learn.models.card import Card
from lianji.learn.models.checking import check_card, check_runs

RECORD, BUNDLE = "record.json", "model.bundle"
NAME = re.compile(r"[a-z0-9][a-z0-9_-]{0,62}")
_LAST = ".last"


class Record(BaseModel):
    """What the registry itself knows of a version."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    registered_us: int
    by: str
    hashes: dict[str, str]
    """SHA-256 of each part by name."""
    artefacts: dict[str, str] = Field(default_factory=dict)
    """What training left, by what it is: "checkpoint" -> where it lies."""


@dataclass(frozen=True, slots=True)
class Registered:
    """A version in the registry, without its weights."""

    card: Card
    record: Record
    folder: Path
    bundle: Path | None
    """The signed file; None for a draft."""

    @property
    def name(self) -> str:
        return self.card.name

    @property
    def version(self) -> int:
        return self.card.version


class Registry:
    """All models of a plant. The folder need not be there yet. Calls raise OSError too."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def names(self) -> list[str]:
        """Those that have a version."""
        found = (one.name for one in self.folder.glob("*") if NAME.fullmatch(one.name))
        return sorted(name for name in found if self.versions(name))

    def versions(self, name: str) -> list[int]:
        """Rising."""
        found = (self.folder / name).glob("*") if NAME.fullmatch(name) else ()
        return sorted(int(one.name) for one in found if one.name.isdecimal())

    def get(self, name: str, version: int | None = None) -> Registered:
        """A version, by default the newest. Raises NotFound, StorageError for a damaged one."""
        versions = self.versions(name)
        wanted = versions[-1] if version is None and versions else version
        if wanted not in versions or wanted is None:
            raise refusals.unknown(name, version, versions, self.names())
        return self._read(name, wanted)

    def all_of(self, name: str) -> Iterator[Registered]:
        """All versions that can be read, the newest first."""
        for version in reversed(self.versions(name)):
            with suppress(LianjiError):  # it is told to whoever asks for this one
                yield self.get(name, version)

    def newest(self) -> tuple[list[Registered], list[LianjiError]]:
        """The newest version of each model, and what is wrong with those that are damaged."""
        found, errors = [], []
        for name in self.names():
            try:
                found.append(self.get(name))
            except LianjiError as error:
                errors.append(error)
        return found, errors

    def bundle(self, one: Registered) -> Bundle:
        """With its weights. Raises StorageError if a byte of it is not as it was registered."""
        parts = {name: self._part(one.folder, name) for name in one.record.hashes}
        _check_hashes(one, parts)
        golden = Golden.model_validate_json(parts[GOLDEN])
        return Bundle(one.card, parts[MODEL], golden)

    def register(
        self, draft: Bundle, by: str, artefacts: Mapping[str, str] | None = None
    ) -> Registered:
        """Give the draft the next version of its name, once all of it is durable.

        It is run first: raises InputError for a card, a graph or golden rows that do not fit,
        Busy where another process registers a version of this name.
        """
        check_card(draft.card)
        name = draft.card.name
        with drafting(self.folder / name, lambda: refusals.busy(name)) as folder:
            version = self._next(name)
            card = draft.card.model_copy(update={"version": version})
            numbered = Bundle(card, draft.onnx, draft.golden)
            check_runs(numbered)
            _write(folder, numbered, by, artefacts or {})
            keep_draft(folder, self.folder / name / str(version))
        return self._read(name, version)

    def sign(self, name: str, version: int | None, key: Ed25519PrivateKey) -> Registered:
        """Make the signed file beside the parts; one that is there stays as it is.

        Raises NotFound, StorageError for a damaged version, InputError for an expired card.
        """
        one = self.get(name, version)
        if one.bundle is not None:
            return one
        if one.card.expires_us <= now_us():
            raise refusals.expired(one.card)
        content = pack(self.bundle(one), key)
        write_atomically(one.folder / BUNDLE, content)
        return self._read(one.name, one.version)

    # -- the folder --------------------------------------------------------------------------

    def _read(self, name: str, version: int) -> Registered:
        folder = self.folder / name / str(version)
        try:
            card = Card.model_validate_json(self._part(folder, CARD))
            record = Record.model_validate_json(self._part(folder, RECORD))
        except ValidationError as error:
            raise refusals.damaged(folder, str(error.errors()[0]["msg"])) from error
        bundle = folder / BUNDLE
        one = Registered(card, record, folder, bundle if bundle.is_file() else None)
        if (card.name, card.version) != (name, version) or {*record.hashes} != {
            CARD,
            MODEL,
            GOLDEN,
        }:
            raise refusals.damaged(folder, "its card is of another version")
        _check_hashes(one, {CARD: self._part(folder, CARD)})
        return one

    def _part(self, folder: Path, name: str) -> bytes:
        try:
            return (folder / name).read_bytes()
        except FileNotFoundError as error:
            raise refusals.damaged(folder, f"{name} is missing") from error

    def _next(self, name: str) -> int:
        """A number that no version of this name ever had; noted before it is used."""
        note = self.folder / name / _LAST
        text = note.read_text() if note.exists() else "0"
        last = int(text) if text.strip().isdecimal() else 0
        version = max([last, *self.versions(name)]) + 1
        write_atomically(note, str(version).encode())
        return version


def _write(folder: Path, bundle: Bundle, by: str, artefacts: Mapping[str, str]) -> None:
    parts = {CARD: json_of(bundle.card), MODEL: bundle.onnx, GOLDEN: json_of(bundle.golden)}
    record = Record(
        registered_us=now_us(),
        by=by,
        hashes={name: sha256(content).hexdigest() for name, content in parts.items()},
        artefacts=dict(artefacts),
    )
    for name, content in {**parts, RECORD: json_of(record)}.items():
        write_atomically(folder / name, content)


def _check_hashes(one: Registered, parts: Mapping[str, bytes]) -> None:
    for name, content in parts.items():
        if sha256(content).hexdigest() != one.record.hashes[name]:
            raise refusals.damaged(one.folder, f"{name} is not as it was registered")
