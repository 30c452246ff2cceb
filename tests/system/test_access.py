"""A plant with log-ins, as its users have it: one process, the command line beside it."""

from __future__ import annotations

import stat
import subprocess
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest

from tests.peers import wait_until
from tests.peers.postgres import Postgres
from tests.system.plant import PlantProcess, lianji_command, lianji_program, plant_process

pytestmark = pytest.mark.system

PASSWORD = "correct horse battery"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "works"
    assert lianji_command("init", folder).returncode == 0
    return folder


@pytest.fixture
def plant(folder: Path) -> Iterator[PlantProcess]:
    with plant_process(folder) as plant:
        yield plant


def _lianji(folder: Path, *arguments: str, password: str = "") -> str:
    done = subprocess.run(
        [lianji_program(), *arguments, "--plant", str(folder)],
        input=f"{password}\n".encode(),
        capture_output=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr.decode()
    return done.stdout.decode()


def _add_user(folder: Path, name: str, role: str) -> None:
    _lianji(folder, "user", "add", name, "--role", role, "--password-stdin", password=PASSWORD)


def test_a_new_plant_is_closed_and_its_command_line_is_not(plant: PlantProcess) -> None:
    assert plant.http.get(f"{plant.address}/api/status").status_code == 401
    page = plant.http.get(f"{plant.address}/", headers={"Accept": "text/html"})
    assert page.headers["location"] == "/welcome"
    status = lianji_command("status", "--plant", plant.folder)
    assert status.returncode == 0, status.stderr
    file = plant.folder.parent / "past.csv"
    file.write_text("time,temperature\n2026-01-01T00:00:00Z,20\n")
    imported = lianji_command("import", file, "--plant", plant.folder)
    assert imported.returncode == 0, imported.stderr


def test_the_key_is_new_at_each_start_and_kept_to_its_owner(plant: PlantProcess) -> None:
    file = plant.folder / "data" / "cli.key"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    old = {"Authorization": f"Bearer {file.read_text()}"}
    assert plant.http.get(f"{plant.address}/api/me", headers=old).json()["kind"] == "key"
    plant.kill()
    plant.start()
    assert plant.http.get(f"{plant.address}/api/me", headers=old).status_code == 401
    plant.stop()
    assert not file.exists()


def test_users_and_tokens_of_the_command_line_hold_while_the_plant_runs(
    plant: PlantProcess,
) -> None:
    _add_user(plant.folder, "anna", "administrator")
    token = _lianji(plant.folder, "token", "add", "telegraf", "--scope", "push").strip()
    headers = {"Authorization": f"Token {token}"}
    line = "works,machine=m1 value=1"

    def push() -> int:
        return plant.http.post(
            f"{plant.address}/api/v2/write", content=line, headers=headers
        ).status_code

    wait_until(lambda: push() == 204, what="the token is known")
    assert plant.http.get(f"{plant.address}/api/status", headers=headers).status_code == 403
    _lianji(plant.folder, "token", "remove", "telegraf")
    wait_until(lambda: push() == 401, what="the token is no longer known")
    said = lianji_command("audit", "--plant", plant.folder, "--json")
    assert said.returncode == 0, said.stderr
    assert b"token-removed" in said.stdout and b"at the command line" in said.stdout


def test_what_was_set_up_is_there_after_the_power_went(plant: PlantProcess) -> None:
    _add_user(plant.folder, "anna", "administrator")
    token = _lianji(plant.folder, "token", "add", "mes", "--scope", "read").strip()
    plant.kill()
    plant.start()
    answer = plant.http.get(
        f"{plant.address}/api/status", headers={"Authorization": f"Bearer {token}"}
    )
    assert answer.status_code == 200


def test_a_backup_of_a_running_plant_holds_its_users(plant: PlantProcess, tmp_path: Path) -> None:
    _add_user(plant.folder, "anna", "administrator")
    for _ in range(2):  # the second replaces the copy of the first
        done = lianji_command("backup", tmp_path / "b", "--plant", plant.folder)
        assert done.returncode == 0, done.stderr
    _add_user(plant.folder, "late", "viewer")
    again = tmp_path / "again"
    done = lianji_command("restore", tmp_path / "b", again)
    assert done.returncode == 0, done.stderr
    assert not (again / "data" / "cli.key").exists()
    assert stat.S_IMODE((again / "data" / "state.db").stat().st_mode) == 0o600
    assert [line.split()[0] for line in _lianji(again, "user", "list").splitlines()[1:]] == ["anna"]
    assert lianji_command("audit", "--plant", again).returncode == 0


def test_the_state_of_a_plant_may_lie_in_postgresql(
    folder: Path, tmp_path: Path, postgres_server: Postgres, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (folder / "lianji.toml").open("a") as settings:
        settings.write('\n[state]\nurl = "env:LIANJI_TEST_STATE"\n')
    refused = lianji_command("user", "list", "--plant", folder)
    assert b"state-url-missing" in refused.stderr
    monkeypatch.setenv("LIANJI_TEST_STATE", postgres_server.database())
    _add_user(folder, "anna", "administrator")
    token = _lianji(folder, "token", "add", "mes", "--scope", "read").strip()
    with plant_process(folder) as plant:
        headers = {"Authorization": f"Bearer {token}"}
        assert plant.http.get(f"{plant.address}/api/status", headers=headers).status_code == 200
        assert plant.http.get(f"{plant.address}/api/alarms", headers=headers).status_code == 200
        done = lianji_command("backup", tmp_path / "b", "--plant", folder)
    assert done.returncode == 0, done.stderr
    assert "env:LIANJI_TEST_STATE and are not in this backup" in " ".join(
        done.stderr.decode().split()
    )
    assert not [*folder.glob("data/state*")]


def test_who_may_see_one_site_sees_it_in_a_running_plant(plant: PlantProcess) -> None:
    _add_user(plant.folder, "anna", "administrator")
    limited = ("user", "add", "li", "--role", "engineer", "--site", "park1-*", "--site", "works")
    _lianji(plant.folder, *limited, "--password-stdin", password=PASSWORD)
    assert "park1-* works" in _lianji(plant.folder, "user", "list")
    token = _lianji(plant.folder, "token", "add", "mes", "--scope", "read", "--site", "park1-*")
    for site in ("park1-2", "works"):
        line = f"{site},machine=m1 value=77123.5"
        key = {"Authorization": f"Bearer {(plant.folder / 'data' / 'cli.key').read_text()}"}
        assert plant.http.post(f"{plant.address}/write", content=line, headers=key).is_success
    headers = {"Authorization": f"Bearer {token.strip()}"}

    def asked(path: str, **parameters: str) -> httpx.Response:
        return plant.http.get(f"{plant.address}{path}", params=parameters, headers=headers)

    wait_until(lambda: "park1-2/m1/value" in asked("/api/tags").text, what="the tag is there")
    assert [row["tag"] for row in asked("/api/last", tags="*").json()["rows"]] == [
        "park1-2/m1/value"
    ]
    assert asked("/api/last", tags="works/m1/value").status_code == 404
    sql = {"query": "SELECT DISTINCT tag FROM samples"}
    found = plant.http.post(f"{plant.address}/api/sql", json=sql, headers=headers).json()
    assert found["rows"] == [{"tag": "park1-2/m1/value"}]
    assert asked("/api/status").json()["problems"] == []
    _lianji(plant.folder, "user", "sites", "li")
    assert "park1" not in _lianji(plant.folder, "user", "list")


def test_the_command_line_says_what_is_wrong(folder: Path) -> None:
    def said(*arguments: str) -> str:
        done = lianji_command(*arguments, "--plant", folder)
        assert done.returncode == 1
        return done.stderr.decode()

    assert "password-needed" in said("user", "add", "anna")
    assert "password-short" in said("user", "add", "anna", "--password-stdin")
    assert "user-missing" in said("user", "remove", "anna")
    assert "token-missing" in said("token", "remove", "x")
    _add_user(folder, "anna", "administrator")
    assert "last-administrator" in said("user", "role", "anna", "viewer")


def test_the_audit_command_finds_a_forged_row(folder: Path) -> None:
    import sqlite3

    _add_user(folder, "anna", "administrator")
    _add_user(folder, "bob", "viewer")
    state = sqlite3.connect(folder / "data" / "state.db")
    state.execute("UPDATE audit SET who = 'nobody' WHERE sequence = 1")
    state.commit()
    state.close()
    done = lianji_command("audit", "--plant", folder)
    assert done.returncode == 1
    assert "Entry 1 of the audit log was changed" in done.stderr.decode()


def test_an_open_plant_is_refused_on_a_network(folder: Path) -> None:
    settings = folder / "lianji.toml"
    settings.write_text(
        settings.read_text().replace('host = "127.0.0.1"', 'open = true\nhost = "0.0.0.0"')
    )
    done = lianji_command("run", "--plant", folder, "--port", "0")
    assert done.returncode == 1
    assert "open = true makes everybody administrator" in done.stderr.decode()


def test_who_may_not_read_the_key_is_told_so(plant: PlantProcess) -> None:
    (plant.folder / "data" / "cli.key").unlink()
    done = lianji_command("status", "--plant", plant.folder)
    assert done.returncode == 1 and "key-unreadable" in done.stderr.decode()
    with httpx.Client(trust_env=False) as client:
        assert client.get(f"{plant.address}/health").status_code == 200
