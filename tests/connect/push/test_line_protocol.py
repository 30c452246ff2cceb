"""Line protocol: what a body means, and what is refused with which reason."""

from __future__ import annotations

import numpy as np
import pytest

from lianji.base.errors import InputError
from lianji.connect.push import line_protocol
from lianji.connect.push.line_protocol import LineParser, parse_lines
from lianji.connect.push.parsed import BODY_BYTES_MAX, REJECTED_LISTED_MAX, Parsed, Precision
from lianji.dictionary.tag import check_path

NOW = 1_750_000_000_000_000
Sample = tuple[str, int, float | str]


def samples(parsed: Parsed) -> list[Sample]:
    texts = [None] * len(parsed) if parsed.texts is None else parsed.texts.to_pylist()
    return [
        (parsed.paths[index], int(time), float(value) if text is None else text)
        for index, time, value, text in zip(
            parsed.path_index, parsed.times_us, parsed.values, texts, strict=True
        )
    ]


def one(line: str) -> Sample:
    parsed = parse_lines(line.encode(), "ns", NOW)
    assert not parsed.rejected, parsed.rejected
    (sample,) = samples(parsed)
    return sample


def reason(line: str | bytes) -> str:
    body = line.encode() if isinstance(line, str) else line
    parsed = parse_lines(body, "ns", NOW)
    assert not len(parsed)
    assert parsed.rejected_count == 1
    return parsed.rejected[0].reason.en


def test_a_line_of_telegraf_gives_a_sample_a_field() -> None:
    body = b"cpu,host=edge7,cpu=cpu0 usage_idle=98.1,usage_user=1.5 1700000000123456789\n"
    assert samples(parse_lines(body, "ns", NOW)) == [
        ("cpu/cpu0/edge7/usage_idle", 1700000000123456, 98.1),
        ("cpu/cpu0/edge7/usage_user", 1700000000123456, 1.5),
    ]


def test_the_order_in_which_tags_are_sent_does_not_matter() -> None:
    body = b"m,b=2,a=1 x=1 1000\nm,a=1,b=2 x=2 2000"
    assert parse_lines(body, "ns", NOW).paths == ["m/1/2/x"]


@pytest.mark.parametrize(
    ("value", "meaning"),
    [
        ("1", 1.0),
        ("-12.5", -12.5),
        ("1.", 1.0),
        (".5", 0.5),
        ("-.5e-3", -0.0005),
        ("6.02E+23", 6.02e23),
        ("0.1", 0.1),
        ("12345678901234567890", 12345678901234567890.0),
        ("42i", 42.0),
        ("-9223372036854775808i", -9223372036854775808.0),
        ("18446744073709551615u", 18446744073709551615.0),
        ("007i", 7.0),
        ("t", 1.0),
        ("T", 1.0),
        ("true", 1.0),
        ("True", 1.0),
        ("TRUE", 1.0),
        ("f", 0.0),
        ("False", 0.0),
        ("FALSE", 0.0),
        ('"running"', "running"),
        ('""', ""),
        ('"a, b = c"', "a, b = c"),
        (r'"say \"hi\""', 'say "hi"'),
        (r'"C:\new\\x"', r"C:\new\x"),
        ('"two\nlines"', "two\nlines"),
        ('"温度过高"', "温度过高"),
    ],
)
def test_every_kind_of_value_is_read(value: str, meaning: float | str) -> None:
    assert one(f"m v={value} 1000") == ("m/v", 1, meaning)
    assert one(f"m v={value}") == ("m/v", NOW, meaning)


@pytest.mark.parametrize(
    ("value", "word"),
    [
        ("", "field"),
        ("nan", "field"),
        ("NaN", "field"),
        ("-inf", "field"),
        ("+1", "field"),
        ("0x1F", "timestamp"),
        ("1_000", "timestamp"),
        ("1e", "timestamp"),
        ("1.5i", "integer"),
        ("1e3i", "integer"),
        ("-1u", "integer"),
        ("0x1Fi", "timestamp"),
        ("9223372036854775808i", "too large"),
        ("18446744073709551616u", "too large"),
        ("1e999", "too large"),
        ("9" * 400, "too large"),
        ("9" * 5000 + "i", "too large"),
        ("tr", "timestamp"),
        ("yes", "field"),
        ("text", "timestamp"),
        ("'text'", "field"),
        ('"open', "field"),
        ("1,", "field"),
        ("1,v2", "field"),
        ("1,,v2=2", "field"),
        ("1=2", "timestamp"),
        ("1\t", "timestamp"),
    ],
)
def test_a_value_outside_the_grammar_is_refused_and_its_neighbours_stay(
    value: str, word: str
) -> None:
    body = f"good v=1 1000\nm v={value} 1000\ngood v=2 2000\n".encode()
    parsed = parse_lines(body, "ns", NOW)
    assert samples(parsed) == [("good/v", 1, 1.0), ("good/v", 2, 2.0)]
    (rejected,) = parsed.rejected
    assert rejected.line == 2
    assert rejected.text == f"m v={value} 1000"[:200]
    assert word in rejected.reason.en
    assert rejected.reason.zh


@pytest.mark.parametrize(
    "line",
    [
        "m",
        "m ",
        ",a=1 v=1",
        "m, v=1",
        "m,a v=1",
        "m,a= v=1",
        "m,=1 v=1",
        "m,a=b=c v=1",
        "m,a=1,a=2 v=1",
        "m =1",
        "m v",
        "m v=1 2 3",
        "m v=1 12.5",
        "m v=1 noon",
        "m v=1 0x10",
        "m v=1 9999999999999999999999",
        "m v=1 9000000000000000000",
        "m\tv=1",
        "m\x01 v=1",
        "m,a=\x7f v=1",
        "m v\x02=1",
        f"m {'x' * 300}=1",
        f"m,a={'x' * 300} v=1",
        '"m" "v"="',
    ],
)
def test_a_line_outside_the_grammar_is_refused_with_a_reason(line: str) -> None:
    assert reason(line)
    assert reason(line + "\r\n")


@pytest.mark.parametrize("line", [b"m\xff v=1", b"m,a=\xc3 v=1", b"m v\xfe=1", b'm v="\xff"'])
def test_what_is_not_utf8_is_refused(line: bytes) -> None:
    assert "UTF-8" in reason(line)


def test_escapes_in_names_are_undone_and_other_backslashes_kept() -> None:
    line = r"air\ flow\,total,line\ no=a\=b\,c,note=x\y m\=1=5 1000"
    assert one(line) == ("air flow%2Ctotal/a=b%2Cc/x%5Cy/m=1", 1, 5.0)


def test_an_escaped_comma_after_a_backslash_is_still_escaped() -> None:
    assert one(r"m,a=x\\,y v=1 1000")[0] == "m/x%5C%2Cy/v"


def test_blank_lines_comments_and_carriage_returns_are_passed_over() -> None:
    body = b'\n  \n# v=1, "odd\n  # too\r\n\r\n m v=1 1000 \r\nm  v=2   2000\r\nm v=3\r\nm v=4 \n'
    parsed = parse_lines(body, "ns", NOW)
    assert not parsed.rejected
    assert [(time, value) for _, time, value in samples(parsed)] == [
        (1, 1.0), (2, 2.0), (NOW, 3.0), (NOW, 4.0),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("precision", "raw", "time_us"),
    [
        ("ns", "1700000000123456999", 1700000000123456),
        ("ns", "-1", -1),
        ("ns", "-1500", -2),
        ("us", "1700000000123456", 1700000000123456),
        ("ms", "-1000", -1_000_000),
        ("s", "1700000000", 1700000000000000),
    ],
)
def test_times_are_read_in_the_precision_of_the_request(
    precision: Precision, raw: str, time_us: int
) -> None:
    for body in (f"m v=1 {raw}", f'm v=1 {raw}\nm t="x" {raw}'):
        assert set(parse_lines(body.encode(), precision, NOW).times_us) == {time_us}


@pytest.mark.parametrize("precision", ["us", "ms", "s"])
def test_a_time_in_the_wrong_precision_is_refused_and_not_wrapped_round(
    precision: Precision,
) -> None:
    body = b"m v=1 1700000000123456789\nm v=2 0\n"
    parsed = parse_lines(body, precision, NOW)
    assert samples(parsed) == [("m/v", 0, 2.0)]
    assert "precision" in parsed.rejected[0].reason.en


def test_names_that_a_path_cannot_hold_are_encoded_and_stay_apart() -> None:
    tags = ["/", "%2F", "a/b", "a;b", "a'b", 'a"b', "a`b", "\u00a0a", "a\u3000", "50%", "中文"]
    body = "".join(f"disk,path={tag} used=1 1000\n" for tag in tags).encode()
    parsed = parse_lines(body, "ns", NOW)
    assert not parsed.rejected
    assert len(parsed.paths) == len(tags)
    assert {"disk/%2F/used", "disk/%252F/used", "disk/a%2Fb/used"} < set(parsed.paths)
    for path in parsed.paths:
        check_path(path)


def test_a_measurement_may_be_a_path_already() -> None:
    assert one("plant/line1/m17 temp=1 1000")[0] == "plant/line1/m17/temp"
    assert one("//x temp=1 1000")[0] == "%2F%2Fx/temp"


def test_the_prefix_comes_before_every_path() -> None:
    parsed = parse_lines(b'm v=1\nm t="x"', "ns", NOW, "telegraf/")
    assert sorted(parsed.paths) == ["telegraf/m/t", "telegraf/m/v"]
    with pytest.raises(ValueError, match="tag path"):
        LineParser("/x")


def test_samples_keep_the_order_in_which_they_were_sent() -> None:
    body = b'm v=1 1000\nm v=2,t="a b" 1000\n\nm v=3 1000\nbad\nm v=4,t="c" 1000\nm v=5 1000'
    parsed = parse_lines(body, "ns", NOW)
    assert [value for _, _, value in samples(parsed)] == [1, 2, "a b", 3, 4, "c", 5]
    assert [rejected.line for rejected in parsed.rejected] == [5]


def test_an_open_quote_costs_its_own_line_only() -> None:
    body = b'm v=1 1000\nm t="open 2000\nm v=3 3000\nm t="closed" 4000\n'
    parsed = parse_lines(body, "ns", NOW)
    assert [value for _, _, value in samples(parsed)] == [1, 3, "closed"]
    assert [rejected.line for rejected in parsed.rejected] == [2]


def test_line_numbers_count_the_lines_within_strings() -> None:
    parsed = parse_lines(b'm t="1\n2\n3"\nbad line\n', "ns", NOW)
    assert [(r.line, r.text) for r in parsed.rejected] == [(4, "bad line")]


def test_a_line_without_end_is_refused_quickly_and_its_neighbours_stay() -> None:
    endless = [b"m v=1" + b",v=1" * 300_000, b"m" + b",a=b" * 300_000 + b" v=1", b"=" * 2_000_000]
    parsed = parse_lines(b"m v=1 1000\n" + b"\n".join(endless) + b"\nm v=2 2000", "ns", NOW)
    assert samples(parsed) == [("m/v", 1, 1.0), ("m/v", 2, 2.0)]
    assert ["1 MiB" in rejected.reason.en for rejected in parsed.rejected] == [True] * 3
    assert reason(b"m" + b",a=b" * 30_000 + b" v=1")


def test_an_empty_body_is_an_empty_batch() -> None:
    for body in (b"", b"\n", b"# nothing"):
        parsed = parse_lines(body, "ns", NOW)
        assert len(parsed) == 0
        assert parsed.paths == []
        assert parsed.texts is None


def test_columns_have_the_types_of_the_batch() -> None:
    parsed = parse_lines(b'm v=1\nm t="x"', "ns", NOW)
    assert parsed.path_index.dtype == np.int32
    assert parsed.times_us.dtype == np.int64
    assert parsed.values.dtype == np.float64
    assert parsed.quality.dtype == np.uint16
    assert parsed.texts is not None
    assert parsed.texts.to_pylist() == [None, "x"]


def test_a_body_of_many_chunks_is_the_same_as_its_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    body = b"".join(b"m,k=%d a=%d,b=t %d\n" % (i % 7, i, i * 1000) for i in range(500)) + b"m v=1"
    whole = samples(parse_lines(body, "ns", NOW))
    for size in (1, 100, 1000):
        monkeypatch.setattr(line_protocol, "_CHUNK_BYTES", size)
        assert samples(parse_lines(body, "ns", NOW)) == whole
    assert len(whole) == 1001


def test_many_series_times_many_fields_need_no_table_of_all_pairs(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("lianji.connect.push.line_columns._DENSE_PAIRS_MAX", 10)
    body = b"".join(b"m%d f%d=%d 1000\n" % (i % 50, i % 50, i) for i in range(100))
    parsed = parse_lines(body, "ns", NOW)
    assert len(parsed.paths) == 50
    assert samples(parsed)[51] == ("m1/f1", 1, 51.0)


def test_a_parser_gives_the_same_after_its_memory_was_renewed() -> None:
    parser = LineParser(series_max=10)
    for start in (0, 3, 30, 0):
        body = b"".join(b"m,k=%d v=1 1000\n" % i for i in range(start, start + 25))
        paths = parser.parse(body, "ns", NOW).paths
        assert paths == [f"m/{i}/v" for i in range(start, start + 25)]


def test_a_long_list_of_bad_lines_is_counted_and_cut() -> None:
    parsed = parse_lines(b"bad\n" * 5000 + b"m v=1\n", "ns", NOW)
    assert parsed.rejected_count == 5000
    assert len(parsed.rejected) == REJECTED_LISTED_MAX
    assert parsed.rejected[-1].line == REJECTED_LISTED_MAX
    assert len(parsed) == 1


def test_a_body_that_is_something_else_is_refused_as_a_whole() -> None:
    with pytest.raises(InputError) as caught:
        parse_lines(b"x\n" * (line_protocol.REFUSED_MAX + 1), "ns", NOW)
    assert caught.value.code == "body-not-line-protocol"


def test_a_body_above_the_limit_is_refused() -> None:
    with pytest.raises(InputError) as caught:
        parse_lines(b" " * (BODY_BYTES_MAX + 1), "ns", NOW)
    assert caught.value.code == "body-too-large"
