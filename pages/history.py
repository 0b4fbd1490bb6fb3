"""What was kept: sessions to find, read, compare, take out and delete."""

import streamlit as st

from fer_core.ui.history.deletion import undo_line
from fer_core.ui.history.filters import filters, no_match
from fer_core.ui.history.page import (
    actions,
    compare,
    more_line,
    newest,
    nothing_saved,
    open_session,
    session_list,
    watch_listed,
    where_line,
)
from fer_core.ui.services import page_history
from fer_core.ui.shared.watch import watch

st.title("History")
store = page_history()
where_line(store)
undo_line(store)

everything = store.count()
if not everything:
    nothing_saved()
    watch(store.count, everything)
    st.stop()

wanted = filters(store)
sessions = newest(store, wanted)
if not sessions:
    no_match()
    watch(lambda: store.count(**wanted), 0)
    st.stop()

chosen = session_list(store, sessions)
watch_listed(store, wanted, sessions)
more_line(store, wanted, len(sessions))
actions(store, chosen, everything)
# Who comes here has most often just saved something: that is open until another is selected.
match chosen or sessions[:1]:
    case [session]:
        open_session(store, session)
    case several:
        compare(store, several)
