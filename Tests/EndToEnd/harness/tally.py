"""Counts what a fleet of devices says, however often its broker is killed."""

import json
import re
import socket
import threading
import time

from harness.mqtt import CONNACK, CONNECT, PUBLISH, packet

PINGREQ = 0xC0
SEQUENCE = re.compile(rb'"seq":(\d+)')


class Tally:
    """The other end of a bridge: Mosquitto itself connects to it and hands on all that is published.

    A subscriber would have to be there before the first device after each restart of the broker; a
    bridge belongs to the broker, and misses nothing. It is sent everything at QoS 0, at once, so
    that what the broker has acknowledged was handed to the kernel before.
    """

    def __init__(self):
        self.messages = 0
        self._lock = threading.Lock()
        self._numbers = {}  # of each series of readings: the sequence numbers that came
        self._repeated = 0
        self._states = {}  # of each device: its last status, and when it came
        self._listener = socket.socket()
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Connections take it over: the broker must never wait.
        self._listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 8 << 20)
        self._listener.bind(("127.0.0.1", 0))
        self._listener.listen()
        threading.Thread(target=self._run, daemon=True).start()

    @property
    def settings(self):
        """What Mosquitto's configuration has to say for it."""
        return ["connection tally", f"address 127.0.0.1:{self._listener.getsockname()[1]}",
                "topic sandpiper/# out 0", "queue_qos0_messages true", "try_private false",
                "notifications false", "bridge_attempt_unsubscribe false", "keepalive_interval 60"]

    def count(self, state, since=0.0):
        """How many devices' last status is that, and came after a moment of the monotonic clock."""
        with self._lock:
            return sum(said == state and at >= since for said, at in self._states.values())

    def last(self, state):
        """When the last of the devices came to that state."""
        with self._lock:
            return max(at for said, at in self._states.values() if said == state)

    def result(self):
        """How many readings came at least once, how many are missing before the last of their series,
        and how many came again."""
        with self._lock:
            came = sum(len(numbers) for numbers in self._numbers.values())
            missing = sum(max(numbers) - len(numbers) for numbers in self._numbers.values())
            return came, missing, self._repeated

    def close(self):
        """Stops listening."""
        self._listener.close()

    def _run(self):
        while True:
            try:
                connection, _ = self._listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=[connection], daemon=True).start()

    def _serve(self, connection):
        waiting = bytearray()
        while True:
            try:
                chunk = connection.recv(1 << 20)
            except ConnectionResetError:
                chunk = b""
            if not chunk:
                return connection.close()
            waiting += chunk
            place = 0
            with self._lock:
                while (end := self._end(waiting, place)) is not None:
                    start, stop = end
                    self._take(connection, waiting[place], bytes(waiting[start:stop]))
                    place = stop
            del waiting[:place]

    @staticmethod
    def _end(data, place):
        """Where the body of the packet at `place` begins and ends; None while it is not whole."""
        length = shift = 0
        for index in range(place + 1, min(place + 5, len(data))):
            length |= (data[index] & 0x7F) << shift
            shift += 7
            if not data[index] & 0x80:
                stop = index + 1 + length
                return (index + 1, stop) if stop <= len(data) else None
        return None

    def _take(self, connection, first, body):
        if first == CONNECT:
            connection.sendall(packet(CONNACK, bytes(2)))
        elif first == PINGREQ:
            connection.sendall(packet(0xD0))
        elif first & 0xF0 == PUBLISH:
            self.messages += 1
            size = int.from_bytes(body[:2], "big")
            _, device, kind, *rest = body[2:2 + size].decode().split("/")
            payload = body[2 + size:]
            if kind in ("state", "event"):
                self._note((device, kind, rest[0]), int(SEQUENCE.search(payload)[1]))
            elif kind == "history":
                self._take_history(device, json.loads(payload))
            elif kind == "status":
                self._states[device] = json.loads(payload)["state"], time.monotonic()

    def _take_history(self, device, history):
        for reading in history["readings"]:
            self._note((device, "event" if "k" in reading else "state", reading["p"]), reading["seq"])

    def _note(self, series, number):
        numbers = self._numbers.setdefault(series, set())
        self._repeated += number in numbers
        numbers.add(number)
