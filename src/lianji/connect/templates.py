"""Device templates: what many machines of one make have in common, written once.

``templates/press@3.toml`` holds the fields of a device file and declares parameters;
``templates/press@3.csv`` is a tag table whose paths and addresses hold ``{machine}`` or
``{base+12}``. A device file says ``template = "press@3"`` and ``parameters = {...}``; whatever else
it says itself counts. A version is a pair of files, so a machine stays on the old one for as long
as it says so; ``template = "press"`` is the newest.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from lianji.base.errors import InputError, LianjiError, Text
from lianji.dictionary.tag import Tag
from lianji.dictionary.tag_table import Imported, Rejected, read_table

FOLDER = "templates"
OWN_KEYS = ("template", "parameters")
"""What a device file says of its template; no driver sees it."""

Value = str | int | float
_PLACEHOLDER = re.compile(r"\{(\w+)(?:([+-])(\d{1,9}))?\}")
_NAME = re.compile(r"(?P<name>[\w\-.]+?)(?:@(?P<version>\d{1,6}))?")
_FILLED = ("path", "address", "expression", "description_en", "description_zh")
_MEND = Text("Mend the file and try again.", "请修改该文件后重试。")


@dataclass(slots=True)
class Template:
    """One version of a template. ``parameters`` are defaults by name, None where one must be given.

    ``table`` holds its tags with their placeholders, and the rows that are none.
    """

    name: str
    fields: dict[str, Any] = field(default_factory=dict)
    parameters: dict[str, Value | None] = field(default_factory=dict)
    table: Imported = field(default_factory=Imported)

    def values(self, given: Mapping[str, Value], device: str) -> dict[str, Value]:
        """The values for one machine. Raises InputError for a missing or unknown parameter."""
        unknown = sorted(set(given) - set(self.parameters))
        if unknown:
            raise self._wrong(
                device,
                f"it has no parameter {', '.join(unknown)}",
                f"没有参数 {'、'.join(unknown)}",
            )
        values = {"device": device, **self.parameters, **given}
        missing = sorted(name for name, value in values.items() if value is None)
        if missing:
            raise self._wrong(
                device,
                f"the parameter {', '.join(missing)} is missing",
                f"缺少参数 {'、'.join(missing)}",
            )
        return {name: value for name, value in values.items() if value is not None}

    def device_fields(self, values: Mapping[str, Value]) -> dict[str, Any]:
        """The fields of the machine's device file, placeholders put in."""
        found: dict[str, Any] = _put(self.fields, values)
        return found

    def tags(
        self, values: Mapping[str, Value], device: str
    ) -> Iterator[tuple[int, Tag | Rejected]]:
        """The machine's tags with the line of each; one that cannot be comes as its reason."""
        for tag in self.table.tags:
            line = self.table.lines[tag.path]
            texts: dict[str, Any] = {n: fill(getattr(tag, n), values) for n in _FILLED}
            try:
                own = "" if tag.expression else device
                yield line, replace(tag, device=own, **texts)
            except ValidationError as error:
                said = error.errors(include_url=False)[0]["msg"].removeprefix("Value error, ")
                yield line, Rejected(line, texts["path"], Text(said, said))

    def _wrong(self, device: str, en: str, zh: str) -> InputError:
        return InputError(
            "template-parameters",
            Text(
                f"The device '{device}' does not fit the template {self.name}: {en}.",
                f"设备“{device}”与模板 {self.name} 不符：{zh}。",
            ),
            Text(
                f"Its parameters are: {', '.join(self.parameters) or 'none'}.",
                f"其参数为：{'、'.join(self.parameters) or '无'}。",
            ),
        )


class Templates:
    """The templates of a folder, each read once."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._read: dict[str, Template] = {}

    def names(self) -> list[str]:
        """All of them with their versions, the oldest version first."""
        names = [path.stem for path in self.folder.glob("*.toml") if _NAME.fullmatch(path.stem)]
        return sorted(names, key=_order)

    def of(self, wanted: str) -> Template:
        """A template by its name, or the newest version. Raises InputError."""
        name = wanted
        if "@" not in wanted:
            versions = [one for one in self.names() if _order(one)[0] == wanted]
            name = versions[-1] if versions else wanted
        if name not in self._read:
            self._read[name] = self._load(name)
        return self._read[name]

    def _load(self, name: str) -> Template:
        path = self.folder / f"{name}.toml"
        if not _NAME.fullmatch(name) or not path.is_file():
            raise InputError(
                "template-unknown",
                Text(f"There is no template '{name}'.", f"没有模板“{name}”。"),
                Text(
                    f"Templates are: {', '.join(self.names()) or 'none'}.",
                    f"现有模板：{'、'.join(self.names()) or '无'}。",
                ),
            )
        try:
            content = tomllib.loads(path.read_bytes().decode("utf-8-sig"))
        except (UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
            raise _invalid(name, f"it is not TOML: {error}", f"不是有效的 TOML：{error}") from error
        parameters = _declared(name, content.pop("parameters", {}))
        csv = self.folder / f"{name}.csv"
        table = read_table(csv) if csv.is_file() else Imported()
        template = Template(name, content, parameters, table)
        _check_placeholders(template)
        return template


def fill(text: str, values: Mapping[str, Value]) -> str:
    """A text with its placeholders put in; one that is none stays as it is."""

    def value(found: re.Match[str]) -> str:
        name, sign, step = found.groups()
        if name not in values:
            return found[0]
        known = values[name]
        if sign and isinstance(known, int):
            return str(known + int(sign + step))
        return str(known)

    return _PLACEHOLDER.sub(value, text) if "{" in text else text


def merged_fields(content: Mapping[str, Any], templates: Templates, device: str) -> dict[str, Any]:
    """A device file's fields, those of its template below its own. Raises InputError."""
    own = {key: value for key, value in content.items() if key not in OWN_KEYS}
    if "template" not in content:
        if "parameters" in content:
            raise _no_template(device)
        return own
    template, values = used(content, templates, device)
    return {**template.device_fields(values), **own}


def used(
    content: Mapping[str, Any], templates: Templates, device: str
) -> tuple[Template, dict[str, Value]]:
    """The template that a device file names, and the values that it gives. Raises InputError."""
    name, given = content.get("template"), content.get("parameters", {})
    if not isinstance(name, str) or not isinstance(given, Mapping):
        raise _no_template(device)
    template = templates.of(name)
    return template, template.values(dict(given), device)


def _put(value: Any, values: Mapping[str, Value]) -> Any:
    if isinstance(value, str):
        whole = _PLACEHOLDER.fullmatch(value)
        if whole and whole[1] in values and not whole[2]:
            return values[whole[1]]
        return fill(value, values)
    if isinstance(value, Mapping):
        return {key: _put(inner, values) for key, inner in value.items()}
    if isinstance(value, list):
        return [_put(inner, values) for inner in value]
    return value


def _declared(template: str, declared: Any) -> dict[str, Value | None]:
    if not isinstance(declared, Mapping):
        raise _invalid(template, "[parameters] must be a table", "[parameters] 应为表")
    found: dict[str, Value | None] = {}
    for name, about in declared.items():
        default = about.get("default") if isinstance(about, Mapping) else about
        if not re.fullmatch(r"\w+", name) or not isinstance(default, str | int | float | None):
            raise _invalid(
                template,
                f"the parameter '{name}' is neither a text nor a number",
                f"参数“{name}”既不是文本也不是数字",
            )
        found[name] = default
    return found


def _check_placeholders(template: Template) -> None:
    """Every placeholder stands for something. Raises InputError that names the line."""
    known = {*template.parameters, "device"}
    for name in _names_in(_texts_of(template.fields)):
        if name not in known:
            raise _invalid(
                template.name, f"{{{name}}} is not declared", f"{{{name}}} 未在参数中声明"
            )
    for tag in template.table.tags:
        for name in _names_in((tag.path, tag.address, tag.expression)):
            if name not in known:
                line = template.table.lines[tag.path]
                raise _invalid(
                    template.name,
                    f"line {line} of its table: {{{name}}} is not declared",
                    f"其标签表第 {line} 行：{{{name}}} 未在参数中声明",
                )


def _texts_of(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping | list):
        for inner in value.values() if isinstance(value, Mapping) else value:
            yield from _texts_of(inner)


def _names_in(texts: Iterable[str]) -> Iterator[str]:
    for text in texts:
        if "{" in text:
            yield from (found[1] for found in _PLACEHOLDER.finditer(text))


def _order(name: str) -> tuple[str, int]:
    found = _NAME.fullmatch(name)
    return (found["name"], int(found["version"] or 0)) if found else (name, 0)


def _invalid(template: str, en: str, zh: str) -> InputError:
    return InputError(
        "template-invalid",
        Text(f"In the template {template}: {en}.", f"模板 {template}：{zh}。"),
        _MEND,
    )


def _no_template(device: str) -> LianjiError:
    return InputError(
        "template-parameters",
        Text(
            f"The device '{device}' names no template as text, or its parameters are no table.",
            f"设备“{device}”的 template 不是文本，或 parameters 不是表。",
        ),
        Text(
            'Write template = "press@3" and parameters = { machine = "press7" }.',
            '请写 template = "press@3" 和 parameters = { machine = "press7" }。',
        ),
    )
