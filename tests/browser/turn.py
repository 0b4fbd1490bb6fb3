"""A real coturn on this machine, and the traffic that its log reports."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

from tests.certificates import certificate
from tests.servers import free_port, wait_until_it_listens

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
        self.port, self.tls_port = free_port(), free_port()
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

    def wait_until_ready(self) -> None:
        wait_until_it_listens(self.process, self.port, self.log)

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
