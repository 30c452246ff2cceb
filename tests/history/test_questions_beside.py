"""What lies beside the samples: what corrections replaced, and what people noted."""

from __future__ import annotations

from pathlib import Path

import pytest

from lianji.base.errors import InputError, NotFound
from lianji.history import annotations as module
from lianji.history.annotations import Annotation, Annotations
from tests.history.conftest import SECOND, START_US, Rooms

END_US = START_US + 100 * SECOND


def test_what_a_correction_replaced_is_told_in_every_process(rooms: Rooms) -> None:
    rooms.put("p/a", [1, 2], [10, 20])
    rooms.history.flush()
    assert rooms.stored().modified(["p/a"], START_US, END_US).num_rows == 0
    rooms.put("p/a", [2], [21])
    rooms.history.flush()
    for history in (rooms.history, rooms.stored()):
        [row] = history.modified(["p/*"], START_US, END_US).to_pylist()
        assert (row["tag"], row["value"], row["kind"]) == ("p/a", 20, "replaced")
    assert rooms.history.modified(["p/a"], START_US, START_US + SECOND).num_rows == 0


def test_a_note_is_seen_by_every_process_at_once(rooms: Rooms) -> None:
    rooms.put("p/a", [1], [1])
    rooms.put("q/b", [1], [1])
    other = rooms.stored()
    assert other.annotations().num_rows == 0
    first = rooms.history.annotate("p/*", START_US, END_US, "mould changed", "li")
    other.annotate("q/b", START_US, START_US, "换模")
    for history in (rooms.history, other):
        assert history.annotations().column("text").to_pylist() == ["mould changed", "换模"]
        [note] = history.annotations(["p/a"]).to_pylist()
        assert (note["id"], note["author"]) == (first, "li")
        assert history.annotations(["p/a"], END_US + 1).num_rows == 0
        assert history.annotations(None, START_US - 9, START_US).num_rows == 0


def test_the_newest_of_an_id_counts_and_a_deleted_one_is_gone(rooms: Rooms) -> None:
    history, other = rooms.history, rooms.stored()
    note = history.annotate("p/a", START_US, END_US, "wrong")
    assert other.annotate("p/a", START_US, END_US, "right", identity=note) == note
    assert history.annotations().column("text").to_pylist() == ["right"]
    history.delete_annotation(note)
    assert other.annotations().num_rows == 0
    with pytest.raises(NotFound):
        other.delete_annotation(note)
    with pytest.raises(NotFound):
        history.annotate("p/a", START_US, END_US, "again", identity="no-such-note")


def test_notes_of_two_writers_at_once_are_all_kept_in_few_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "FILES_A_MONTH_MAX", 5)
    writers = [Annotations(tmp_path / "annotations", "plant") for _ in range(2)]
    for number in range(20):
        writers[number % 2].write(Annotation("p/a", START_US + number, END_US, str(number)))
    assert [note.text for note in writers[0].all()] == [str(number) for number in range(20)]
    fresh = Annotations(tmp_path / "annotations", "plant")
    assert len(fresh.all()) == 20
    assert fresh._log is not None and len(fresh._log.files) <= 6


@pytest.mark.parametrize(
    "note",
    [
        Annotation("", START_US, END_US, "text"),
        Annotation("p/a", START_US, END_US, "  "),
        Annotation("p/a", END_US, START_US, "text"),
        Annotation("p/a", START_US, END_US, "x" * 10_001),
    ],
)
def test_a_note_that_says_nothing_is_refused(tmp_path: Path, note: Annotation) -> None:
    with pytest.raises(InputError):
        Annotations(tmp_path / "annotations", "plant").write(note)
