"""Which parts of a device do not answer, so that they cost nobody else their time.

Behind one gateway stand many slaves, and one that is switched off must not stop the others. A
space that gave nothing but time-outs is silent: it is left out, and one request now and then asks
whether it is back. A block that times out while its neighbours answer is treated the same.
"""

from __future__ import annotations

from collections.abc import Callable, Hashable, Iterable, Sequence
from dataclasses import dataclass, field

from lianji.connect.backoff import Backoff
from lianji.connect.driver import Block

PATIENCE = 2
"""So many time-outs in a row without an answer between them make a space silent."""


@dataclass(slots=True)
class _Wait:
    backoff: Backoff
    until_s: float = 0.0


@dataclass(slots=True)
class Silence:
    """Told of each answer and time-out; says which blocks are worth a request.

    Times are monotonic. The caller brings the clock and the back-off.
    """

    backoff: Callable[[], Backoff] = Backoff
    _waits: dict[Hashable, _Wait] = field(default_factory=dict)
    _streaks: dict[Hashable, int] = field(default_factory=dict)
    _timeouts: list[Block] = field(default_factory=list)
    _probed: set[Hashable] = field(default_factory=set)

    def begin(self, blocks: Sequence[Block], now_s: float) -> list[Block]:
        """What to try of these blocks: of a silent space its first, if its wait is over."""
        self._timeouts.clear()
        self._probed.clear()
        if not self._waits:
            return list(blocks)
        return [block for block in blocks if self._worth_it(block, now_s)]

    def _worth_it(self, block: Block, now_s: float) -> bool:
        wait = self._waits.get(block.space)
        if wait is not None:
            if now_s < wait.until_s or block.space in self._probed:
                return False
            self._probed.add(block.space)
            return True
        slow = self._waits.get(_name(block))
        return slow is None or now_s >= slow.until_s

    def skips(self, block: Block) -> bool:
        """True once this cycle has shown that the block's space does not answer."""
        if not self._streaks or block.space in self._probed:
            return False
        return self._streaks.get(block.space, 0) >= PATIENCE

    def timed_out(self, block: Block) -> None:
        self._streaks[block.space] = self._streaks.get(block.space, 0) + 1
        self._timeouts.append(block)

    def answered(self, block: Block) -> None:
        """An answer of any kind; a refusal is one too."""
        if self._streaks:
            self._streaks.pop(block.space, None)
        if self._waits:
            self._waits.pop(block.space, None)
            self._waits.pop(_name(block), None)

    def end(self, now_s: float) -> None:
        """Draw the conclusions of a cycle."""
        silent = {
            block.space: None
            for block in self._timeouts
            if self._streaks.get(block.space, 0) >= PATIENCE
        }
        for block in self._timeouts:
            if block.space not in silent:
                self._wait(_name(block), now_s)
        for space in silent:
            self._wait(space, now_s)

    def covers(self, spaces: Iterable[Hashable]) -> bool:
        """True if all of these spaces are silent: then it is the link and not a slave."""
        return all(space in self._waits for space in spaces)

    def any(self) -> bool:
        return bool(self._waits)

    def clear(self) -> None:
        """The link is new: everything is worth a try."""
        self._waits.clear()
        self._streaks.clear()

    def _wait(self, key: Hashable, now_s: float) -> None:
        wait = self._waits.setdefault(key, _Wait(self.backoff()))
        wait.until_s = now_s + wait.backoff.failed()


def _name(block: Block) -> Hashable:
    return ("block", block.space, block.start, block.end)
