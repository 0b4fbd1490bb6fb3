"""Entry of `streamlit run app.py`: the pages, and the HTTP routes mounted beside them."""

import streamlit as st
from starlette.routing import Route

from fer_core.ui.assets import ROUTES
from fer_core.ui.readiness import readyz

# st.App rather than pages straight in this file: a cold deep link such as /live would otherwise
# start Streamlit's old pages/ mode and render without the navigation.
app = st.App("fer_core/ui/router.py", routes=[Route("/readyz", readyz), *ROUTES])
