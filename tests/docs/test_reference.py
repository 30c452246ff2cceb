"""The reference says what the source says, and everything that can be set or go wrong is in it."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import get_args

import pytest
from pydantic import BaseModel

from lianji.act.alarms.definition import AlarmDefinition
from lianji.connect.devices import DRIVERS, driver_class
from lianji.connect.driver import DeviceConfig
from lianji.connect.files.options import ImportOptions
from lianji.dictionary.tag import Tag
from lianji.node.settings import Settings

DOCS = Path(__file__).parents[2] / "docs"
SECTIONS = [
    get_args(info.annotation)[0] if get_args(info.annotation) else info.annotation
    for info in Settings.model_fields.values()
]
CONFIGS = [driver_class(name).Config for name in DRIVERS]
MODELS: list[type[BaseModel]] = [*SECTIONS, AlarmDefinition, DeviceConfig, *CONFIGS, ImportOptions]  # type: ignore[list-item]  # each section is a model


@pytest.fixture(scope="module")
def generate() -> Iterator[ModuleType]:
    """docs/generate.py, which is a script and no package."""
    spec = importlib.util.spec_from_file_location("docs_generate", DOCS / "generate.py")
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    path = list(sys.path)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("LIANJI_LANG", "en")
        patch.delenv("LIANJI_PLANT", raising=False)
        spec.loader.exec_module(module)
        yield module
    sys.path[:] = path


def test_the_reference_is_what_the_source_says() -> None:
    """In a process of its own, whose language nobody else has chosen."""
    command = [sys.executable, str(DOCS / "generate.py"), "--check"]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"run .venv/bin/python docs/generate.py\n{done.stdout}"


@pytest.mark.parametrize("model", MODELS, ids=lambda model: model.__name__)
def test_every_field_has_a_sentence(model: type[BaseModel], generate: ModuleType) -> None:
    for name in model.model_fields:
        assert generate.sentence(model, name)


def test_every_column_of_a_tag_table_has_a_sentence(generate: ModuleType) -> None:
    for name in Tag.__dataclass_fields__:
        assert generate.sentence(Tag, name)


def test_a_field_without_a_sentence_is_named(generate: ModuleType) -> None:
    class Dumb(BaseModel):
        nothing_said: int = 0

    with pytest.raises(LookupError, match="nothing_said"):
        generate.sentence(Dumb, "nothing_said")


def test_every_error_code_of_the_source_is_in_the_reference() -> None:
    """Found in another way than the generator finds them: the first string of a raise."""
    told = (DOCS / "reference" / "errors.md").read_text()
    kinds = "LinkDown|DeviceTimeout|Desync|Refused|StorageError|NotFound|Busy|InputError"
    pattern = re.compile(rf'\b(?:{kinds})\(\s*"([a-z0-9-]+)"')
    source = DOCS.parent / "src" / "lianji"
    codes = {code for path in source.rglob("*.py") for code in pattern.findall(path.read_text())}
    assert len(codes) > 50
    assert sorted(code for code in codes if f"`{code}`" not in told) == []


def test_every_page_of_the_reference_can_be_reached_from_the_index() -> None:
    index = (DOCS / "README.md").read_text()
    for folder in ("tutorial", "how-to", "reference", "explanation", "decisions"):
        for page in (DOCS / folder).glob("*.md"):
            assert f"({folder}/{page.name})" in index, page


@pytest.mark.parametrize(
    "page",
    [*sorted(DOCS.rglob("*.md")), *sorted(DOCS.parent.glob("*.md"))],
    ids=lambda page: str(page.relative_to(DOCS.parent)),
)
def test_every_link_to_a_file_leads_somewhere(page: Path) -> None:
    for target in re.findall(r"\]\((?!https?:|#)([^)#]+)[^)]*\)", page.read_text()):
        assert (page.parent / target).exists(), target
