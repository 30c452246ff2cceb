"""However a block is parsed, fast or line by line, the rows and the rejected lines are the same."""

from __future__ import annotations

import gzip
from pathlib import Path

from hypothesis import given
from hypothesis import strategies as st

from lianji.connect.files.csv_blocks import BlockParser
from tests.connect.files.reading import pieces, refusal, samples_of

CELLS = st.sampled_from(["", "1", "2.5", "x y", "温", "\xff", " "])
ROWS = st.lists(CELLS, max_size=5).map(",".join)
ENDS = st.sampled_from(["\n", "\r\n"])


@given(st.lists(st.tuples(ROWS, ENDS), max_size=12), st.sampled_from(["utf-8", "gb18030"]))
def test_fast_and_slow_parsing_agree(rows: list[tuple[str, str]], encoding: str) -> None:
    content = "".join(row + end for row, end in rows).encode(encoding, "ignore")
    parser = BlockParser(",", 3, encoding)
    fast, next_fast = parser.parse(content, 10, 5)
    slow, next_slow = parser._line_by_line(content, 10, 5)
    assert [column.to_pylist() for column in fast.columns] == [
        column.to_pylist() for column in slow.columns
    ]
    assert fast.lines.tolist() == slow.lines.tolist()
    assert fast.ordinals.tolist() == slow.ordinals.tolist()
    assert fast.rejected == slow.rejected
    assert next_fast == next_slow
    wanted = [10 + at for at, (row, _) in enumerate(rows) if row]
    assert sorted(fast.lines.tolist() + [entry.line for entry in fast.rejected]) == wanted


def test_a_packed_file_that_breaks_off_says_so(tmp_path: Path) -> None:
    rows = "".join(
        f"2024-01-01T00:{i // 60:02}:{i % 60:02}Z,{i * 7919 % 1000}\n" for i in range(3600)
    )
    whole = gzip.compress(f"time,a\n{rows}".encode())
    (tmp_path / "whole.csv.gz").write_bytes(whole)
    assert len(samples_of(pieces(tmp_path / "whole.csv.gz"))) == 3600
    (tmp_path / "torn.csv.gz").write_bytes(whole[: len(whole) // 2])
    assert refusal(tmp_path / "torn.csv.gz").code == "import-unreadable"
    (tmp_path / "none.csv.gz").write_bytes(b"time,a\n")
    assert refusal(tmp_path / "none.csv.gz").code == "import-unreadable"
