"""A real coturn on this machine, and what its log says it carried."""

from __future__ import annotations

import re
import shutil
import socket
import subprocess
import time
from pathlib import Path

from tests.certificates import certificate

TURNSERVER = shutil.which("turnserver")

SECRET = "the secret of these tests"

CONFIGURATION = """
listening-ip=127.0.0.1
relay-ip=127.0.0.1
listening-port={port}
tls-listening-port={tls_port}
cert={pem}
pkey={pem}
min-port=40000
max-port=40999
realm=tests
use-auth-secret
static-auth-secret={secret}
allow-loopback-peers
no-dtls
no-cli
no-rfc5780
fingerprint
verbose
log-file=stdout
simple-log
pidfile={folder}/turn.pid
userdb={folder}/turn.sqlite
"""


class Relay:
    """``turnserver`` on a port of its own; who signs in there must know ``SECRET``."""

    def __init__(self, folder: Path) -> None:
        with socket.socket() as probe, socket.socket() as another:
            probe.bind(("127.0.0.1", 0))
            another.bind(("127.0.0.1", 0))
            self.port: int = probe.getsockname()[1]
            self.tls_port: int = another.getsockname()[1]
        self.pem = certificate(folder / "turn.pem")
        settings = folder / "turn.conf"
        settings.write_text(
            CONFIGURATION.format(
                port=self.port, tls_port=self.tls_port, pem=self.pem, secret=SECRET, folder=folder
            )
        )
        self.log = folder / "turn.log"
        assert TURNSERVER is not None
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(
                [TURNSERVER, "-c", str(settings)], stdout=log, stderr=subprocess.STDOUT, cwd=folder
            )

    def wait_until_ready(self, timeout_s: float = 20.0) -> None:
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline and self.process.poll() is None:
            try:
                with socket.create_connection(("127.0.0.1", self.port), timeout=1):
                    return
            except OSError:
                time.sleep(0.1)
        raise RuntimeError(f"coturn did not start:\n{self.log.read_text()}")

    def url(self, transport: str) -> str:
        """Of the server; ``transport`` is udp, tcp or tls."""
        if transport == "tls":
            return f"turns:localhost:{self.tls_port}?transport=tcp"
        return f"turn:127.0.0.1:{self.port}?transport={transport}"

    def allocations(self) -> int:
        """How many relays were opened, by the browser and by the dashboard."""
        return len(re.findall(r"ALLOCATE processed, success", self.log.read_text()))

    def relayed_bytes(self) -> int:
        """What it carried between browser and dashboard in the sessions that are over."""
        found = re.findall(r"peer usage: .*rb=(\d+), sp=\d+, sb=(\d+)", self.log.read_text())
        return sum(int(received) + int(sent) for received, sent in found)

    def stop(self) -> None:
        self.process.kill()
        self.process.wait()
