"""Which checks make no sense for which driver, and why. There is no other way to leave one out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from tests.connect.conformance.checks import CHECKS, Check

_TELLS = "a broker tells and is never asked, so there is no read and no block"
_PUSHED = "changes are pushed, so there is no read and no block; opcua-polled has them"
_SAME = "tags are opened and addressed as they are where they are polled: see opcua-polled"
_WHOLE = "the fake hands over whole answers in memory: it has no frames"
_READS = (
    "decodes_a_row_a_point_in_the_blocks_order",
    "survives_a_cancelled_read",
    "another_id_is_a_desync_a_timeout_or_a_lost_link",
    "garbage_is_a_desync_a_timeout_or_a_lost_link",
    "half_a_frame_and_the_end_of_the_connection_is_a_desync_a_timeout_or_a_lost_link",
    "half_a_frame_and_nothing_more_is_a_desync_a_timeout_or_a_lost_link",
)

EXEMPT: Mapping[str, Mapping[str, str]] = {
    "fake": {
        "an_answer_given_twice_harms_nothing": _WHOLE,
        "half_a_frame_and_the_end_of_the_connection_is_noticed_and_never_stored": _WHOLE,
        "half_a_frame_and_nothing_more_is_noticed_and_never_stored": _WHOLE,
        "half_a_frame_and_the_end_of_the_connection_is_a_desync_a_timeout_or_a_lost_link": _WHOLE,
        "half_a_frame_and_nothing_more_is_a_desync_a_timeout_or_a_lost_link": _WHOLE,
    },
    "modbus": {},
    "opcua-polled": {},
    "opcua-subscribed": {
        **dict.fromkeys(_READS, _PUSHED),
        "says_in_words_what_is_wrong_with_an_address": _SAME,
        "closes_twice_and_opens_again": _SAME,
        "opens_or_gives_up_in_time_when_the_peer_hangs": _SAME,
    },
    "mqtt": {
        **dict.fromkeys(_READS, _TELLS),
        "another_id_is_noticed_and_never_stored": (
            "a message answers no question and has no id that it could get wrong"
        ),
        "never_takes_a_late_answer_for_anothers": (
            "what nobody asked for cannot be late; it names its topic itself"
        ),
    },
}
"""Driver -> check -> why it is exempted."""


def checks_for(driver: str) -> Sequence[Check]:
    return [check for check in CHECKS if check.name not in EXEMPT[driver]]
