"""``python -m fer_core``."""

from fer_core.cli.main import main

main(prog_name="python -m fer_core")
