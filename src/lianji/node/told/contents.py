"""What is in a message of each kind: made at the hub out of files, read again at the edge."""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from lianji.base.errors import InputError, NotFound, Text
from lianji.dictionary.tag_table import read_table
from lianji.node.configuring.places import PLACES
from lianji.relay.messages.kinds import LENGTH_MAX, Kind
from lianji.relay.messages.refusals import too_large
from lianji.relay.trust.names import is_name

SENT = PLACES
"""Where files of a configuration lie that a hub may send; ``lianji.toml`` is the plant's own."""
FILES_MAX = 2_000
_PART = re.compile(r"[^/\\.\x00-\x1f][^/\\\x00-\x1f]{0,120}")


@dataclass(frozen=True, slots=True)
class Told:
    """What is to be sent."""

    kind: Kind
    name: str
    content: bytes


def configuration(paths: Sequence[Path]) -> Told:
    """Files and folders of a plant's form. Raises NotFound, InputError."""
    files: dict[str, bytes] = {}
    for path in paths:
        for place, file in _found(path):
            files[place] = file.read_bytes()
    if not files:
        raise _nothing(", ".join(map(str, paths)))
    for place in files:
        check_sent(place)
    digest = sha256("\n".join(sorted(files)).encode()).hexdigest()[:8]
    name = next(iter(files)) if len(files) == 1 else f"{len(files)} files {digest}"
    return Told(Kind.CONFIGURATION, name[-128:], pack(files))


def dictionary(table: Path) -> Told:
    """A tag table. Raises NotFound, InputError for one with a wrong row."""
    _there(table)
    content = table.read_bytes()
    rejected = read_table(content).rejected
    if rejected:
        raise wrong_row(rejected[0].line, rejected[0].path, rejected[0].reason)
    return Told(Kind.DICTIONARY, table.stem[:128], content)


def bundle(file: Path, name: str) -> Told:
    """The bytes of a model bundle. Raises NotFound, InputError."""
    _there(file)
    check_bundle(name)
    if file.stat().st_size > LENGTH_MAX[Kind.BUNDLE]:  # before it is read
        raise too_large(Kind.BUNDLE, file.stat().st_size, LENGTH_MAX[Kind.BUNDLE])
    return Told(Kind.BUNDLE, name, file.read_bytes())


def command(name: str, arguments: Iterable[str]) -> Told:
    """``arguments`` are ``key=value``. Raises InputError."""
    pairs = [argument.partition("=") for argument in arguments]
    if not is_name(name) or not all(key and equals for key, equals, _ in pairs):
        raise InputError(
            "command-invalid",
            Text("A command is a name and key=value arguments.", "命令应为名称及 键=值 参数。"),
            Text("Write for example: command ping", "例如：command ping"),
        )
    given = {key: value for key, _, value in pairs}
    return Told(Kind.COMMAND, name, json.dumps(given, ensure_ascii=False).encode())


def pack(files: Mapping[str, bytes]) -> bytes:
    texts = {path: base64.b64encode(content).decode() for path, content in files.items()}
    return json.dumps({"files": texts}, sort_keys=True).encode()


def unpack(content: bytes) -> dict[str, bytes]:
    """Raises InputError for what is no configuration, or a file that a hub may not send."""
    try:
        told = json.loads(content)["files"]
        files = {str(p): base64.b64decode(text, validate=True) for p, text in told.items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise _not_understood(str(error)) from error
    if len(files) > FILES_MAX:
        raise _not_understood(f"{len(files)} files")
    for path in files:
        check_sent(path)
    return files


def arguments_of(content: bytes) -> dict[str, str]:
    """Of a command. Raises InputError."""
    try:
        told = json.loads(content)
    except ValueError as error:
        raise _not_understood(str(error)) from error
    if not isinstance(told, dict) or not all(isinstance(v, str) for v in told.values()):
        raise _not_understood("arguments")
    return told


def check_sent(path: str) -> None:
    """Raises InputError for a file that is the plant's own, or lies nowhere."""
    folder, _, name = path.partition("/")
    if any(folder == place and name.endswith(end) for place, end in SENT) and _PART.fullmatch(name):
        return
    raise InputError(
        "message-place-invalid",
        Text(f"A hub does not send {path[:200]!a}.", f"中心不下发 {path[:200]!a}。"),
        Text(
            "It sends devices/*.toml, tags/*.csv, alarms/*.csv and templates; lianji.toml is the "
            "plant's own.",
            "可下发 devices/*.toml、tags/*.csv、alarms/*.csv 和 templates；"
            "lianji.toml 由工厂自行管理。",
        ),
    )


def check_bundle(name: str) -> None:
    """Raises InputError."""
    if not is_name(name):
        raise InputError(
            "bundle-name-invalid",
            Text(f"{name[:63]!a} is no name of a bundle.", f"{name[:63]!a} 不能作为模型包名称。"),
            Text(
                "Use letters a-z, digits, and . _ - behind the first, at most 63.",
                "请使用英文字母、数字以及 . _ -（首字符除外），最多 63 个字符。",
            ),
        )


def wrong_row(line: int, path: str, reason: Text) -> InputError:
    return InputError(
        "tag-row-invalid",
        Text(f"line {line}: {path}: {reason.en}.", f"第 {line} 行：{path}：{reason.zh}。"),
        Text("Mend the row and send the table again.", "请修改该行后重新发送。"),
    )


def _found(path: Path) -> list[tuple[str, Path]]:
    if path.is_dir():
        return [
            (f"{folder}/{file.name}", file)
            for folder, end in SENT
            for file in sorted((path / folder).glob(f"*{end}"))
            if file.is_file() and not file.name.startswith(".")
        ]
    _there(path)
    return [(f"{path.resolve().parent.name}/{path.name}", path)]


def _there(path: Path) -> None:
    if not path.is_file():
        raise NotFound(
            "file-missing",
            Text(f"There is no file {path}.", f"没有文件 {path}。"),
            Text("Check the path.", "请检查路径。"),
        )


def _nothing(where: str) -> InputError:
    return InputError(
        "message-empty",
        Text(f"Nothing that a hub sends lies in {where}.", f"{where} 中没有可下发的文件。"),
        Text(
            "Name a folder that has devices, tags, alarms or templates in it, or such files.",
            "请指定包含 devices、tags、alarms 或 templates 的文件夹，或其中的文件。",
        ),
    )


def _not_understood(why: str) -> InputError:
    return InputError(
        "message-content-invalid",
        Text(f"The content cannot be understood: {why[:200]}.", f"内容无法识别：{why[:200]}。"),
        Text("Bring edge and hub to versions that fit.", "请使边缘端与中心端的版本一致。"),
    )
