"""Waiting for something with a deadline, instead of sleeping for a guessed time."""

import threading
import socket
import time

# The tests' own range of TCP ports, below the kernel's range for outgoing connections.
PORTS = range(21400, 21500)

_lock = threading.Lock()
_next = 0


def wait_for(condition, within=10, what="the condition", every=0.02):
    """What `condition()` returns as soon as it is true, asked `every` so many seconds; fails after
    `within` seconds."""
    deadline = time.monotonic() + within
    while True:
        value = condition()
        if value:
            return value
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come within {within} s")
        time.sleep(every)


def wait_until_still(take, seconds=1.5, within=60):
    """What `take()` returns once it has been the same for some seconds."""
    deadline = time.monotonic() + within
    value, since = take(), time.monotonic()
    while time.monotonic() - since < seconds:
        assert time.monotonic() < deadline, f"it still changes after {within} s"
        time.sleep(0.05)
        latest = take()
        if latest != value:
            value, since = latest, time.monotonic()
    return value


def free_port():
    """A TCP port that nobody listens on, different at each call until the range is used up."""
    global _next
    with _lock:
        for _ in PORTS:
            port = PORTS[_next % len(PORTS)]
            _next += 1
            with socket.socket() as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                try:
                    probe.bind(("127.0.0.1", port))
                except OSError:
                    continue
                return port
    raise AssertionError(f"no free port in {PORTS}")


def listening(port, host="127.0.0.1"):
    """True when someone accepts connections there."""
    try:
        socket.create_connection((host, port), 1).close()
    except OSError:
        return False
    return True
