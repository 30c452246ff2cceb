"""No way of showing a plant's files shows a secret in them."""

from __future__ import annotations

import pytest

from lianji.base.redaction import HIDDEN, is_secret, redacted, secrets_of, without
from lianji.node.configuring.difference import unified

TIER = """\
[[history.tiers]]
bucket = { url = "s3://plant", access_key_id = "env:S3_ID", secret_access_key = "KEY" }
[[notify]]
url = "https://robot.example/hooks/T0/KEY"
"""


@pytest.mark.parametrize("name", ["password", "secret_access_key", "api_key", "botToken"])
def test_names_of_secrets(name: str) -> None:
    assert is_secret(name)
    assert not is_secret(f"{name}_env")


def test_plain_settings_are_none() -> None:
    assert not any(map(is_secret, ["url", "host", "private_file", "username", "keep_h"]))


def test_a_difference_shows_that_a_secret_changed_and_neither_of_them() -> None:
    old, new = (TIER.replace("KEY", key).encode() for key in ("first-key", "second-key"))
    shown = unified([("lianji.toml", old, new)])
    assert "first-key" not in shown
    assert "second-key" not in shown
    assert shown.count(HIDDEN) >= 4
    assert '"env:S3_ID"' in shown
    assert 'url = "s3://plant"' in shown


def test_values_are_taken_out_of_any_text() -> None:
    found = secrets_of(TIER.replace("KEY", "a-long-key").encode())
    assert found == {"a-long-key", "https://robot.example/hooks/T0/a-long-key"}
    assert without(
        found, "refused for a-long-key at https://robot.example/hooks/T0/a-long-key"
    ) == (f"refused for {HIDDEN} at {HIDDEN}")
    assert secrets_of(b"no = [toml") == set()
    assert redacted("no = [toml\npassword = hunter2") == f'no = [toml\npassword = "{HIDDEN}"'


def test_the_password_of_the_state_database_is_shown_nowhere() -> None:
    lines = (
        "[state]",
        'url = "postgresql+psycopg://anna:sesame%2Fopen@db/lianji?sslpassword=hunter2&port=1"',
    )
    toml = "\n".join(lines)
    assert secrets_of(toml.encode()) == {"sesame%2Fopen", "sesame/open", "hunter2"}
    shown = redacted(toml)
    assert shown.endswith(f'"postgresql+psycopg://{HIDDEN}@db/lianji?sslpassword={HIDDEN}&port=1"')
    assert secrets_of(b'[state]\nurl = "env:STATE"') == set()
