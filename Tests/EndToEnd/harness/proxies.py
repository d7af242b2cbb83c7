"""Proxies, as small as they can be, that keep what they were asked for."""

import select
import socket
import struct

from harness.servers import BadServer
from harness.waiting import free_port


def carry(near, far):
    """Carries bytes both ways until either side ends."""
    with near, far:
        while True:
            ready, _, _ = select.select([near, far], [], [])
            for source in ready:
                data = source.recv(65536)
                if not data:
                    return
                (far if source is near else near).sendall(data)


class HTTPProxy:
    """Answers CONNECT; `login` is what it wants behind "Proxy-Authorization: Basic ", if anything."""

    def __init__(self, login=None):
        self.requests = []
        self._login = login
        self.port = free_port()
        self._server = BadServer(self.port, self._serve)

    def close(self):
        """Stops listening and closes everything."""
        self._server.close()

    def _serve(self, connection):
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            data = connection.recv(1)
            if not data:
                return
            head += data
        lines = head.decode().split("\r\n")
        self.requests.append(lines[0])
        if self._login and f"Proxy-Authorization: Basic {self._login}" not in lines:
            connection.sendall(b"HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
            connection.close()
            return
        host, _, port = lines[0].split()[1].rpartition(":")
        far = socket.create_connection((host, int(port)), 5)
        connection.sendall(b"HTTP/1.1 200 Connection established\r\n\r\n")
        carry(connection, far)


class SOCKSProxy:
    """SOCKS 5 without a login."""

    def __init__(self):
        self.requests = []
        self.port = free_port()
        self._server = BadServer(self.port, self._serve)

    def close(self):
        """Stops listening and closes everything."""
        self._server.close()

    def _serve(self, connection):
        # Nothing is read ahead: what follows the request is the broker's.
        stream = connection.makefile("rb", buffering=0)
        _, count = stream.read(2)
        stream.read(count)
        connection.sendall(b"\x05\x00")
        _, _, _, kind = stream.read(4)
        if kind == 3:
            host = stream.read(stream.read(1)[0]).decode()
        else:
            host = socket.inet_ntop(*((socket.AF_INET, stream.read(4)) if kind == 1 else (
                socket.AF_INET6, stream.read(16))))
        port, = struct.unpack(">H", stream.read(2))
        self.requests.append(f"{kind} {host}:{port}")
        far = socket.create_connection((host, port), 5)
        connection.sendall(b"\x05\x00\x00\x01" + bytes(6))
        carry(connection, far)
