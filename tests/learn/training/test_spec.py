"""What is wrong with a specification is said, field by field, in both languages."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lianji.base.errors import InputError, NotFound
from lianji.learn.training.spec import check_name, read_spec
from tests.learn.training.made import spec

GOOD = 'task = "regression"\ndataset = "turbine@2"\ntarget = "NOX"\nlabel_delay = "24h"\n'


def test_a_short_file_is_enough(tmp_path: Path) -> None:
    path = tmp_path / "nox.toml"
    path.write_text(GOOD)
    found = read_spec(path)
    assert found.dataset_name == ("turbine", 2)
    assert found.label_delay_us == 86_400_000_000
    assert (found.task, found.coverage, found.inputs) == ("regression", 0.9, [])


@pytest.mark.parametrize(
    ("field", "changed"),
    [
        ("dataset", {"dataset": "Turbine 2"}),
        ("label_delay", {"label_delay": "a day"}),
        ("label_delay", {"label_delay": 24}),
        ("coverage", {"coverage": 1.0}),
        ("algorithm", {"algorithm": "magic"}),
        ("parameters.rounds", {"parameters": {"rounds": 0}}),
        ("parameters.depth", {"parameters": {"depth": 3}}),
        ("correction", {"correction": "guess"}),
        ("output.tag", {"output": {"tag": "a//b"}}),
        ("gate.0.column", {"gate": [{"low": 1}]}),
        ("expires", {"expires": "never"}),
        ("inputz", {"inputz": []}),
        ("task", {"task": "alchemy"}),
    ],
)
def test_a_wrong_field_is_named(field: str, changed: dict[str, Any]) -> None:
    with pytest.raises(InputError) as raised:
        spec(**changed)
    assert raised.value.code == "training-spec-invalid"
    assert field in raised.value.cause.en and field in raised.value.cause.zh
    assert raised.value.cause.en != raised.value.cause.zh


def test_a_file_that_is_missing_or_no_toml_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="training-spec-missing"):
        read_spec(tmp_path / "none.toml")
    (tmp_path / "bad.toml").write_text("task = ")
    with pytest.raises(InputError, match="no TOML"):
        read_spec(tmp_path / "bad.toml")


def test_a_models_name_is_plain() -> None:
    assert check_name("nox-2") == "nox-2"
    with pytest.raises(InputError, match="training-name"):
        check_name("NOx")
