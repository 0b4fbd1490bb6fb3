"""What replaces parts of other packages at run time: one module a patch.

Each names the version it was written for and what is wrong there, with the public issue where there
is one. For each a test runs the original and fails once it is mended upstream: then the patch goes.
A second test fails when another version is installed, so that nobody raises one without looking.

Nothing is imported here: streamlit-webrtc declares its component as it is imported, and what is
declared before Streamlit's runtime is there is not found by the pages.
"""
