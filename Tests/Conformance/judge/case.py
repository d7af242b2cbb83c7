"""The base of all scenarios."""

import shutil
import ssl
import subprocess
import tempfile
import threading
import unittest
from pathlib import Path

from judge.driver import ROOT, Driver, quote
from judge.server import Server

LINKS = ("tcp", "tls", "ws", "wss", "unix")
VERSIONS = (3, 4, 5)
_lock = threading.Lock()
_folder = None


def certificates():
    """A folder with certificates of every kind, made once (Tests/Tools/test-ca)."""
    global _folder
    with _lock:
        if _folder is None:
            folder = Path(tempfile.mkdtemp(prefix="judge-ca-"))
            subprocess.run(
                [ROOT / "Tests/Tools/test-ca", folder], check=True, capture_output=True)
            _folder = folder
    return _folder


def remove_certificates():
    """At the end of a run."""
    if _folder:
        shutil.rmtree(_folder, ignore_errors=True)


def server_context(certificate="server.pem", key="server.key", client_ca=None, alpn=None):
    """A server's side of TLS."""
    folder = certificates()
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.set_ciphers("DEFAULT:@SECLEVEL=0")
    context.load_cert_chain(folder / certificate, folder / key)
    if client_ca:
        context.load_verify_locations(folder / client_ca)
        context.verify_mode = ssl.CERT_REQUIRED
    if alpn:
        context.set_alpn_protocols(alpn)
    return context


def across(versions=VERSIONS, links=("tcp",)):
    """Makes a scenario one for each version and link."""
    def mark(function):
        function.across = [(ver, link) for link in links for ver in versions]
        return function
    return mark


def each(cases):
    """Makes a scenario one for each case of a table: name to arguments."""
    def mark(function):
        function.cases = cases
        return function
    return mark


class Case(unittest.TestCase):
    """A scenario, with clients and servers that end with it."""

    maxDiff = None

    def __init_subclass__(cls, **options):
        super().__init_subclass__(**options)
        for name, function in list(vars(cls).items()):
            table = {}
            for ver, link in getattr(function, "across", ()):
                table[f"{ver}_{link}"] = (ver, link)
            for key, value in getattr(function, "cases", {}).items():
                table[key] = value
            if not table:
                continue
            delattr(cls, name)
            for label, arguments in table.items():
                setattr(cls, f"{name}__{label}", _bound(function, arguments))

    def setUp(self):
        self.evidence = ""

    def driver(self, **environment):
        """A client that was just started."""
        driver = Driver(environment)
        self.addCleanup(driver.close)
        return driver

    def server(self, link="tcp", **tls):
        """A server; with TLS where the link has it."""
        context = server_context(**tls) if link in ("tls", "wss") else None
        server = Server(link, context)
        self.addCleanup(server.close)
        return server

    def prepare(self, driver, server, new, *commands):
        """Makes a client that is about to connect to a server."""
        driver.do(f"new {new}")
        if server.context:
            driver.do(f"tls ca={quote(str(certificates() / 'ca.pem'))}")
        if server.link in ("ws", "wss"):
            driver.do("transport kind=ws path=/mqtt")
        if server.link == "unix":
            driver.do(f"transport kind=unix path={quote(server.path)}")
        for command in commands:
            driver.do(command)

    def online(self, ver=5, link="tcp", new="id=c", props=(), present=0, commands=()):
        """A client that is connected: driver, server and the server's end."""
        driver, server = self.driver(), self.server(link)
        self.prepare(driver, server, f"ver={ver} {new}", *commands)
        peer = self.join(driver, server, ver, props, present)
        return driver, server, peer

    def join(self, driver, server, ver, props=(), present=0, command="connect"):
        """Has the client connect, and accepts it."""
        where = f" host=localhost port={server.port}" if command == "connect" else ""
        driver.do(command + where)
        return self.admit(driver, server, ver, props, present)

    def admit(self, driver, server, ver, props=(), present=0):
        """Accepts a client that is on its way."""
        peer = server.accept()
        peer.connect_packet = peer.login(ver, 0, present, props)
        driver.event("connected", sp=present)
        return peer


def _bound(function, arguments):
    def scenario(self):
        return function(self, *arguments)
    scenario.__doc__ = function.__doc__
    return scenario
