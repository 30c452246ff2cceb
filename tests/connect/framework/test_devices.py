from __future__ import annotations

from pathlib import Path

import pytest

from lianji.base.errors import InputError, LianjiError, NotFound
from lianji.connect.devices import (
    config_of,
    driver_for,
    load_device,
    load_devices,
    write_device,
)
from lianji.connect.fake import FakeConfig, FakeDriver


def put(folder: Path, name: str, content: str | bytes) -> None:
    raw = content.encode() if isinstance(content, str) else content
    (folder / f"{name}.toml").write_bytes(raw)


def test_good_files_become_devices_and_a_wrong_one_keeps_none_of_them_away(tmp_path: Path) -> None:
    put(tmp_path, "press", 'protocol = "fake"\ninterval_ms = 250\n')
    put(tmp_path, "挤出机 2", b'\xef\xbb\xbfprotocol = "fake"\n')
    put(tmp_path, "broken", 'protocol = "fake\n')
    found = load_devices(tmp_path)
    assert sorted(found.configs) == ["press", "挤出机 2"]
    assert found.configs["press"].interval_ms == 250
    assert isinstance(driver_for(found.configs["press"]), FakeDriver)
    assert list(found.errors) == ["broken"]


def test_a_folder_that_is_not_there_holds_no_devices(tmp_path: Path) -> None:
    assert load_devices(tmp_path / "devices").configs == {}


@pytest.mark.parametrize(
    ("content", "en", "zh"),
    [
        ('protocol = "fake\n', "it is not TOML", "不是有效的 TOML"),
        ('protocol = "fake" # 压机'.encode("gbk"), "it is not UTF-8", "不是 UTF-8"),
        ("interval_ms = 5\n", "field protocol is missing", "缺少字段 protocol"),
        ('protocol = "modbuss"\n', "there is no protocol 'modbuss'", "没有协议"),
        ('protocol = "fake"\nintervall_ms = 5\n', "there is no field intervall_ms", "没有名为"),
        (
            'protocol = "fake"\ninterval_ms = 5\n',
            "interval_ms is 5 and must be at least 10",
            "interval_ms 为 5，不得小于 10",
        ),
        (
            'protocol = "fake"\ntimeout_ms = "long"\n',
            "timeout_ms is 'long' and must be a whole number",
            "应为整数",
        ),
    ],
)
def test_an_error_names_the_file_and_the_field(
    tmp_path: Path, content: str | bytes, en: str, zh: str
) -> None:
    put(tmp_path, "press", content)
    with pytest.raises(InputError) as caught:
        load_device(tmp_path / "press.toml")
    assert en in caught.value.cause.en and zh in caught.value.cause.zh
    assert "press.toml" in caught.value.cause.en and "press.toml" in caught.value.cause.zh


def test_a_near_miss_of_a_protocol_is_suggested() -> None:
    with pytest.raises(InputError, match="Did you mean modbus"):
        config_of({"protocol": "modbuss"}, "the form")


def test_a_device_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(NotFound, match="no device 'press'"):
        load_device(tmp_path / "press.toml")


def test_a_written_device_reads_back_the_same_and_says_only_what_is_not_default(
    tmp_path: Path,
) -> None:
    config = FakeConfig(protocol="fake", interval_ms=500, description="压机")
    path = write_device(tmp_path / "devices", "press", config)
    assert load_device(path) == config
    assert "timeout_ms" not in path.read_text("utf-8")


def test_comments_order_and_what_did_not_change_are_kept(tmp_path: Path) -> None:
    put(
        tmp_path,
        "press",
        '# the old press\nprotocol = "fake"\ntimeout_ms = 2000  # never less\n'
        'interval_ms = 100 # fast\ndescription = "x"\n',
    )
    write_device(tmp_path, "press", FakeConfig(protocol="fake", interval_ms=250, description="x"))
    assert (tmp_path / "press.toml").read_text() == (
        '# the old press\nprotocol = "fake"\ntimeout_ms = 2000  # never less\n'
        'interval_ms = 250 # fast\ndescription = "x"\n'
    )


@pytest.mark.parametrize("name", ["", "../x", "a/b", ".hidden", "a\nb"])
def test_a_name_that_cannot_be_a_file_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(LianjiError, match="device-name-invalid"):
        write_device(tmp_path, name, FakeConfig(protocol="fake"))
