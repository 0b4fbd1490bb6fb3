"""What was kept: sessions to find, read, compare, take out and delete."""

import streamlit as st

from fer_core.ui.history.page import (
    actions,
    compare,
    filters,
    nothing_saved,
    open_session,
    session_list,
    undo_line,
    where_line,
)
from fer_core.ui.services import page_history

st.title("History")
store = page_history()
where_line(store)
undo_line(store)

everything = store.count()
if not everything:
    nothing_saved()
    st.stop()

sessions = filters(store)
if not sessions:
    st.info("No session matches these filters.", icon=":material/filter_alt_off:")
    st.stop()

chosen = session_list(store, sessions)
actions(store, chosen, everything)
if len(chosen) == 1:
    open_session(store, chosen[0])
elif chosen:
    compare(store, chosen)
