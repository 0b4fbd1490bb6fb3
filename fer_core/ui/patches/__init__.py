"""Patches that replace parts of other packages at run time, one module each.

Each names the version it was written for and what is wrong there, with the public issue if there is
one. For each patch a test runs the original and fails once it is fixed upstream, so that the patch
can be removed. A second test fails when another version is installed, so that every upgrade is
reviewed.

Nothing is imported here: streamlit-webrtc declares its component on import, and pages do not find
a component declared before Streamlit's runtime exists.
"""
