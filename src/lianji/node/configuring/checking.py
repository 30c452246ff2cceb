"""Is a configuration sound? Asked of a copy, by the same way as at the start of the plant."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from tempfile import TemporaryDirectory

from lianji.base.errors import InputError, LianjiError, Text
from lianji.connect.devices import driver_for
from lianji.connect.points import parse_tags
from lianji.node.configuration import Configuration, load_configuration
from lianji.node.configuring.places import Files
from lianji.node.folder import PlantFolder

ADDRESSES_TOLD_MAX = 20


def load_files(files: Files, beside: Path) -> Configuration:
    """What a plant of these files would be. Raises what ``load_configuration`` raises.

    The files are written to a folder of their own in ``beside``, which is gone afterwards.
    """
    with TemporaryDirectory(prefix="scratch-", dir=beside) as scratch:
        root = Path(scratch)
        for path, content in files.items():
            place = root / path
            place.parent.mkdir(exist_ok=True)
            place.write_bytes(content)
        try:
            configuration = load_configuration(PlantFolder(root))
        except LianjiError as error:
            raise _at_home(error, root) from error
        configuration.problems = [_at_home(problem, root) for problem in configuration.problems]
        return configuration


def brought(
    old: Configuration | None, new: Configuration, changed_devices: Sequence[str]
) -> list[LianjiError]:
    """The problems of a new configuration that the old one did not have.

    The addresses of ``changed_devices`` are read by their drivers too.
    """
    before = set() if old is None else {_key(problem) for problem in old.problems}
    found = [problem for problem in new.problems if _key(problem) not in before]
    for name in changed_devices:
        known = set() if old is None else {_key(one) for one in _addresses(old, name)}
        found += [one for one in _addresses(new, name) if _key(one) not in known]
    return found


def _addresses(configuration: Configuration, device: str) -> list[LianjiError]:
    config = configuration.devices.get(device)
    if config is None:
        return []
    rejected = parse_tags(driver_for(config), configuration.tags_of(device)).rejected
    return [
        InputError(
            "tag-address-invalid",
            Text(f"{tag.path}: {tag.reason.en}.", f"{tag.path}：{tag.reason.zh}。"),
            Text("Mend the address or the type.", "请修改地址或类型。"),
        )
        for tag in list(rejected.values())[:ADDRESSES_TOLD_MAX]
    ]


def _key(problem: LianjiError) -> tuple[str, str]:
    return problem.code, problem.cause.en


def _at_home(error: LianjiError, scratch: Path) -> LianjiError:
    """The error without the folder that it was found in."""

    def cut(text: Text) -> Text:
        return Text(
            *(
                part.replace(f"{scratch}/", "").replace(str(scratch), ".")
                for part in (text.en, text.zh)
            )
        )

    return type(error)(error.code, cut(error.cause), cut(error.remedy))
