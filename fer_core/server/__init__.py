"""The HTTP parts beside the pages: API, sign-in, guards, headers. Does not import Streamlit."""
