#!/bin/sh
# Runs before each start on a host: checks whether the dashboard can start, and says why not.
set -eu
: "${PORT:?PORT is not set. This script is for a host that sets it; on your own computer use make run}"
command -v streamlit >/dev/null || { echo "The packages of requirements.txt are not installed." >&2; exit 1; }
exec python -m fer_core check
