"""A server of any link that does byte for byte what a scenario tells it."""

import base64
import hashlib
import os
import socket
import ssl
import struct
import tempfile

from judge import wire

PATIENCE = 20
GUID = b"258EAFA5-E914-47DA-95CA-C5AB0DC85B11"


class Server:
    """Listens; `accept` gives the connections one by one."""

    def __init__(self, link="tcp", context=None):
        self.link = link
        self.folder = None
        self.context = context
        if link == "unix":
            self.folder = tempfile.TemporaryDirectory(prefix="judge-")
            self.path = os.path.join(self.folder.name, "socket")
            self.listener = socket.socket(socket.AF_UNIX)
            self.listener.bind(self.path)
            self.port = 0
        else:
            self.listener = socket.socket()
            self.listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            self.listener.bind(("127.0.0.1", 0))
            self.port = self.listener.getsockname()[1]
        self.listener.listen(64)
        self.peers = []

    def raw(self, within=PATIENCE):
        """The next connection, without TLS and WebSocket."""
        self.listener.settimeout(within)
        connection, _ = self.listener.accept()
        connection.settimeout(PATIENCE)
        if self.link != "unix":
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer = Peer(connection)
        self.peers.append(peer)
        return peer

    def accept(self, within=PATIENCE):
        """The next connection, up to where MQTT begins."""
        peer = self.raw(within)
        if self.context:
            peer.secure(self.context)
        if self.link in ("ws", "wss"):
            peer.upgrade()
        return peer

    def close(self):
        """Closes all."""
        self.listener.close()
        for peer in self.peers:
            peer.close()
        if self.folder:
            self.folder.cleanup()


class Peer:
    """One connection. What is read and written is MQTT; below it TLS and WebSocket where wanted."""

    def __init__(self, connection):
        self.connection = connection
        self.data = b""
        self.is_web = False
        self.request = None
        self.frames = b""
        self.control = []

    def secure(self, context):
        """The server's side of TLS."""
        self.connection = context.wrap_socket(self.connection, server_side=True)

    # WebSocket

    def read_request(self):
        """The head of an HTTP request."""
        head = b""
        while not head.endswith(b"\r\n\r\n"):
            byte = self.connection.recv(1)
            assert byte, "the request was cut off"
            head += byte
        self.request = head
        return head

    def header(self, name):
        """A field of the request."""
        for row in self.request.split(b"\r\n")[1:]:
            key, _, value = row.partition(b":")
            if key.strip().lower() == name.lower().encode():
                return value.strip().decode()
        return None

    def upgrade(self, extra=b""):
        """The server's side of the opening handshake (RFC 6455, section 4.2)."""
        self.read_request()
        key = self.header("Sec-WebSocket-Key").encode()
        accept = base64.b64encode(hashlib.sha1(key + GUID).digest())
        self.connection.sendall(
            b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            b"Sec-WebSocket-Protocol: mqtt\r\nSec-WebSocket-Accept: " + accept + b"\r\n\r\n" + extra)
        self.is_web = True

    def frame(self, payload, opcode=2, last=True):
        """Sends a frame of its own."""
        self.connection.sendall(encode_frame(payload, opcode, last))

    def _receive_frame(self):
        while True:
            frame = decode_frame(self.frames)
            if frame:
                size, opcode, payload = frame
                self.frames = self.frames[size:]
                if opcode >= 8:
                    self.control.append((opcode, payload))
                    return b"" if opcode == 8 else None
                return payload
            more = self.connection.recv(1 << 16)
            if not more:
                return b""
            self.frames += more

    def read_control(self):
        """The next control frame: opcode and payload. Messages before it are kept."""
        while not self.control:
            payload = self._receive_frame()
            if payload:
                self.data += payload
            elif payload == b"" and not self.control:
                raise AssertionError("the connection ended without a control frame")
        return self.control.pop(0)

    # Bytes

    def send(self, *packets):
        """Sends packets, all in one piece."""
        data = b"".join(packets)
        if self.is_web:
            self.frame(data)
        else:
            self.connection.sendall(data)

    def _more(self):
        if self.is_web:
            while True:
                payload = self._receive_frame()
                if payload is not None:
                    return payload
        try:
            return self.connection.recv(1 << 16)
        except (ConnectionResetError, ssl.SSLError):
            return b""

    def read(self, count):
        """So many bytes."""
        while len(self.data) < count:
            more = self._more()
            assert more, f"the client closed; {self.data!r} was left of {count} bytes"
            self.data += more
        data, self.data = self.data[:count], self.data[count:]
        return data

    def packet(self):
        """The next packet, whole."""
        head = self.read(2)
        while head[-1] & 128:
            head += self.read(1)
        size = sum((digit & 127) << 7 * place for place, digit in enumerate(head[1:]))
        return head + self.read(size)

    def expect(self, *packets):
        """The next packets are these, byte for byte."""
        for wanted in packets:
            got = self.packet()
            assert got == wanted, f"came    {show(got)}\nwanted  {show(wanted)}"

    def login(self, ver, code=0, present=0, props=(), more=b""):
        """Takes CONNECT and answers it; the CONNECT."""
        sent = self.packet()
        assert sent[0] == wire.CONNECT, show(sent)
        self.send(wire.connack(ver, code, present, props) + more)
        return sent

    def fence(self, driver, ver, topic="fence"):
        """What the client has sent up to now, up to a message that is published to tell the end."""
        driver.do(f"pub topic={topic}")
        mark = wire.publish(ver, topic)
        seen = []
        while True:
            got = self.packet()
            if got == mark:
                return seen
            seen.append(got)

    def timed_out(self, seconds):
        """True when for so long nothing comes."""
        assert not self.data, show(self.data)
        self.connection.settimeout(seconds)
        try:
            got = self.connection.recv(1)
            assert got == b"", f"came {got!r}"
            return False
        except socket.timeout:
            return True
        finally:
            self.connection.settimeout(PATIENCE)

    def end(self):
        """Waits for the client to close; what came before."""
        rest, self.data = self.data, b""
        while True:
            more = self._more()
            if not more:
                return rest
            rest += more

    def reset(self):
        """Closes by RST."""
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close()

    def close(self):
        """Closes."""
        try:
            self.connection.close()
        except OSError:
            pass


def show(data):
    """Bytes for people."""
    return data.hex(" ") if len(data) < 200 else f"{data[:100].hex(' ')} ... {len(data)} bytes"


def encode_frame(payload, opcode=2, last=True):
    """A frame of a server: not masked."""
    head = bytes([opcode | 128 * last])
    if len(payload) < 126:
        head += bytes([len(payload)])
    elif len(payload) < 65536:
        head += bytes([126]) + struct.pack(">H", len(payload))
    else:
        head += bytes([127]) + struct.pack(">Q", len(payload))
    return head + payload


def decode_frame(data):
    """Size, opcode and payload of the first frame of a client; None when it is not whole."""
    if len(data) < 2:
        return None
    assert data[1] & 128, "a client masks its frames"
    size, at = data[1] & 127, 2
    if size == 126:
        if len(data) < 4:
            return None
        size, at = struct.unpack(">H", data[2:4])[0], 4
    elif size == 127:
        if len(data) < 10:
            return None
        size, at = struct.unpack(">Q", data[2:10])[0], 10
    if len(data) < at + 4 + size:
        return None
    mask, body = data[at:at + 4], data[at + 4:at + 4 + size]
    key = (mask * (size // 4 + 1))[:size]
    plain = (int.from_bytes(body, "big") ^ int.from_bytes(key, "big")).to_bytes(size, "big")
    return at + 4 + size, data[0] & 15, plain
