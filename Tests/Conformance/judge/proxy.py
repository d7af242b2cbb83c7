"""Proxies of both kinds, which do as a scenario tells them."""

import base64
import socket
import struct
import threading

from judge.server import Server


class Proxy(Server):
    """Waits for one client after the other, and carries its bytes to where it wants to go."""

    def __init__(self, kind, login=None, refuses=None):
        super().__init__()
        self.kind = kind
        self.login = login
        self.refuses = refuses
        self.targets = []
        self.logins = []
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while True:
            try:
                peer = self.raw(3600)
            except OSError:
                return
            threading.Thread(target=self._serve, args=[peer], daemon=True).start()

    def _serve(self, peer):
        try:
            target = self._http(peer) if self.kind == "http" else self._socks(peer)
            if target:
                self.targets.append(target)
                self._carry(peer.connection, socket.create_connection(("127.0.0.1", target[1])))
        except (OSError, AssertionError):
            pass
        finally:
            peer.close()

    def _http(self, peer):
        head = peer.read_request()
        method, target, _ = head.split(b"\r\n")[0].decode().split(" ")
        assert method == "CONNECT"
        given = peer.header("Proxy-Authorization")
        if given:
            self.logins.append(base64.b64decode(given.split(" ")[1]).decode())
        if self.login and (not self.logins or self.logins[-1] != self.login):
            peer.send(b"HTTP/1.1 407 Proxy Authentication Required\r\n"
                      b"Proxy-Authenticate: Basic realm=x\r\nContent-Length: 0\r\n\r\n")
            return None
        if self.refuses:
            peer.send(b"HTTP/1.1 %d No\r\nContent-Length: 0\r\n\r\n" % self.refuses)
            return None
        peer.send(b"HTTP/1.1 200 Connection established\r\nVia: judge\r\n\r\n")
        host, _, port = target.rpartition(":")
        return host, int(port)

    def _socks(self, peer):
        count = peer.read(2)[1]
        methods = peer.read(count)
        if self.login:
            if 2 not in methods:
                peer.send(b"\x05\xff")
                return None
            peer.send(b"\x05\x02")
            assert peer.read(1) == b"\x01"
            name = peer.read(peer.read(1)[0]).decode()
            secret = peer.read(peer.read(1)[0]).decode()
            self.logins.append(f"{name}:{secret}")
            good = self.logins[-1] == self.login
            peer.send(b"\x01\x00" if good else b"\x01\x01")
            if not good:
                return None
        else:
            peer.send(b"\x05\x00")
        _, command, _, kind = peer.read(4)
        assert command == 1
        if kind == 1:
            host = socket.inet_ntoa(peer.read(4))
        elif kind == 3:
            host = peer.read(peer.read(1)[0]).decode()
        else:
            host = socket.inet_ntop(socket.AF_INET6, peer.read(16))
        port = struct.unpack(">H", peer.read(2))[0]
        peer.send(bytes([5, self.refuses or 0, 0, 1, 0, 0, 0, 0, 0, 0]))
        return None if self.refuses else (host, port)

    @staticmethod
    def _carry(near, far):
        near.settimeout(None)

        def copy(source, sink):
            try:
                while data := source.recv(65536):
                    sink.sendall(data)
                sink.shutdown(socket.SHUT_WR)
            except OSError:
                pass

        back = threading.Thread(target=copy, args=[far, near], daemon=True)
        back.start()
        copy(near, far)
        back.join(5)
        far.close()
