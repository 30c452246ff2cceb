"""The command line as people and scripts use it: data on stdout, messages on stderr, exit codes."""

from __future__ import annotations

import csv
import io
import json
import signal
import subprocess
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

import lianji
from tests.faults.ledger import Ledger
from tests.faults.test_kill import Pusher
from tests.peers import free_port, wait_until
from tests.peers.modbus import libmodbus_server
from tests.peers.opcua import opcua_server
from tests.system.plant import (
    PlantProcess,
    lianji_command,
    lianji_program,
    plant_process,
    write_device,
    write_plant,
    write_tags,
)

pytestmark = pytest.mark.system

START_S = 1_769_846_400
START = "2026-01-31T08:00:00+00:00"
END = "2026-01-31T08:01:00Z"
TAG = "p/pushed/number"
CHINESE = {"LIANJI_LANG": "zh"}


@pytest.fixture(scope="module")
def modbus() -> Iterator[int]:
    with libmodbus_server() as port:
        yield port


@pytest.fixture(scope="module")
def history(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plant that was run, holds 120 samples of one tag and a text, and stands still."""
    folder = write_plant(tmp_path_factory.mktemp("cli") / "plant")
    with plant_process(folder) as plant:
        lines = [f"p/pushed number={n} {START_S + n}" for n in range(120)]
        lines.append(f'p/pushed name="a ""comma"", 注塑" {START_S}'.replace('""', '\\"'))
        assert plant.write("\n".join(lines), precision="s").status_code == 204
        plant.stop()
    return folder


def error_of(done: subprocess.CompletedProcess[bytes], code: str) -> str:
    """What a failed command said: exit 1, nothing on stdout, cause, remedy and code on stderr."""
    said = done.stderr.decode()
    assert done.returncode == 1, said
    assert done.stdout == b""
    assert f"[{code}]" in said
    assert "Traceback" not in said
    return said


# -- questions: every form parses back, and holds nothing but data --------------------------------


def as_json(*arguments: object) -> list[dict[str, Any]]:
    done = lianji_command(*arguments, "--json")
    assert (done.returncode, done.stderr) == (0, b"")
    rows: list[dict[str, Any]] = json.loads(done.stdout)
    return rows


def as_csv(*arguments: object) -> list[dict[str, str]]:
    done = lianji_command(*arguments, "--csv")
    assert (done.returncode, done.stderr) == (0, b"")
    return list(csv.DictReader(io.StringIO(done.stdout.decode())))


def as_arrow(*arguments: object) -> pa.Table:
    done = lianji_command(*arguments, "--arrow")
    assert (done.returncode, done.stderr) == (0, b"")
    return pa.ipc.open_stream(done.stdout).read_all()


def test_read_gives_the_same_samples_in_every_form(history: Path) -> None:
    question = ("read", TAG, "--start", START, "--end", END, "--plant", history)
    wanted = [float(n) for n in range(60)]
    assert [row["value"] for row in as_json(*question)] == wanted
    assert [float(row["value"]) for row in as_csv(*question)] == wanted
    table = as_arrow(*question)
    assert table.column("value").to_pylist() == wanted
    assert table.column("time")[0].as_py() == datetime(2026, 1, 31, 8, tzinfo=UTC)
    assert [row["time"] for row in as_json(*question)][:1] == [START]
    shown = lianji_command(*question)
    assert shown.returncode == 0
    assert "2026-01-31 08:00:59.000Z" in shown.stdout.decode()


def test_texts_survive_csv_and_json(history: Path) -> None:
    question = ("last", "p/pushed/name", "--plant", history)
    text = 'a "comma", 注塑'
    assert [row["text"] for row in as_json(*question)] == [text]
    assert [row["text"] for row in as_csv(*question)] == [text]
    assert as_arrow(*question).column("text").to_pylist() == [text]


def test_last_without_tags_gives_all(history: Path) -> None:
    rows = {row["tag"]: row for row in as_json("last", "--plant", history)}
    assert set(rows) == {TAG, "p/pushed/name"}
    assert rows[TAG]["value"] == 119


def test_aggregate_gives_one_row_an_interval(history: Path) -> None:
    question = ("aggregate", TAG, "--start", START, "--end", "2026-01-31T08:02:00Z")
    more = ("--step", "1min", "-f", "min", "-f", "max", "-f", "count", "--plant", history)
    rows = as_json(*question, *more)
    assert [(row["min"], row["max"], row["count"]) for row in rows] == [(0, 59, 60), (60, 119, 60)]
    assert [float(row["max"]) for row in as_csv(*question, *more)] == [59, 119]
    assert as_arrow(*question, *more).column("min").to_pylist() == [0, 60]


def test_sql_asks_the_samples(history: Path) -> None:
    query = "select tag, sum(value) as total, count(*) as n from samples group by tag order by tag"
    question = ("sql", query, "--plant", history)
    [name, number] = as_json(*question)
    assert name == {"tag": "p/pushed/name", "total": None, "n": 1}
    assert number == {"tag": TAG, "total": 7140.0, "n": 120}
    assert as_csv(*question)[1]["total"] in ("7140", "7140.0")
    assert as_arrow(*question).column("n").to_pylist() == [1, 120]


def test_a_wrong_query_says_what_is_wrong_in_both_languages(history: Path) -> None:
    done = lianji_command("sql", "select nonsense from samples", "--plant", history)
    assert done.returncode == 1 and done.stdout == b""
    assert b"nonsense" in done.stderr
    chinese = lianji_command("sql", "drop table samples", "--plant", history, **CHINESE)
    assert chinese.returncode == 1 and chinese.stdout == b""
    assert "错误" in chinese.stderr.decode()


def test_unknown_tags_and_wrong_times_are_named(history: Path) -> None:
    assert "p/nobody" in error_of(
        lianji_command("read", "p/nobody", "--plant", history), "tag-unknown"
    )
    done = lianji_command("read", TAG, "--start", "yesterday-ish", "--plant", history)
    assert done.returncode in (1, 2)
    assert b"yesterday-ish" in done.stderr and b"Traceback" not in done.stderr


def test_two_forms_at_once_are_wrong_usage(history: Path) -> None:
    done = lianji_command("last", "--json", "--csv", "--plant", history)
    assert done.returncode == 2
    assert done.stdout == b""
    assert b"--arrow" in done.stderr


def test_a_reader_that_leaves_is_no_failure(history: Path) -> None:
    query = "select * from range(200000)"
    command = [lianji_program(), "sql", query, "--csv", "--plant", str(history)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as child:
        assert child.stdout is not None and child.stderr is not None
        assert child.stdout.readline()
        child.stdout.close()
        said = child.stderr.read()
        assert (child.wait(30), said) == (0, b"")


# -- which plant ----------------------------------------------------------------------------------


def test_the_plant_is_the_option_else_the_variable_else_the_current_folder(
    history: Path, tmp_path: Path
) -> None:
    question = ("last", TAG, "--json")
    option = lianji_command(*question, "--plant", history, cwd=tmp_path)
    variable = lianji_command(*question, cwd=tmp_path, LIANJI_PLANT=str(history))
    here = lianji_command(*question, cwd=history)
    both = lianji_command(*question, "--plant", history, cwd=tmp_path, LIANJI_PLANT="/nowhere")
    for done in (option, variable, here, both):
        assert done.returncode == 0, done.stderr
        assert json.loads(done.stdout)[0]["value"] == 119
    said = error_of(lianji_command(*question, cwd=tmp_path), "plant-missing")
    assert "lianji init" in said
    chinese = lianji_command(*question, cwd=tmp_path, **CHINESE)
    assert "没有工厂" in error_of(chinese, "plant-missing")


# -- init, devices, tags --------------------------------------------------------------------------


def test_from_init_to_a_tested_device(tmp_path: Path, modbus: int) -> None:
    folder = tmp_path / "new" / "plant"
    done = lianji_command("init", folder, "--name", "works")
    assert (done.returncode, done.stdout) == (0, b"")
    assert b"lianji run" in done.stderr
    assert "already" in error_of(lianji_command("init", folder), "plant-exists")

    add = ("device", "add", "press1", "modbus", "host=127.0.0.1", f"port={modbus}")
    done = lianji_command(*add, "interval_ms=500", "--plant", folder)
    assert done.returncode == 0, done.stderr
    assert (folder / "devices" / "press1.toml").exists()
    [device] = as_json("device", "list", "--plant", folder)
    assert (device["device"], device["protocol"], device["tags"]) == ("press1", "modbus", 0)

    absent = lianji_command(
        "device", "add", "press2", "modbus", "host=127.0.0.1", f"port={free_port()}",
        "--plant", folder,
    )  # fmt: skip
    assert absent.returncode == 1 and b"127.0.0.1" in absent.stderr
    assert not (folder / "devices" / "press2.toml").exists()
    wrong = lianji_command("device", "add", "x", "modbos", "host=1", "--plant", folder)
    assert wrong.returncode == 1 and b"modbus" in wrong.stderr

    table = tmp_path / "press1.csv"
    table.write_text(
        "﻿path,device,address,type,unit\n"
        "works/press1/a,press1,hr:7,uint16,bar\n"
        "works//b,press1,hr:8,uint16,bar\n"
        "works/press1/c,press1,hr:9,uint16,no-such-unit\n"
        "works/press1/d,press1,co:3,bool,\n",
        encoding="utf-8",
    )
    done = lianji_command("tag", "import", table, "--plant", folder)
    assert done.returncode == 1
    assert b"2 tags" in done.stderr and b"2 rejected" in done.stderr
    rejected = done.stdout.decode()
    assert "works//b" in rejected and "no-such-unit" in rejected
    assert [line.split()[0] for line in rejected.splitlines()] == ["line", "3", "4"]
    assert lianji_command("tag", "check", "--plant", folder).returncode == 0

    done = lianji_command("device", "test", "press1", "--plant", folder, "--json")
    assert done.returncode == 0, done.stderr
    rows = json.loads(done.stdout)
    assert [(row["tag"], row["value"]) for row in rows] == [
        ("works/press1/a", 7),
        ("works/press1/d", 1),
    ]

    out = tmp_path / "all.csv"
    done = lianji_command("tag", "export", out, "--plant", folder)
    assert (done.returncode, done.stdout) == (0, b"")
    exported = list(csv.DictReader(out.open(encoding="utf-8-sig")))
    assert [row["path"] for row in exported] == ["works/press1/a", "works/press1/d"]
    with_problem = lianji_command("tag", "import", tmp_path / "absent.csv", "--plant", folder)
    assert with_problem.returncode == 1 and b"absent.csv" in with_problem.stderr


def test_a_device_can_be_browsed_into_a_tag_table(tmp_path: Path) -> None:
    folder = write_plant(tmp_path / "plant")
    with opcua_server(variables=2) as server:
        write_device(folder, "imm", "opcua", url=server.url)
        rows = as_json("device", "browse", "imm", "--plant", folder)
        assert {"Double", "Pressure"} <= {row["name"].rsplit("/", 1)[-1] for row in rows}
        table = tmp_path / "imm.csv"
        done = lianji_command("device", "browse", "imm", "--as-tags", table, "--plant", folder)
        assert (done.returncode, done.stdout) == (0, b"")
        done = lianji_command("tag", "import", table, "--plant", folder)
        assert done.returncode == 0, done.stdout
        done = lianji_command("device", "test", "imm", "--plant", folder, "--json")
        assert len(json.loads(done.stdout)) == len(rows)


def test_an_unknown_device_is_named(tmp_path: Path) -> None:
    folder = write_plant(tmp_path / "plant")
    for verb in ("test", "browse"):
        done = lianji_command("device", verb, "ghost", "--plant", folder)
        assert "ghost" in error_of(done, "device-unknown")


def test_a_table_in_gbk_or_with_wrong_columns_is_refused_in_plain_words(tmp_path: Path) -> None:
    folder = write_plant(tmp_path / "plant")
    gbk = tmp_path / "gbk.csv"
    gbk.write_bytes("path,device,address,description_zh\np/a,x,hr:1,温度\n".encode("gbk"))
    done = lianji_command("tag", "import", gbk, "--plant", folder)
    taken = lianji_command("tag", "check", "--plant", folder)
    assert b"Traceback" not in done.stderr
    if done.returncode == 0:
        assert "温度" in (folder / "tags" / "gbk.csv").read_text(encoding="utf-8-sig")
    else:
        assert b"UTF-8" in done.stderr and taken.returncode == 0
    wrong = tmp_path / "wrong.csv"
    wrong.write_text("pfad;adresse\np/a;hr:1\n")
    done = lianji_command("tag", "import", wrong, "--plant", folder)
    assert done.returncode == 1
    assert b"path" in done.stderr + done.stdout
    assert not (folder / "tags" / "wrong.csv").exists()


# -- run, status, doctor --------------------------------------------------------------------------


def test_status_and_doctor_of_a_plant_that_stands_still(history: Path) -> None:
    said = error_of(lianji_command("status", "--plant", history), "plant-stopped")
    assert "lianji run" in said
    done = lianji_command("doctor", "--plant", history, "--json")
    assert done.returncode == 0, done.stderr
    found = {row["check"]: row for row in json.loads(done.stdout)}
    assert "121 rows" in found["history table"]["what"]
    assert found["running"]["what"] == "not running"
    chinese = lianji_command("doctor", "--plant", history, **CHINESE)
    assert chinese.returncode == 0
    assert "历史表" in chinese.stdout.decode()


def test_status_and_doctor_of_a_running_plant(tmp_path: Path, modbus: int) -> None:
    folder = write_plant(tmp_path / "plant")
    write_device(folder, "press1", "modbus", host="127.0.0.1", port=modbus, interval_ms=100)
    write_tags(folder, "press1", "p/press1/a,hr:7,uint16")
    with plant_process(folder) as plant:
        plant.wait_last("p/press1/a", lambda row: row["value"] == 7)
        done = lianji_command("status", "--plant", folder, "--json")
        assert (done.returncode, done.stderr) == (0, b"")
        assert json.loads(done.stdout)["devices"][0]["name"] == "press1"
        shown = lianji_command("status", "--plant", folder)
        assert shown.returncode == 0
        for word in ("press1", "modbus", "spool", "history"):
            assert word in shown.stdout.decode()
        chinese = lianji_command("status", "--plant", folder, **CHINESE)
        assert "历史" in chinese.stdout.decode()
        assert lianji_command("doctor", "--plant", folder).returncode == 0
        second = lianji_command("run", "--plant", folder, "--port", "0")
        assert "Another process" in error_of(second, "plant-in-use")
        assert json.loads((folder / "data" / "running.json").read_text())["pid"] == (
            plant.child.pid if plant.child else None
        )
        plant.stop()


def test_a_taken_port_is_named(tmp_path: Path, modbus: int) -> None:
    folder = write_plant(tmp_path / "plant")
    done = lianji_command("run", "--plant", folder, "--port", modbus)
    assert str(modbus) in error_of(done, "port-taken")
    assert not (folder / "data" / "running.json").exists()


def test_wrong_settings_name_file_and_field_in_both_languages(tmp_path: Path) -> None:
    folder = write_plant(tmp_path / "plant", spool="bytes_max = 5\ncolour = 1")
    for environment, words in (({}, "Error"), (CHINESE, "错误")):
        done = lianji_command("run", "--plant", folder, **environment)
        said = error_of(done, "settings-invalid")
        assert "lianji.toml" in said and "bytes_max" in said and "colour" in said
        assert words in said


def test_sigterm_under_load_ends_soon_with_everything_acknowledged_on_disk(tmp_path: Path) -> None:
    folder = write_plant(tmp_path / "plant", flush_s=1)
    with plant_process(folder) as plant:
        pushers = [Pusher(writer, plant, tmp_path / "ledger", 0) for writer in range(4)]
        for pusher in pushers:
            pusher.start()
        wait_until(lambda: sum(p.answered for p in pushers) > 100, what="load")
        took_s = plant.stop()
        for pusher in pushers:
            pusher.end()
    ledger = Ledger.read(tmp_path / "ledger")
    print(f"{took_s:.2f} s to end, {ledger.samples} samples")
    tags = sorted({sending.tag for sending in ledger.sent})
    found = lianji.open(folder).history.read(tags, 0, 4_102_444_800_000_000)
    assert ledger.problems(found) == []


def test_help_lists_every_verb_in_the_language_of_the_terminal() -> None:
    verbs = ("demo", "init", "run", "device", "tag", "import", "read", "last", "aggregate", "sql")
    shown = lianji_command("--help").stdout.decode()
    for verb in (*verbs, "doctor", "status"):
        assert verb in shown
    assert "采集" in lianji_command("--help", **CHINESE).stdout.decode()


def test_ctrl_c_ends_a_plant_as_sigterm_does(tmp_path: Path) -> None:
    folder = write_plant(tmp_path / "plant")
    plant = PlantProcess(folder).start()
    assert plant.child is not None
    plant.child.send_signal(signal.SIGINT)
    assert plant.child.wait(10) == 0
    plant.end()
