"""What the README and the guides show is run: the marked blocks, in an empty folder."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.docs.console import alike, blocks, run_python, run_steps, steps
from tests.peers import free_port, process

ROOT = Path(__file__).parents[2]
PAGES = {
    "README.md": "en",
    "README.zh-CN.md": "zh",
    "docs/tutorial/connect-your-first-machine.md": "en",
    "docs/how-to/import-files.md": "en",
    "docs/how-to/tag-tables-in-excel.md": "en",
    "docs/how-to/calculated-tags.md": "en",
    "docs/how-to/device-templates.md": "en",
    "docs/how-to/from-kepware-neuron-ignition.md": "en",
    "docs/how-to/back-up.md": "en",
    "docs/how-to/export.md": "en",
    "docs/how-to/data-sets.md": "en",
    "docs/how-to/models.md": "en",
    "docs/how-to/train-a-soft-sensor.md": "en",
    "docs/how-to/experiments.md": "en",
    "docs/how-to/ask-the-history.md": "en",
    "docs/how-to/notebook.md": "en",
    "docs/how-to/read-the-table.md": "en",
    "docs/explanation/spool-format.md": "en",
}
MACHINES_PORT = "5020"
"""Where the pages let the simulated machines listen; in the tests it is any free port."""


@pytest.fixture
def port() -> Iterator[str]:
    """The simulated machines, for pages that read one."""
    free = free_port()
    command = [sys.executable, "-m", "lianji.node.demo.machines", "--modbus-port", str(free)]
    with process(command, free):
        yield str(free)


@pytest.mark.parametrize("page", PAGES)
def test_a_page_shows_what_happens(
    page: str, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    found = blocks(ROOT / page)
    assert found, f"{page} has no tested block"
    needs_machines = any(MACHINES_PORT in text for _, text in found)
    port = request.getfixturevalue("port") if needs_machines else MACHINES_PORT
    for language, text in found:
        if language == "python":
            run_python(text, tmp_path)
        else:
            _check_console(text.replace(MACHINES_PORT, port), tmp_path, PAGES[page])


def _check_console(text: str, folder: Path, language: str) -> None:
    some = steps(text)
    results = run_steps(some, folder, language)
    assert len(results) == len(some)
    for step, (code, printed) in zip(some, results, strict=True):
        said = "\n".join(printed)
        assert code in (0, 1), f"$ {step.command}\n{said}"
        assert alike(step.shown, printed), f"$ {step.command}\n{said}"


def test_numbers_and_omissions_may_differ_and_words_may_not() -> None:
    assert alike(["a  1.5  02 c6", "...", "end"], ["a  23  ff", "b", "c", "end"])
    assert not alike(["a 1"], ["b 1"])
    assert not alike(["a 1"], ["a 1", "more"])


def test_the_readme_names_commands_that_there_are() -> None:
    """The recorded part is not run again, but each of its verbs must exist."""
    text = (ROOT / "README.md").read_text()
    lines = [line[2:].split() for line in text.splitlines() if line.startswith("$ lianji ")]
    verbs = {tuple(word for word in line[1:3] if word.isalpha()) for line in lines}
    known = _known_commands()
    assert [verb for verb in verbs if verb[:1] not in known and verb[:2] not in known] == []


def _known_commands() -> set[tuple[str, ...]]:
    text = (ROOT / "docs" / "reference" / "commands.md").read_text()
    heads = [line.split()[2:] for line in text.splitlines() if line.startswith("## lianji ")]
    return {tuple(head) for head in heads}
