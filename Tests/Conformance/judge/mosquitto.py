"""Mosquitto with all its links, and its clients."""

import os
import shutil
import socket
import subprocess
import tempfile
import threading
import time
from pathlib import Path

from judge.case import certificates


# The scenarios' own range, below the kernel's for outgoing connections.
_ports = iter(range(22000, 28000))
_lock = threading.Lock()


def free_port():
    """A port of 127.0.0.1 that nobody listens at, different at each call."""
    with _lock:
        for port in _ports:
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                    return port
                except OSError:
                    pass
    raise AssertionError("no port is free")


class Mosquitto:
    """A broker on loopback with a folder of its own. `ports` has a port for each link."""

    # A login that `login` wants.
    user, secret = "judge", "pa ss:word"

    def __init__(self, program=None):
        self.program = program or [shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin")]
        self.folder = Path(tempfile.mkdtemp(prefix="judge-mosquitto-"))
        self.folder.chmod(0o755)
        self.socket = self.folder / "socket"
        self.ports = {link: free_port() for link in ("tcp", "tls", "mutual", "ws", "wss", "login")}
        self._write()
        self.child = None

    def _write(self):
        folder = certificates()
        secrets = self.folder / "passwords"
        subprocess.run(["mosquitto_passwd", "-c", "-b", secrets, self.user, self.secret],
                       check=True, capture_output=True)
        tls = [f"certfile {folder / 'server.pem'}", f"keyfile {folder / 'server.key'}"]
        lines = ["per_listener_settings true", "user root", "persistence false",
                 "max_queued_messages 0", "max_inflight_messages 100"]
        for link, extra in {
                "tcp": [], "tls": tls, "ws": ["protocol websockets"],
                "mutual": [*tls, f"cafile {folder / 'ca.pem'}", "require_certificate true"],
                "wss": ["protocol websockets", *tls], "login": []}.items():
            lines += [f"listener {self.ports[link]} 127.0.0.1", *extra]
            lines += ["allow_anonymous false", f"password_file {secrets}"] if link == "login" else [
                "allow_anonymous true"]
        lines += [f"listener 0 {self.socket}", "allow_anonymous true"]
        (self.folder / "conf").write_text("\n".join(lines) + "\n")

    def start(self):
        """Starts it; returns once it listens."""
        with open(self.folder / "log", "ab") as log:
            self.child = subprocess.Popen(
                [*self.program, "-c", str(self.folder / "conf"), "-v"], stdout=log, stderr=log,
                stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + 20
        while True:
            assert self.child.poll() is None, self.log()
            assert time.monotonic() < deadline, self.log()
            try:
                socket.create_connection(("127.0.0.1", self.ports["login"]), 1).close()
                return self
            except OSError:
                time.sleep(0.05)

    def log(self):
        """What it has said."""
        return (self.folder / "log").read_text(errors="replace")[-3000:]

    def stop(self):
        """Ends it."""
        if self.child and self.child.poll() is None:
            self.child.terminate()
            try:
                self.child.wait(5)
            except subprocess.TimeoutExpired:
                self.child.kill()
                self.child.wait()

    def remove(self):
        """Ends it and removes its folder."""
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)
