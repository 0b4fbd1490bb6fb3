"""Videos in, timelines and files out."""

from functools import partial

import streamlit as st

from fer_core.ui.services import owner, page_jobs
from fer_core.ui.shared.models import models_in_use, models_line
from fer_core.ui.shared.watch import watch
from fer_core.ui.video.job_list import job_list
from fer_core.ui.video.page import failures, upload_form, what_to_expect
from fer_core.ui.video.result import open_job, open_newest, shown

st.title("Facial expressions in videos")
jobs = page_jobs()
in_use = models_in_use()
open_newest(jobs)
drawn = shown(jobs)
upload_form(jobs, in_use)
failures()
if jobs.jobs(owner()):
    job_list(jobs)
    open_job(jobs)
else:
    what_to_expect()
models_line(in_use)
watch(partial(shown, jobs), drawn)
