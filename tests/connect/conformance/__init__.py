"""What every driver must do on bad days: one kit, applied to each driver and its peer.

A driver's tests make a ``World``: the driver, tags that its peer answers, and the peer's faults.
Then they run every check that makes sense for the protocol:

    @pytest.mark.parametrize("check", checks_for("modbus"), ids=name_of)
    async def test_conforms(check: Check) -> None:
        async with my_world(check.between) as world:
            await check.run(world)

What makes no sense for a protocol stands in ``exempt.EXEMPT`` with its reason; nothing else is
left out. The peers of the real drivers are servers that nobody here wrote; what those cannot be
asked to do (half a frame, another id) is done by a proxy before them.
"""

from __future__ import annotations

from tests.connect.conformance.checks import CHECKS, Check, name_of
from tests.connect.conformance.exempt import checks_for
from tests.connect.conformance.world import Fault, World

__all__ = ["CHECKS", "Check", "Fault", "World", "checks_for", "name_of"]
