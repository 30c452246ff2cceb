"""Who may do what: passwords, roles, sessions, tokens, the audit log, and the gate before it all.

``guard`` is what other rooms of the web import. What loads SQLAlchemy or argon2 is loaded when
somebody first logs in, not when the process starts.
"""
