"""Device templates as the page and the API speak of them, and what the web needs for that."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from pydantic import BaseModel, Field

Value = str | int | float


class TemplateVersion(BaseModel):
    """One version of a template."""

    name: str = Field(description="Such as press@3.")
    family: str = Field(description="Such as press: all its versions.")
    parameters: dict[str, Value | None] = Field(description="Defaults; null must be given.")
    tags: int
    machines: list[str] = Field(description="Those that use it.")


class TemplatedMachine(BaseModel):
    """A machine whose file names a template."""

    name: str
    template: str
    defaults: dict[str, Value | None]
    parameters: dict[str, Value] = Field(description="What its own file gives.")
    from_template: list[str] = Field(description="Fields that the template decides.")
    own: list[str] = Field(description="Fields that its own file decides.")


class TemplatesView(Protocol):
    """Templates and their machines. All block. ``node.connecting.template_use`` says more.

    Raise NotFound, InputError.
    """

    def listed(self) -> Sequence[TemplateVersion]: ...

    def difference(self, old: str, new: str) -> str: ...

    def machine(self, name: str) -> TemplatedMachine: ...

    def change_for(self, machines: Sequence[str], template: str) -> Mapping[str, bytes | None]: ...

    def parameters_for(
        self, machine: str, parameters: Mapping[str, Value]
    ) -> Mapping[str, bytes | None]: ...
