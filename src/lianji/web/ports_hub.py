"""What the page of a hub is handed besides what every plant's is."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any, Protocol

from lianji.relay.plant_row import PlantRow

if TYPE_CHECKING:
    from lianji.relay.reconcile.comparing import Difference
    from lianji.relay.reconcile.run import Run


class ReconcilingView(Protocol):
    """The comparisons of a hub with its edges. ``newest`` and ``found`` block.

    ``node.reconciling.reconciler.Reconciler`` says more of each.
    """

    async def start(
        self,
        edge: str,
        from_us: int | None = None,
        to_us: int | None = None,
        *,
        everything: bool = False,
        repair: bool = False,
        by: str = "",
    ) -> Run: ...

    def newest(self) -> list[Run]: ...

    def found(self, number: int, limit: int) -> tuple[Run, Sequence[Difference]]: ...


class PlantsView(Protocol):
    """A hub's plants. All block shortly, so they are asked from a worker thread.

    ``node.plants.Plants`` says more of each.
    """

    @property
    def name(self) -> str: ...

    @property
    def version(self) -> str: ...

    def rows(self, sees: Callable[[str], bool] | None = None) -> list[PlantRow]: ...

    def row(self, name: str, sees: Callable[[str], bool] | None = None) -> PlantRow: ...

    def detail(self, name: str) -> dict[str, Any]: ...

    def set_aside(self, name: str, what: str) -> bytes: ...

    def invite(self, name: str, sites: Sequence[str], by: str) -> str: ...

    def revoke(self, name: str, by: str) -> None: ...

    def delete_site(self, site: str, by: str) -> dict[str, Any]: ...


class MessagesView(Protocol):
    """What a hub told its edges."""

    def all(self, edge: str | None = None, count: int = 100) -> Sequence[object]:
        """The newest first; see ``relay.messages.store.Message``. It blocks."""
        ...
