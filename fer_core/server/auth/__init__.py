"""Access to the dashboard by a shared password, and the lock if no sign-in is set up.

docs/AUTH.md describes it. Sign-in with accounts (OpenID Connect) is Streamlit's own; see
fer_core/ui/auth.py. This package holds the hash of the access password, the session cookie, the
login throttle, and the gate that refuses requests without a session.
"""
