#!/bin/sh
# Runs before the dashboard at each start of a dyno: is what was built able to start?
set -eu
: "${PORT:?PORT is not set: this script is for a host that sets it, locally use make run}"
python -c "import fer_core" || { echo "The packages of requirements.txt are not installed." >&2; exit 1; }
python -m fer_core weights status
