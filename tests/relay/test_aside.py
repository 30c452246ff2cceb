"""What is set aside: kept once, by whoever comes first, whatever comes at the same moment."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from lianji.relay.aside import Aside


def test_many_requests_of_an_edge_may_be_set_aside_at_the_same_moment(tmp_path: Path) -> None:
    aside = Aside(tmp_path)

    def keep(number: int) -> None:
        aside.keep("plant", f"parted-{number % 100}", b"%d" % (number % 100))

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(keep, range(400)))
    assert {one.what for one in aside.list()} == {f"parted-{n}" for n in range(100)}
