"""What a form may write into a plant's files."""

from __future__ import annotations

import pytest

from lianji.base.errors import InputError
from lianji.node.connecting.files import change_for, removal_of
from lianji.web.machines import Machine

TEMPLATED = b'template = "press@3"\nparameters = { unit = 7 }\nhost = "10.0.0.7"\n'


def machine(**fields: object) -> Machine:
    return Machine(name="press7", protocol="modbus", fields=fields, tags=None)


def test_a_machine_of_a_template_is_not_written_over_by_a_form() -> None:
    files = {"devices/press7.toml": TEMPLATED}
    with pytest.raises(InputError) as refused:
        change_for(files, machine(host="10.0.0.8"))
    assert refused.value.code == "machine-of-template"
    assert "press@3" in refused.value.cause.en
    assert removal_of(files, "press7")["devices/press7.toml"] is None


def test_any_other_machine_is() -> None:
    change = change_for({}, machine(host="10.0.0.8"))
    assert list(change) == ["devices/press7.toml"]
    content = change["devices/press7.toml"]
    assert content is not None and b'host = "10.0.0.8"' in content
    assert change_for({"devices/press7.toml": content}, machine(host="10.0.0.8")) == {}
