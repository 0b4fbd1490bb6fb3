"""Entry of `streamlit run app.py`: the pages, and the HTTP routes mounted beside them."""

import sys
from pathlib import Path

import streamlit as st
from pydantic import ValidationError
from starlette.middleware import Middleware

from fer_core import ui
from fer_core.server import api
from fer_core.settings import setting_problems, settings
from fer_core.ui import auth, styled_pages, uploads
from fer_core.ui.live import playback_pictures
from fer_core.ui.patches import clicks, downloads, ended_runs, shutdown
from fer_core.ui.server_tuning import tune_server
from fer_core.ui.services import lifespan, tidy_at_start
from fer_core.ui.shared.assets import ROUTES
from fer_core.ui.static_files import StaticFromMemory
from fer_core.ui.video import film_route

try:
    settings()
except ValidationError as error:
    sys.exit("\n".join(setting_problems(error)))

if st.get_option("server.baseUrlPath").strip("/"):
    # Its gate, limits and addresses are at fixed paths.
    sys.exit(
        "server.baseUrlPath: the dashboard cannot be below a path of another site. Unset it, and "
        "give the dashboard a host name of its own."
    )

tidy_at_start()
tune_server()
clicks.install()
downloads.install()
ended_runs.install()
shutdown.install()

# st.App rather than pages straight in this file: a cold deep link such as /live would otherwise
# start Streamlit's old pages/ mode and render without the navigation.
app = st.App(
    Path(ui.__file__).with_name("router.py"),
    routes=[
        *api.routes(),
        *auth.routes(),
        *ROUTES,
        *styled_pages.ROUTES,
        *film_route.ROUTES,
        *playback_pictures.ROUTES,
    ],
    middleware=[
        *auth.middleware(),
        *uploads.middleware(),
        Middleware(StaticFromMemory),
        Middleware(styled_pages.StyledPages),
    ],
    secrets=auth.oidc_secrets(),
    lifespan=lifespan,
)
