"""Who may come in: one shared password, and what must not be open by mistake. See docs/DOORS.md.

Sign-in with accounts (OpenID Connect) is Streamlit's own and lives in fer_core/ui/auth.py; here is
the door of the access password: its hash, the ticket that a browser holds, the waits between tries,
and the gate that lets no request past without a ticket.
"""
