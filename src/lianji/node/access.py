"""Who may enter a plant: by its state database while it runs, and from the command line."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING

from lianji.node.folder import PlantFolder
from lianji.node.settings import WebSettings, load_settings
from lianji.node.state_place import open_state
from lianji.web.access.access import Access, KeptAccess, OpenAccess
from lianji.web.access.accounts import Accounts
from lianji.web.access.client import networks

if TYPE_CHECKING:
    from lianji.node.plant import Plant


def access_to(plant: Plant, key: str) -> Access:
    """How the running plant knows who asks. ``key`` is what the command line shows."""
    settings = plant.configuration.settings.web
    accounts = Accounts(lambda: plant.state, settings.idle_h, settings.session_h)
    if settings.open:
        return OpenAccess(accounts, this_machine_only=True)
    return KeptAccess(accounts, key, networks(settings.proxies))


@contextmanager
def accounts_of(folder: PlantFolder) -> Iterator[Accounts]:
    """The users and tokens of a plant, whether it runs or not; a running one sees what is changed
    within seconds. Raises NotFound, InputError, StorageError."""
    settings: WebSettings = load_settings(folder.root).web
    state = open_state(folder.root)
    try:
        yield Accounts(lambda: state, settings.idle_h, settings.session_h)
    finally:
        state.close()
