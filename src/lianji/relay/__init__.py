"""The relay: from an edge's spool to its hub's, once and only once.

    lanes      the names of lanes, and what a mark is            (pure)
    sending    which records go next, by an edge's own book      (pure)
    ledger     what a hub takes, knows already, or refuses       (pure)
    wire       bodies of records, digests, limits                (pure)
    uplink     the edge's threads: spool -> HTTPS
    receiving  the hub's side of a request: HTTPS -> spool
    door       the hub's port: TLS, routes, limits
    trust/     certificates, invitations, who may write what

See docs/decisions/0011-relay.md.
"""
