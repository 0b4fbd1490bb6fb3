"""streamlit-webrtc 0.79: one start in forty fails, and so does a start right after a stop.

The first came with https://github.com/whitphx/streamlit-webrtc/pull/2478, which stops cameras whose
page was left; the second is similar to https://github.com/whitphx/streamlit-webrtc/pull/2540.
"""

from __future__ import annotations

import streamlit as st
from streamlit_webrtc import component as webrtc_component

WRITTEN_FOR = "streamlit-webrtc", "0.79.0"


def mend_context(key: str) -> None:
    """Correct the state that streamlit-webrtc 0.79 keeps of a camera, before it uses it.

    Two of its bugs make starts fail:

    - It treats a jump of the session's ``script_run_count`` as a page that was left, and stops the
      worker. But Streamlit counts a run only when its last message is sent, so quick reruns, as
      during signalling, also make the count jump (one start in forty). A page that was really left
      can be recognised: Streamlit then drops the component's value.
    - If the user presses Start so soon after Stop that both reach the server in one rerun, it sees
      no stop, and answers the new offer with the answer to the old one. So state of another offer
      is removed here.
    """
    context = st.session_state.get(key)
    value = st.session_state.get(webrtc_component.generate_frontend_component_key(key))
    if context is None or value is None:
        return
    context._last_rendered_run_count = None
    offer = value.get("sdpOffer")
    # Two reruns of one session may overlap, and any use of session_state may end the older one.
    # So all of this uses only the context, under the lock that guards the worker.
    with context._worker_creation_lock:
        if offer and offer != getattr(context, "_offer_in_work", None):
            webrtc_component._reset_context(context)
            context._offer_in_work = offer
        # The cleanup after a slow stop may end late, and remove the state of a newer start.
        context._set_state(webrtc_component.compile_state(value))
