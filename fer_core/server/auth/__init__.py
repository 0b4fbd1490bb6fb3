"""Who may use the dashboard: one shared password, and what must not be open by mistake.

docs/AUTH.md describes it. Sign-in with accounts (OpenID Connect) is Streamlit's own and lives in
fer_core/ui/auth.py. Here are the hash of the access password, the session cookie, the throttle of
logins, and the gate that lets no request past without a session.
"""
