"""Servers that are no proper brokers, and a link that can go wrong."""

import os
import select
import socket
import struct
import threading
import time

from harness.mqtt import (
    CONNACK, CONNECT, DISCONNECT, PUBACK, PUBLISH, SUBACK, SUBSCRIBE, packet, read_packet, text)


def shut(ends):
    """Ends what goes over these sockets, both ways."""
    for end in ends:
        try:
            end.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass


class BadServer:
    """Accepts connections on a port and treats each as `behaviour` says, until closed."""

    def __init__(self, port, behaviour, receive_buffer=None, segment=None):
        self.port = port
        self.connections = []  # when each came, on the monotonic clock
        self._behaviour = behaviour
        self._sockets = []
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Connections take these over.
        if receive_buffer:
            self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
        if segment:
            self._listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_MAXSEG, segment)
        self._listener.bind(("127.0.0.1", port))
        self._listener.listen()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def _run(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            self.connections.append(time.monotonic())
            self._sockets.append(connection)
            threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection):
        try:
            self._behaviour(connection)
        except (OSError, ValueError, EOFError):
            pass  # closed, here or by the other side

    def close(self):
        """Stops listening and closes everything."""
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()
        self._thread.join(5)
        for connection in self._sockets:
            connection.close()


def say_nothing(connection):
    """Takes whatever comes, and never answers."""
    while connection.recv(4096):
        pass


def answer_garbage(connection):
    """Answers the first packet with random bytes, and then more of them."""
    connection.recv(4096)
    while True:
        connection.sendall(os.urandom(512))
        time.sleep(0.1)


def reset_at_once(connection):
    """Resets the connection (a linger time of zero makes close send RST)."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


def refuse_login(connection):
    """Answers CONNECT with CONNACK "not authorised", then closes (MQTT 3.1.1, 3.2.2.3)."""
    connection.recv(4096)
    connection.sendall(bytes([0x20, 2, 0, 5]))
    connection.close()


def close_within_packet(connection):
    """Begins a packet of 200 bytes, sends two of them, and closes."""
    connection.recv(4096)
    connection.sendall(bytes([0x30, 0xC8, 0x01, 0x00, 0x05]))
    connection.close()


def acknowledge_nothing(connection):
    """Answers CONNECT and pings, and nothing else, as a broker does whose storage hangs."""
    connection.recv(4096)
    connection.sendall(packet(CONNACK, bytes(2)))
    while received := connection.recv(4096):
        if received.endswith(bytes([0xC0, 0])):
            connection.sendall(bytes([0xD0, 0]))


def close_at_first_message(connection):
    """Accepts the session and grants subscriptions, but closes at the first PUBLISH."""
    stream = connection.makefile("rb")
    read_packet(stream)
    connection.sendall(packet(CONNACK, bytes(2)))
    while True:
        first, body = read_packet(stream)
        if first == SUBSCRIBE:
            connection.sendall(packet(SUBACK, body[:2] + bytes([1])))
        elif first & 0xF0 == PUBLISH:
            connection.close()
            return


def send_without_reading(connection):
    """Takes CONNECT, then sends commands at QoS 1 and reads none of their acknowledgements."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
    connection.recv(4096)
    connection.sendall(packet(CONNACK, bytes(2)))
    topic = text("sandpiper/t1/cmd/pump")
    commands = b"".join(
        packet(PUBLISH | 2, topic + struct.pack(">H", number) + b"1")
        for number in range(1, 60_000))
    while True:
        connection.sendall(commands)


class Link:
    """A TCP path to the broker that can go silent without a word, or be cut."""

    def __init__(self, port, broker_port):
        self.port = port
        self._broker_port = broker_port
        self._silent = False
        self._pairs = []
        self._server = BadServer(port, self._carry)

    @property
    def url(self):
        """Where it begins, as --broker takes it."""
        return f"mqtt://127.0.0.1:{self.port}"

    def fall_silent(self):
        """From now on nothing gets through either way; nobody is told."""
        self._silent = True

    def heal(self):
        """New connections get through again. Those that fell silent stay so: they are half open."""
        for pair in self._pairs:
            pair["dead"] = True
        self._silent = False

    def cut(self):
        """Closes all connections."""
        shut(end for pair in self._pairs for end in pair["ends"])

    def close(self):
        """Closes everything."""
        self._server.close()
        self.cut()

    def _carry(self, near):
        if self._silent:
            # The handshake is the kernel's; nothing else is answered.
            time.sleep(3600)
        far = socket.create_connection(("127.0.0.1", self._broker_port), 5)
        pair = {"ends": (near, far), "dead": False}
        self._pairs.append(pair)
        with near, far:
            while True:
                ready, _, _ = select.select([near, far], [], [], 1)
                if self._silent or pair["dead"]:
                    time.sleep(0.05)
                    continue
                for source in ready:
                    data = source.recv(65536)
                    if not data:
                        return
                    (far if source is near else near).sendall(data)


class ScriptedBroker:
    """Speaks enough MQTT to bring an agent online, then does as a test says.

    `published(broker, topic, payload)` is called for each PUBLISH; it returns whether that is
    acknowledged. `topics` has all that was published; `end` is how the last connection ended:
    "disconnect" (DISCONNECT, then the end of the stream), "closed" or "reset".
    """

    def __init__(self, port, published=lambda broker, topic, payload: True):
        self.topics = []
        self.end = None
        self._published = published
        self._connection = None
        self._server = BadServer(port, self._serve)
        self.url = f"mqtt://127.0.0.1:{port}"

    def send(self, topic, payload):
        """Sends the agent a message at QoS 0."""
        self._connection.sendall(packet(PUBLISH, text(topic) + payload))

    def close(self):
        """Stops listening and closes everything."""
        self._server.close()

    def _serve(self, connection):
        self._connection = connection
        stream = connection.makefile("rb")
        first = 0
        try:
            while True:
                first, body = read_packet(stream)
                self._answer(connection, first, body)
        except EOFError:
            self.end = "disconnect" if first == DISCONNECT else "closed"
        except ConnectionResetError:
            self.end = "reset"
        finally:
            connection.close()

    def _answer(self, connection, first, body):
        kind = first & 0xF0
        if kind == CONNECT:
            connection.sendall(packet(CONNACK, bytes(2)))
        elif first == SUBSCRIBE:
            connection.sendall(packet(SUBACK, body[:2] + bytes([1])))
        elif kind == PUBLISH:
            size = struct.unpack_from(">H", body)[0]
            rest = 2 + size + (2 if first & 6 else 0)
            topic = body[2:2 + size].decode()
            self.topics.append(topic)
            if self._published(self, topic, body[rest:]) and first & 6:
                connection.sendall(packet(PUBACK, body[2 + size:rest]))
