"""A small MQTT 3.1.1 client that sees what the tests care about: retain flags, QoS, arrival times.

It is written for the tests alone, so that they do not judge the agent's MQTT by the agent's own.
"""

import json
import socket
import struct
import threading
import time
from dataclasses import dataclass, field

CONNECT, CONNACK, PUBLISH, PUBACK, SUBSCRIBE, SUBACK, PINGREQ, DISCONNECT = (
    0x10, 0x20, 0x30, 0x40, 0x82, 0x90, 0xC0, 0xE0)


@dataclass(frozen=True)
class Message:
    """One PUBLISH as it arrived. `at` is the monotonic clock, `wall` the time of day."""
    at: float
    wall: float
    topic: str
    payload: bytes
    qos: int
    retain: bool
    duplicate: bool

    @property
    def json(self):
        """The payload read as JSON."""
        return json.loads(self.payload)

    @property
    def fields(self):
        """The payload when it is a JSON object, else an object without members."""
        try:
            value = self.json
        except ValueError:
            return {}
        return value if isinstance(value, dict) else {}

    def __str__(self):
        flags = f"qos {self.qos}{' retained' if self.retain else ''}"
        return f"{self.at:.3f} {self.topic} ({flags}) {self.payload.decode(errors='replace')}"


def text(value):
    """An MQTT string: two bytes of length, then UTF-8."""
    data = value.encode()
    return struct.pack(">H", len(data)) + data


def packet(first, body=b""):
    """A whole packet: first byte, remaining length, body."""
    length, rest = b"", len(body)
    while True:
        byte, rest = rest % 128, rest // 128
        length += bytes([byte | (0x80 if rest else 0)])
        if not rest:
            return bytes([first]) + length + body


def connect_packet(client, keep_alive=60, clean=True):
    """A CONNECT of MQTT 3.1.1 without will or login."""
    flags = 0x02 if clean else 0x00
    return packet(CONNECT, text("MQTT") + bytes([4, flags]) + struct.pack(">H", keep_alive)
                  + text(client))


def read_packet(stream):
    """The next packet as (first byte, body); raises EOFError at the end of the stream."""
    first = exactly(stream, 1)[0]
    length = shift = 0
    while True:
        byte = exactly(stream, 1)[0]
        length |= (byte & 0x7F) << shift
        shift += 7
        if not byte & 0x80:
            return first, exactly(stream, length)


def exactly(stream, count):
    """That many bytes of a binary file."""
    data = stream.read(count) if count else b""
    if len(data) < count:
        raise EOFError
    return data


@dataclass
class Observer:
    """A client that subscribes to a filter, keeps all it receives, and connects again when cut.

    With `persistent` the broker keeps its subscription and its messages while it is away.
    """
    port: int
    name: str = "observer"
    topics: str = "#"
    qos: int = 1
    persistent: bool = False
    host: str = "127.0.0.1"
    messages: list = field(default_factory=list)

    def __post_init__(self):
        self._changed = threading.Condition()
        self._socket = None
        self._subscribed = False
        self._acknowledged = set()
        self._next_id = 10
        self._closed = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def wait_until_subscribed(self, within=10):
        """Returns once the broker has confirmed the subscription."""
        with self._changed:
            assert self._changed.wait_for(lambda: self._subscribed, within), "not subscribed"
        return self

    def mark(self):
        """A place in the stream of messages: give it to `wait_for` to look only at later ones."""
        with self._changed:
            return len(self.messages)

    def since(self, mark=0, topic=None):
        """The messages after `mark`, of one topic or of all."""
        with self._changed:
            return [m for m in self.messages[mark:] if topic is None or m.topic == topic]

    def wait_for(self, topic, test=lambda message: True, within=10, since=0):
        """The first message of `topic` after the mark that passes the test, else a failure."""
        def found():
            return next((m for m in self.messages[since:] if m.topic == topic and test(m)), None)
        with self._changed:
            if self._changed.wait_for(lambda: found() is not None, within):
                return found()
            seen = "\n  ".join(str(m) for m in self.messages[since:][-20:]) or "nothing"
        raise AssertionError(f"no such message on {topic} within {within} s; seen:\n  {seen}")

    def wait_for_count(self, topic, count, within=10, since=0):
        """At least `count` messages of `topic` after the mark."""
        def found():
            return [m for m in self.messages[since:] if m.topic == topic]
        with self._changed:
            if self._changed.wait_for(lambda: len(found()) >= count, within):
                return found()
        raise AssertionError(f"{len(found())} of {count} messages on {topic} within {within} s")

    def publish(self, topic, payload, qos=1, retain=False, within=10):
        """Publishes, and at QoS 1 waits for the acknowledgement. `payload`: bytes, str or JSON."""
        if not isinstance(payload, (bytes, str)):
            payload = json.dumps(payload)
        data = payload.encode() if isinstance(payload, str) else payload
        with self._changed:
            self._next_id = self._next_id % 60000 + 1
            number = self._next_id
            self._acknowledged.discard(number)
            body = text(topic) + (struct.pack(">H", number) if qos else b"") + data
            self._socket.sendall(packet(PUBLISH | qos << 1 | retain, body))
            if qos:
                done = self._changed.wait_for(lambda: number in self._acknowledged, within)
                assert done, f"the broker did not acknowledge {topic}"

    def close(self):
        """Disconnects for good."""
        self._closed = True
        with self._changed:
            if self._socket:
                try:
                    self._socket.sendall(packet(DISCONNECT))
                    self._socket.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass
        self._thread.join(5)

    def _run(self):
        while not self._closed:
            try:
                self._session()
            except (OSError, EOFError, struct.error):
                pass
            with self._changed:
                self._socket, self._subscribed = None, False
            time.sleep(0.05)

    def _session(self):
        with socket.create_connection((self.host, self.port), 5) as connection:
            connection.settimeout(None)
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            stream = connection.makefile("rb")
            connection.sendall(connect_packet(self.name, 600, clean=not self.persistent))
            first, body = read_packet(stream)
            if first != CONNACK or body[1] != 0:
                raise EOFError
            connection.sendall(packet(SUBSCRIBE, struct.pack(">H", 1) + text(self.topics)
                                      + bytes([self.qos])))
            with self._changed:
                self._socket = connection
            while True:
                self._take(connection, *read_packet(stream))

    def _take(self, connection, first, body):
        kind = first & 0xF0
        with self._changed:
            if kind == PUBLISH:
                size = struct.unpack_from(">H", body)[0]
                qos, rest = first >> 1 & 3, 2 + size
                if qos:
                    connection.sendall(packet(PUBACK, body[rest:rest + 2]))
                    rest += 2
                self.messages.append(Message(
                    time.monotonic(), time.time(), body[2:2 + size].decode(), body[rest:], qos,
                    bool(first & 1), bool(first & 8)))
            elif kind == PUBACK:
                self._acknowledged.add(struct.unpack(">H", body)[0])
            elif kind == SUBACK:
                self._subscribed = True
            self._changed.notify_all()
