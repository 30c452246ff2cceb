"""Which machines use which version of a template, and the files that make them use another.

A machine's own file is changed in the lines that name the template and its parameters; whatever
else a person wrote there stays. What the change means is judged as any change is.
"""

from __future__ import annotations

import tomllib
from collections.abc import Mapping, Sequence
from typing import Any

import tomlkit

from lianji.base.errors import InputError, NotFound, Text
from lianji.base.redaction import HIDDEN, is_secret
from lianji.connect.templates import FOLDER, OWN_KEYS, Templates, used
from lianji.node.configuring.difference import unified
from lianji.node.configuring.running import Configuring
from lianji.node.connecting.files import device_path
from lianji.node.folder import PlantFolder
from lianji.node.template_check import templates_in_use
from lianji.web.template_view import TemplatedMachine, TemplateVersion, Value

Change = dict[str, bytes | None]


class TemplateUse:
    """See ``web.template_view.TemplatesView``. All block."""

    def __init__(self, folder: PlantFolder, configuring: Configuring) -> None:
        self._folder = folder
        self._configuring = configuring

    def listed(self) -> list[TemplateVersion]:
        """Those that can be read, by name and version."""
        templates = Templates(self._folder.templates)
        return [
            TemplateVersion(
                name=one.name,
                family=one.name.partition("@")[0],
                parameters=templates.of(one.name).parameters,
                tags=one.tags,
                machines=one.machines,
            )
            for one in templates_in_use(self._folder)
        ]

    def difference(self, old: str, new: str) -> str:
        """What two versions say differently, as a unified difference. Raises NotFound."""
        files = self._configuring.files()
        pairs = []
        for end in (".toml", ".csv"):
            before, after = (files.get(f"{FOLDER}/{name}{end}") for name in (old, new))
            if before is None and after is None and end == ".toml":
                raise _no_template(new)
            if before != after:
                pairs.append((f"{FOLDER}/{old} .. {new}{end}", before, after))
        return unified(pairs)

    def machine(self, name: str) -> TemplatedMachine:
        """Raises NotFound for a machine without a template, InputError for a wrong one."""
        content = tomllib.loads(self._text(name))
        templates = Templates(self._folder.templates)
        template, _ = used(content, templates, name)
        own = [key for key in content if key not in OWN_KEYS]
        return TemplatedMachine(
            name=name,
            template=template.name,
            defaults=template.parameters,
            parameters={
                key: HIDDEN if is_secret(key) and value else value
                for key, value in content.get("parameters", {}).items()
            },
            from_template=[key for key in template.fields if key not in own],
            own=own,
        )

    def change_for(self, machines: Sequence[str], template: str) -> Change:
        """The files of machines that use this version from now on."""
        return {device_path(name): self._with(name, template=template) for name in machines}

    def parameters_for(self, machine: str, parameters: Mapping[str, Value]) -> Change:
        """The file of a machine with just these parameters; hidden secrets are filled in."""
        old = tomllib.loads(self._text(machine)).get("parameters", {})
        given = {
            key: old.get(key, value) if value == HIDDEN else value
            for key, value in parameters.items()
        }
        return {device_path(machine): self._with(machine, parameters=given)}

    def _with(self, name: str, **changed: Any) -> bytes:
        document = tomlkit.parse(self._text(name))
        for key, value in changed.items():
            if key != "parameters":
                document[key] = value
                continue
            table = tomlkit.inline_table()
            table.update(value)
            document[key] = table
        return tomlkit.dumps(document).encode()

    def _text(self, name: str) -> str:
        """A templated machine's file. Raises NotFound, InputError."""
        content = self._configuring.files().get(device_path(name))
        try:
            text = (content or b"").decode("utf-8-sig")
            if "template" in tomllib.loads(text):
                return text
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise InputError(
                "device-invalid",
                Text(f"{device_path(name)}: {error}.", f"{device_path(name)}：{error}。"),
                Text("Mend the file.", "请修改该文件。"),
            ) from error
        raise NotFound(
            "machine-without-template",
            Text(f"The machine '{name}' names no template.", f"设备“{name}”没有使用模板。"),
            Text("Choose one of a template.", "请选择使用模板的设备。"),
        )


def _no_template(name: str) -> NotFound:
    return NotFound(
        "template-missing",
        Text(f"There is no template '{name}'.", f"没有模板“{name}”。"),
        Text("See the list of templates.", "请查看模板列表。"),
    )
