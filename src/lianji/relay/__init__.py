"""The relay: from an edge's spool to its hub's, once and only once.

    lanes      the names of lanes, and what a mark is            (pure)
    sending    which records go next, by an edge's own book      (pure)
    ledger     what a hub takes, knows already, or refuses       (pure)
    wire       bodies of records, digests, limits                (pure)
    uplink     the edge's threads: spool -> HTTPS
    receiving  the hub's side of a request: HTTPS -> spool
    door       the hub's port: TLS, routes, limits
    overview   a hub's view of its plants                    (pure); plant_row is what it says
    remembered what was last heard of each, kept
    trust/     certificates, invitations, who may write what

See docs/decisions/0011-relay.md.
"""
