"""The table of exemptions says nothing that is not so."""

from __future__ import annotations

from tests.connect.conformance.checks import CHECKS, name_of
from tests.connect.conformance.exempt import EXEMPT


def test_every_exemption_names_a_check_and_gives_its_reason() -> None:
    names = {name_of(check) for check in CHECKS}
    for driver, exemptions in EXEMPT.items():
        assert exemptions.keys() <= names, driver
        assert all(len(reason.split()) >= 5 for reason in exemptions.values()), driver
