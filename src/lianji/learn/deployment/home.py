"""Tags by their names at home: a model that learned at the hub knows them by the hub's.

There a plant's tags stand under the name that the plant has at its hub, if they do not anyway (see
``relay.naming``). A bundle stays as it was signed; what is renamed is the card that is worked with.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from lianji.learn.models.bundle import Bundle
from lianji.learn.models.card import Card


@dataclass(frozen=True, slots=True)
class Home:
    """What the plant is called at its hub (empty: nothing), and its own site."""

    edge: str = ""
    site: str = ""

    def path(self, path: str) -> str:
        """``<edge>/<site>/...`` is ``<site>/...`` here; all else stays."""
        if self.edge and path.startswith(f"{self.edge}/{self.site}/"):
            return path[len(self.edge) + 1 :]
        return path

    def bundle(self, bundle: Bundle) -> Bundle:
        return replace(bundle, card=self.card(bundle.card))

    def card(self, card: Card) -> Card:
        outputs = [
            one.model_copy(update={"tag": self.path(one.tag), "label": self.path(one.label)})
            for one in card.outputs
        ]
        inputs = [one.model_copy(update={"tag": self.path(one.tag)}) for one in card.inputs]
        gate = [one.model_copy(update={"tag": self.path(one.tag)}) for one in card.gate]
        return card.model_copy(update={"inputs": inputs, "outputs": outputs, "gate": gate})


NO_HUB = Home()
"""Of a plant that has joined none: every name stays."""
