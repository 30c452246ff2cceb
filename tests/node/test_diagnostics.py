"""The diagnostic bundle says all that helps, and no secret."""

from __future__ import annotations

import io
import json
import zipfile
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from lianji.base.redaction import HIDDEN, redacted
from lianji.node.diagnostics import bundle
from lianji.node.folder import PlantFolder
from tests.system.plant import plant_process, write_plant

SECRETS = ["hunter2-broker", "s3cr3t/+key==", "hooks/T0/B0/robot"]
BROKER = """\
protocol = "mqtt"
host = "127.0.0.1"
port = 1
username = "plant"
password = "hunter2-broker"   # of the broker
"""
TIER = """
[[history.tiers]]
after_days = 30
[history.tiers.bucket]
url = "s3://plant"
endpoint = "http://127.0.0.1:9"
allow_http = true
access_key_id = "env:S3_ID"
secret_access_key = 's3cr3t/+key=='

[[notify]]
name = "robot"
kind = "webhook"
url = "http://127.0.0.1:9/hooks/T0/B0/robot"
"""


def texts_of(packed: bytes) -> dict[str, str]:
    with zipfile.ZipFile(io.BytesIO(packed)) as archive:
        return {name: archive.read(name).decode() for name in archive.namelist()}


@pytest.fixture
def folder(tmp_path: Path) -> PlantFolder:
    root = write_plant(tmp_path / "plant")
    with (root / "lianji.toml").open("a") as file:
        file.write(TIER)
    (root / "devices" / "broker.toml").write_text(BROKER)
    (root / "tags" / "line.csv").write_text("path,device,address\np/a,broker,hunter2-broker\n")
    return PlantFolder(root)


def test_a_bundle_holds_what_helps_and_no_secret(folder: PlantFolder) -> None:
    texts = texts_of(bundle(folder, {"error": "no login for plant:s3cr3t/+key=="}))
    assert set(texts) == {
        f"lianji/{name}"
        for name in (
            "about.json", "findings.json", "status.json", "log.txt", "files.tsv",
            "configuration/lianji.toml", "configuration/devices/broker.toml",
            "configuration/tags/line.csv",
        )
    }  # fmt: skip
    for name, text in texts.items():
        for secret in SECRETS:
            assert secret not in text, name
    broker = texts["lianji/configuration/devices/broker.toml"]
    assert f'password = "{HIDDEN}"   # of the broker' in broker
    assert 'username = "plant"' in broker
    assert '"env:S3_ID"' in texts["lianji/configuration/lianji.toml"]
    assert "pyarrow" in json.loads(texts["lianji/about.json"])["packages"]
    assert "devices/broker.toml" in texts["lianji/files.tsv"]


def test_a_file_that_is_no_toml_is_blanked_all_the_same(folder: PlantFolder) -> None:
    (folder.devices / "broker.toml").write_text('password = "hunter2-broker"\nhost = [')
    texts = texts_of(bundle(folder, None))
    assert "hunter2" not in texts["lianji/configuration/devices/broker.toml"]


@given(st.text(st.characters(codec="utf-8", exclude_characters='"\\\r\n'), min_size=1, max_size=30))
def test_no_value_of_a_secret_survives(secret: str) -> None:
    toml = f'a = 1\npassword = "{secret}"\n[b]\nc = {{ api_key = "{secret}", d = 2 }}\n'
    text = redacted(toml)
    assert text.count(HIDDEN) >= (2 if secret != HIDDEN else 0) or secret.startswith("env:")
    if len(secret) > 8 and not secret.startswith("env:"):
        assert secret not in text


def test_an_address_loses_its_user_and_an_environment_name_stays() -> None:
    assert redacted('url = "opc.tcp://li:pw@host:4840"') == f'url = "opc.tcp://{HIDDEN}@host:4840"'
    robot = 'url = "https://robot.example/send?access_token=abc123&b=1"'
    assert redacted(robot) == f'url = "https://robot.example/send?access_token={HIDDEN}&b=1"'
    assert redacted('password_env = "BROKER_PASSWORD"') == 'password_env = "BROKER_PASSWORD"'
    assert redacted('password = ""') == 'password = ""'


@pytest.mark.system
def test_a_running_plant_hands_it_out(folder: PlantFolder, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("S3_ID", "plant")
    with plant_process(folder.root) as plant:
        answer = plant.http.get(f"{plant.address}/api/diagnostics")
        assert answer.headers["content-type"] == "application/zip"
        texts = texts_of(answer.content)
        status = json.loads(texts["lianji/status.json"])
        assert status["disk"]["free_bytes"] > 0
        assert [device["name"] for device in status["devices"]] == ["broker"]
        assert not any(secret in text for text in texts.values() for secret in SECRETS)
