"""The server and the nginx that docs/DEPLOY.md describes, on ports of this machine."""

from __future__ import annotations

import os
import re
import shlex
import shutil
import socket
import ssl
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from fer_core.paths import ROOT
from tests.browser.conftest import Dashboard
from tests.certificates import certificate, trust_flag
from tests.servers import free_port, wait_until_it_listens

# Debian's lies where only root's PATH leads.
NGINX = shutil.which("nginx") or shutil.which("nginx", path="/usr/sbin")

HOST = "fer.example.org"
"""The name in docs/DEPLOY.md."""

# What the distribution's own nginx.conf says around it, as little as possible.
AROUND = """
daemon off;
{user}
worker_processes 1;
pid {folder}/nginx.pid;
error_log stderr warn;
events {{ worker_connections 512; }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
{server}
}}
"""


def documented(kind: str) -> str:
    """The block of this kind, ``sh`` or ``nginx``, in the section on nginx."""
    text = (ROOT / "docs" / "DEPLOY.md").read_text()
    section = text.partition("\n## A plain server with nginx\n")[2].partition("\n## ")[0]
    (block,) = re.findall(rf"^```{kind}\n(.*?)^```", section, re.MULTILINE | re.DOTALL)
    return str(block)


def changed(block: str, name: str, value: str) -> str:
    """The block with another value of a directive that stands in it once."""
    text, count = re.subn(rf"\b{name}(\s+)[^;]+;", rf"{name}\g<1>{value};", block)
    if count != 1:
        raise ValueError(f"docs/DEPLOY.md says {name} {count} times")
    return text


class PlainServer(Dashboard):
    """The dashboard by the command of docs/DEPLOY.md, on a port of its own."""

    def command(self) -> list[str]:
        line = documented("sh").splitlines()[-1]
        programs = shlex.quote(str(Path(sys.executable).parent))
        here = {"PATH=$PWD/.venv/bin:": f"PATH={programs}:", "PORT=8501 ": f"PORT={self.port} "}
        for written, meant in here.items():
            if written not in line:
                raise ValueError(f"docs/DEPLOY.md does not say {written}")
            line = line.replace(written, meant)
        # exec: the signal that ends it must reach the dashboard, not a shell that waits for it.
        return ["sh", "-c", f"exec env {line}"]


class Proxy:
    """nginx in the foreground, with the block of docs/DEPLOY.md before a dashboard.

    ``changes``: other values of some of its directives. Its output is in ``log``.
    """

    def __init__(self, folder: Path, dashboard_port: int, **changes: str) -> None:
        assert NGINX is not None
        self.port = free_port()
        self.pem = certificate(folder / "nginx.pem")
        self.log = folder / "nginx.log"
        settings = folder / "nginx.conf"
        # root's nginx would work as somebody who may not write into the folders of tests.
        user = "user root;" if os.geteuid() == 0 else ""
        server = self._block(dashboard_port, changes)
        settings.write_text(AROUND.format(folder=folder, user=user, server=server))
        command = [NGINX, "-c", str(settings), "-p", str(folder), "-e", "stderr"]
        tried = subprocess.run([*command, "-t"], capture_output=True, text=True)
        assert tried.returncode == 0, tried.stderr
        assert "[warn]" not in tried.stderr, tried.stderr
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=subprocess.STDOUT)

    def _block(self, dashboard_port: int, changes: Mapping[str, str]) -> str:
        here = {
            "listen": f"127.0.0.1:{self.port} ssl",
            "ssl_certificate": str(self.pem),
            "ssl_certificate_key": str(self.pem),
            "proxy_pass": f"http://127.0.0.1:{dashboard_port}",
        }
        block = documented("nginx")
        for name, value in {**here, **changes}.items():
            block = changed(block, name, value)
        return block

    def wait_until_ready(self) -> None:
        wait_until_it_listens(self.process, self.port, self.log)

    def chromium_flags(self) -> list[str]:
        """For a Chromium to which this is https://fer.example.org."""
        there = f"MAP {HOST}:443 127.0.0.1:{self.port}"
        return [f"--host-resolver-rules={there}", "--no-proxy-server", trust_flag(self.pem)]

    def trust(self) -> ssl.SSLContext:
        """For clients that are no browser and call it localhost."""
        return ssl.create_default_context(cafile=self.pem)

    def connect(self) -> ssl.SSLSocket:
        plain = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        return self.trust().wrap_socket(plain, server_hostname="localhost")

    def stop(self) -> None:
        self.process.terminate()
        self.process.wait()
