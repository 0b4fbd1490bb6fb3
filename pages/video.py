"""Videos in, timelines and files out."""

import streamlit as st

from fer_core.ui.services import page_jobs
from fer_core.ui.shared.models import models_in_use
from fer_core.ui.video.page import failures, job_list, upload_form
from fer_core.ui.video.result import open_job

st.title("Facial expressions in videos")
jobs = page_jobs()
upload_form(jobs, models_in_use())
failures()
job_list(jobs)
open_job(jobs)
