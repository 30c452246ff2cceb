"""What the pages of models are handed."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal, Protocol

from pydantic import BaseModel, Field

from lianji.base.errors import LianjiError
from lianji.learn.models.card import Card

Stage = Literal["draft", "signed", "sent"]


class Sending(BaseModel):
    """A bundle on its way to a plant. Times are microseconds since 1970 UTC."""

    edge: str
    state: str = Field(description="queued, sent, applied, refused, expired or superseded")
    by: str
    created_us: int
    answered_us: int | None
    reason: dict[str, Any] | None = Field(description="Why it was refused: code, cause, remedy.")


class ModelRow(BaseModel):
    """A version of a model."""

    card: Card
    stage: Stage = Field(description="draft, signed, or sent to at least one plant")
    registered_us: int
    by: str = Field(description="Who registered it.")


class Signature(BaseModel):
    owner: str = Field(description="Whose key it is; empty where the signature does not hold.")
    digest: str = Field(description="SHA-256 of the bundle, in hexadecimal digits.")
    bytes: int
    wrong: dict[str, Any] | None = Field(None, description="What is wrong with it, if anything.")


class ModelFound(ModelRow):
    versions: list[ModelRow] = Field(description="All that can be read, the newest first.")
    artefacts: dict[str, str] = Field(description="What training left, and where.")
    signature: Signature | None
    sendings: list[Sending] = Field(description="Of this version, the newest first.")


class ModelsView(Protocol):
    """The plant's models. All but ``any`` block; ``node.models.PlantModels`` says more of each."""

    def any(self) -> bool: ...

    def listed(self) -> tuple[list[ModelRow], list[LianjiError]]:
        """The newest version of each, and what is wrong with those that cannot be read."""
        ...

    def found(self, name: str, version: int | None = None) -> ModelFound:
        """Raises NotFound, StorageError."""
        ...

    def bundle(self, name: str, version: int | None = None) -> tuple[str, bytes]:
        """Name of the file, and the signed bundle. Raises NotFound, InputError, StorageError."""
        ...

    def send(self, name: str, version: int | None, edges: Sequence[str], by: str) -> list[str]:
        """Tell edges of this hub; which. Raises NotFound, InputError, StorageError."""
        ...
