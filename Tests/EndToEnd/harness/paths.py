"""Paths to the broker: one with a rate, a delay and a buffer of known size, to the byte; and one that
forgets idle connections."""

import queue
import select
import socket
import threading
import time

from harness.servers import BadServer, shut
from harness.waiting import free_port

# Bytes that cross the path as one. Small: a byte waits for its neighbours as on a slow line.
CHUNK = 256


class Lane:
    """One direction of a connection: bytes leave the buffer one after the other, at the path's rate,
    and arrive the path's delay later."""

    def __init__(self, path, source, target):
        self._path = path
        self._source, self._target = source, target
        self._sent = queue.SimpleQueue()
        self.delivered = 0
        threading.Thread(target=self._deliver, daemon=True).start()

    def carry(self):
        """Reads for as long as the buffer has room, until the end of the stream."""
        free_at = time.monotonic()
        while True:
            path = self._path
            now = time.monotonic()
            waiting = (free_at - now) * path.rate
            if waiting > path.buffer - CHUNK:
                time.sleep((waiting - path.buffer + CHUNK) / path.rate + 0.0005)
                continue
            data = self._source.recv(CHUNK)
            if not data:
                break
            free_at = max(free_at, time.monotonic()) + len(data) / path.rate
            self._sent.put((free_at + path.delay, data))
        self._sent.put((free_at + self._path.delay, b""))

    def _deliver(self):
        try:
            while True:
                arrival, data = self._sent.get()
                time.sleep(max(0, arrival - time.monotonic()))
                if not data:
                    self._target.shutdown(socket.SHUT_WR)
                    return
                self._target.sendall(data)
                self.delivered += len(data)
        except OSError:
            pass  # the other side has gone


class NarrowPath:
    """A TCP path to a local port: `rate` bytes a second each way, `delay` seconds each way, and
    `buffer` bytes of room before the narrow place.

    The system's own buffers at its near end are as small as they can be, so that what does not fit
    stays with the sender. `rate` and `delay` may be changed at any time.
    """

    def __init__(self, broker_port, rate=16_000, delay=0.15, buffer=64 * 1024):
        self.port = free_port()
        self.rate, self.delay, self.buffer = rate, delay, buffer
        self._broker_port = broker_port
        self._up = []
        self._ends = []
        self._server = BadServer(self.port, self._carry, receive_buffer=4096, segment=1024)

    @property
    def url(self):
        """Where it begins, as --broker takes it."""
        return f"mqtt://127.0.0.1:{self.port}"

    @property
    def delivered(self):
        """Bytes that have come through towards the broker."""
        return sum(lane.delivered for lane in self._up)

    def cut(self):
        """Closes all connections, and loses what was on its way."""
        shut(self._ends)

    def close(self):
        """Closes everything."""
        self._server.close()
        self.cut()

    def _carry(self, near):
        far = socket.create_connection(("127.0.0.1", self._broker_port), 5)
        far.settimeout(None)
        for end in (near, far):
            end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self._ends += [near, far]
        up, down = Lane(self, near, far), Lane(self, far, near)
        self._up.append(up)
        back = threading.Thread(target=self._back, args=[down], daemon=True)
        back.start()
        up.carry()
        back.join()

    @staticmethod
    def _back(lane):
        try:
            lane.carry()
        except OSError:
            pass  # closed, here or by the other side


class ForgetfulPath:
    """A TCP path to a local port by way of a middlebox that forgets a connection over which nothing has
    passed for `memory` seconds: from then on it swallows all that comes, and tells nobody."""

    def __init__(self, broker_port, memory):
        self.port = free_port()
        self.memory = memory
        self.forgotten = 0
        self._broker_port = broker_port
        self._server = BadServer(self.port, self._carry)

    @property
    def url(self):
        """Where it begins, as --broker takes it."""
        return f"mqtt://127.0.0.1:{self.port}"

    def close(self):
        """Closes everything."""
        self._server.close()

    def _carry(self, near):
        with socket.create_connection(("127.0.0.1", self._broker_port), 5) as far:
            passed = time.monotonic()
            while True:
                ready, _, _ = select.select([near, far], [], [])
                if time.monotonic() - passed > self.memory:
                    self.forgotten += 1
                    break
                passed = time.monotonic()
                for end in ready:
                    data = end.recv(4096)
                    if not data:
                        return
                    (far if end is near else near).sendall(data)
            while near.recv(4096):
                pass
