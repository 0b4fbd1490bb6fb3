"""Entry of `streamlit run app.py`: the pages, and the HTTP routes mounted beside them."""

import streamlit as st
from starlette.middleware import Middleware

from fer_core import api
from fer_core.ui import doors, uploads
from fer_core.ui.assets import ROUTES
from fer_core.ui.crowd import expect_a_crowd
from fer_core.ui.static_files import StaticFromMemory
from fer_core.ui.stores import tidy_at_start

tidy_at_start()
expect_a_crowd()

# st.App rather than pages straight in this file: a cold deep link such as /live would otherwise
# start Streamlit's old pages/ mode and render without the navigation.
app = st.App(
    "fer_core/ui/router.py",
    routes=[*api.routes(), *doors.routes(), *ROUTES],
    middleware=[*doors.middleware(), *uploads.middleware(), Middleware(StaticFromMemory)],
    secrets=doors.oidc_secrets(),
)
