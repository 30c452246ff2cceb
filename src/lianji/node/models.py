"""The models of a plant's folder, whether the plant runs or not.

``data/models`` holds the versions and the key that signs them, ``models/trusted.txt`` whom else the
plant trusts. What a hub sent is in its messages and nowhere else. A running plant loads nothing of
this before somebody asks.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING

from lianji.base.clock import now_us
from lianji.base.errors import InputError, LianjiError, Text
from lianji.node.folder import PlantFolder
from lianji.web.ports_models import ModelFound, ModelRow, Sending, Signature, Stage

if TYPE_CHECKING:
    from lianji.learn.models.bundle import Bundle
    from lianji.learn.models.registry import Registered, Registry
    from lianji.learn.models.trusted import Trusted
    from lianji.relay.messages.store import Message

SIGNING_KEY = "signing.pem"
LIVES_US = 7 * 86_400_000_000


@dataclass(frozen=True, slots=True)
class Verified:
    """A bundle whose signature holds and whose graph gives what it should."""

    bundle: Bundle
    owner: str
    deviation: float
    """The largest of the golden rows, as a share of what is allowed."""
    is_expired: bool


class PlantModels:
    """What the page and the command line ask. All block."""

    def __init__(self, folder: PlantFolder) -> None:
        self._folder = folder
        self._place = folder.data / "models"

    @cached_property
    def registry(self) -> Registry:
        from lianji.learn.models.registry import Registry

        return Registry(self._place)

    def any(self) -> bool:
        """Quick, and loads nothing."""
        return any(one.name.isdecimal() for one in self._place.glob("*/*"))

    # -- looking -----------------------------------------------------------------------------

    def listed(self) -> tuple[list[ModelRow], list[LianjiError]]:
        found, errors = self.registry.newest()
        sent = self._sent([one.name for one in found])
        return [_row(one, sent[one.name]) for one in found], errors

    def found(self, name: str, version: int | None = None) -> ModelFound:
        one = self.registry.get(name, version)
        sent = self._sent([name])[name]
        row = _row(one, sent)
        return ModelFound(
            **{field: getattr(row, field) for field in ModelRow.model_fields},
            versions=[_row(other, sent) for other in self.registry.all_of(name)],
            artefacts=one.record.artefacts,
            signature=self._signature(one),
            sendings=[_sending(message) for message in _of(one, sent)],
        )

    def _sent(self, names: Sequence[str]) -> dict[str, Sequence[Message]]:
        """The messages that carried versions of these models, the newest first."""
        if not names or not self._is_hub():
            return {name: [] for name in names}
        from lianji.node.telling import messages_of
        from lianji.relay.messages.kinds import Kind

        with messages_of(self._folder) as messages:
            return {name: messages.named(Kind.BUNDLE, name) for name in names}

    def _is_hub(self) -> bool:
        from lianji.relay.trust.authority import Authority

        return Authority.exists(self._folder.hub)

    def _signature(self, one: Registered) -> Signature | None:
        if one.bundle is None:
            return None
        from lianji.learn.models.bundle import unpack

        content = one.bundle.read_bytes()
        owner, wrong = "", None
        try:
            owner = unpack(content, self.trusted().keys)[1]
        except LianjiError as error:
            wrong = error.as_json()
        digest = sha256(content).hexdigest()
        return Signature(owner=owner, digest=digest, bytes=len(content), wrong=wrong)

    # -- keys --------------------------------------------------------------------------------

    def key(self) -> str:
        """The public key that signs here, made at first use. Raises StorageError."""
        from lianji.learn.models.bundle import key_text
        from lianji.learn.models.keys import signing_key

        return key_text(signing_key(self._place / SIGNING_KEY).public_key())

    def trusted(self) -> Trusted:
        """Of ``models/trusted.txt``, and the plant's own key."""
        from lianji.learn.models.trusted import FILE, read_trusted

        found = read_trusted(self._folder.models / FILE)
        if (self._place / SIGNING_KEY).exists():
            found.keys[self.key()] = self._name()
        return found

    def _name(self) -> str:
        from lianji.node.settings import load_settings

        return load_settings(self._folder.root).site.name

    # -- doing -------------------------------------------------------------------------------

    def register(self, draft: Bundle, by: str, artefacts: Mapping[str, str]) -> Registered:
        """See ``Registry.register``; it is in the audit log."""
        one = self.registry.register(draft, by, artefacts)
        self._note(by, "model-registered", one)
        return one

    def sign(self, name: str, version: int | None, by: str) -> Registered:
        """See ``Registry.sign``; it is in the audit log before anybody can take it."""
        from lianji.learn.models.keys import signing_key

        one = self.registry.get(name, version)
        if one.bundle is None:
            self._note(by, "model-signed", one)
        return self.registry.sign(name, one.version, signing_key(self._place / SIGNING_KEY))

    def bundle(self, name: str, version: int | None = None) -> tuple[str, bytes]:
        """``version`` is by default the newest. Raises InputError for one that is not signed or
        whose file was changed."""
        from lianji.learn.models import refusals
        from lianji.learn.models.bundle import unpack

        one = self.registry.get(name, version)
        if one.bundle is None:
            raise refusals.unsigned(one.name, one.version)
        content = one.bundle.read_bytes()
        unpack(content, self.trusted().keys)
        return f"{one.name}-{one.version}.bundle", content

    def verify(self, file: Path) -> Verified:
        """Look at a bundle as an edge would. Raises InputError, OSError."""
        from lianji.learn.models.bundle import unpack
        from lianji.learn.models.checking import check_card, check_runs

        bundle, owner = unpack(_read(file), self.trusted().keys)
        check_card(bundle.card)
        is_expired = bundle.card.expires_us <= now_us()
        return Verified(bundle, owner, check_runs(bundle), is_expired)

    def send(
        self,
        name: str,
        version: int | None,
        edges: Sequence[str],
        by: str,
        lives_us: int = LIVES_US,
    ) -> list[str]:
        """Tell edges of this hub, by names or patterns; which. It is in the audit log.

        Raises NotFound for an edge or a version that is not there, InputError for a bundle that is
        not signed, was changed or has expired.
        """
        from lianji.learn.models import refusals
        from lianji.node.telling import send
        from lianji.node.told.contents import Told
        from lianji.relay.messages.kinds import Kind

        one = self.registry.get(name, version)
        _, content = self.bundle(one.name, one.version)
        if one.card.expires_us <= now_us():
            raise refusals.expired(one.card)
        told = Told(Kind.BUNDLE, one.name, content)
        sent = send(self._folder, list(edges), told, by, lives_us)
        self._note(by, "model-sent", one, ", ".join(envelope.edge for envelope in sent))
        return [envelope.edge for envelope in sent]

    def _note(self, by: str, what: str, one: Registered, edges: str = "") -> None:
        from lianji.node.state_place import open_state
        from lianji.web.access import audit

        detail = {"model": one.name, "version": one.version} | ({"edges": edges} if edges else {})
        state = open_state(self._folder.root)
        try:
            with state.writing() as connection:
                audit.append(connection, by, what, detail)
        finally:
            state.close()


def _read(file: Path) -> bytes:
    """A file of a size that a bundle may have."""
    from lianji.learn.models.bundle import BYTES_MAX

    if file.stat().st_size > BYTES_MAX:
        raise InputError(
            "bundle-too-large",
            Text(f"{file} is larger than a model bundle may be.", f"{file} 超过模型包的大小上限。"),
            Text("Check that it is the right file.", "请确认文件是否正确。"),
        )
    return file.read_bytes()


def _row(one: Registered, sent: Sequence[Message]) -> ModelRow:
    stage: Stage = "draft" if one.bundle is None else "sent" if _of(one, sent) else "signed"
    return ModelRow(
        card=one.card, stage=stage, registered_us=one.record.registered_us, by=one.record.by
    )


def _of(one: Registered, sent: Sequence[Message]) -> list[Message]:
    """Those that carried this very version."""
    if one.bundle is None or not sent:
        return []
    digest = sha256(one.bundle.read_bytes()).hexdigest()
    return [message for message in sent if message.digest == digest]


def _sending(one: Message) -> Sending:
    return Sending(
        edge=one.edge,
        state=one.state,
        by=one.sender,
        created_us=one.created_us,
        answered_us=one.answered_us,
        reason=one.reason,
    )
