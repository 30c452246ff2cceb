"""Tables on standard output: what each form says, and what it never says."""

from __future__ import annotations

import csv
import io
import json
from datetime import UTC, datetime

import pyarrow as pa
import pytest
import typer

from lianji.base.errors import NotFound, Text
from lianji.cli import output
from lianji.cli.output import Form, form_of, show, show_rows
from lianji.cli.speech import complain, language

TABLE = pa.table(
    {
        "tag": pa.array(["p/a", "p/a", "p/b"]).dictionary_encode(),
        "time": pa.array([0, 1, 2], pa.timestamp("us", tz="UTC")),
        "value": [1.5, float("nan"), None],
        "text": [None, 'say "hi", 你好', "two\nlines"],
    }
)


def test_json_is_one_array_without_what_json_cannot_say(capsys: pytest.CaptureFixture[str]) -> None:
    show(TABLE, Form.JSON)
    rows = json.loads(capsys.readouterr().out)
    assert [row["value"] for row in rows] == [1.5, None, None]
    assert rows[1]["text"] == 'say "hi", 你好'
    assert datetime.fromisoformat(rows[1]["time"]) == datetime(1970, 1, 1, 0, 0, 0, 1, UTC)


def test_csv_keeps_quotes_commas_and_lines(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    show(TABLE, Form.CSV)
    rows = list(csv.DictReader(io.StringIO(capfdbinary.readouterr().out.decode(), newline="")))
    assert [row["text"] for row in rows] == ["", 'say "hi", 你好', "two\nlines"]
    assert [row["tag"] for row in rows] == ["p/a", "p/a", "p/b"]


def test_arrow_is_the_table_itself(capfdbinary: pytest.CaptureFixture[bytes]) -> None:
    show(TABLE, Form.ARROW)
    read = pa.ipc.open_stream(capfdbinary.readouterr().out).read_all()
    assert read.schema == TABLE.schema
    assert read.column("text").to_pylist() == TABLE.column("text").to_pylist()


def test_a_table_for_eyes_is_cut_and_says_so(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(output, "ROWS_SHOWN_MAX", 2)
    show(TABLE, Form.TABLE)
    shown = capsys.readouterr()
    assert "p/a" in shown.out and "p/b" not in shown.out


def test_rows_that_were_never_arrow_have_the_same_forms(
    capfdbinary: pytest.CaptureFixture[bytes],
) -> None:
    rows = [{"device": "a", "settings": {"x": 1}}, {"device": "b", "settings": None}]
    show_rows(rows, Form.JSON, ["device", "settings"])
    assert json.loads(capfdbinary.readouterr().out) == rows
    show_rows(rows, Form.CSV, ["device", "settings"])
    found = list(csv.DictReader(io.StringIO(capfdbinary.readouterr().out.decode())))
    assert [row["settings"] for row in found] == ['{"x": 1}', ""]


def test_two_forms_at_once_are_refused() -> None:
    assert form_of(False, True) is Form.CSV
    assert form_of(False, False) is Form.TABLE
    with pytest.raises(typer.BadParameter):
        form_of(True, True)


@pytest.mark.parametrize(
    ("variables", "wanted"),
    [
        ({"LIANJI_LANG": "zh"}, "zh"),
        ({"LIANJI_LANG": "en", "LANG": "zh_CN.UTF-8"}, "en"),
        ({"LANG": "zh_CN.UTF-8"}, "zh"),
        ({"LC_ALL": "C", "LANG": "zh_CN.UTF-8"}, "en"),
        ({}, "en"),
    ],
)
def test_the_language_is_that_of_the_terminal(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], wanted: str
) -> None:
    for name in ("LIANJI_LANG", "LC_ALL", "LC_MESSAGES", "LANG"):
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert language() == wanted


def test_a_complaint_has_cause_remedy_and_code_and_its_brackets_stay(
    capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("LIANJI_LANG", "zh")
    error = NotFound(
        "tag-unknown",
        Text("No [bold] tag.", "没有 [bold] 标签。"),
        Text("Look.", "请检查。"),
    )
    complain(error)
    said = capfd.readouterr()
    assert said.out == ""
    for part in ("错误", "[bold]", "请检查", "[tag-unknown]"):
        assert part in said.err
