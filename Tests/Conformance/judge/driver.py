"""The client under test: a process that takes commands and tells events by lines."""

import os
import signal
import subprocess
import threading
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[3]
PATIENCE = 20


def program():
    """The workbench program: $SANDPIPER_LAB, or what `swift build -c release` has left."""
    return os.environ.get("SANDPIPER_LAB") or str(ROOT / ".build/release/sandpiper-lab")


def quote(value):
    """A value as the protocol wants it: whatever is not plain as %xx."""
    data = value.encode() if isinstance(value, str) else bytes(value)
    return "".join(
        chr(byte) if chr(byte).isalnum() and byte < 128 or byte in b"_./-+#$" else f"%{byte:02x}"
        for byte in data)


def unquote(value):
    """The bytes that a value stands for."""
    out, index = bytearray(), 0
    while index < len(value):
        if value[index] == 0x25:
            out.append(int(value[index + 1:index + 3], 16))
            index += 3
        else:
            out.append(value[index])
            index += 1
    return bytes(out)


class Line:
    """A reply or an event: its words, and keys with their values in order."""

    def __init__(self, raw):
        self.raw = raw
        words = raw.decode().split(" ")
        self.kind = words[0]
        self.name = words[1] if len(words) > 1 else ""
        self.fields = [tuple(word.split("=", 1)) for word in words[2:] if "=" in word]

    def __getitem__(self, key):
        """The value of a key as text; None where there is none."""
        for name, value in self.fields:
            if name == key:
                return unquote(value.encode()).decode("utf-8", "replace")
        return None

    def number(self, key):
        """The value of a key as a number."""
        return int(self[key], 0)

    def bytes(self, key):
        """The value of a key as bytes."""
        for name, value in self.fields:
            if name == key:
                return unquote(value.encode())
        return None

    def properties(self):
        """Names and raw values of the properties, in their order."""
        return [(name[5:], value) for name, value in self.fields if name.startswith("prop.")]

    def fits(self, wanted):
        """True when all keys have these values; numbers are compared as text."""
        return all(self[key.replace("_", "-")] == str(value) for key, value in wanted.items())

    def __repr__(self):
        return repr(self.raw[:300])


class Driver:
    """One process. Lines that nobody has asked for yet wait; `event` takes the first that fits."""

    def __init__(self, environment=None):
        self.child = subprocess.Popen(
            [program(), "client"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, env=os.environ | (environment or {}))
        self.lines = []
        self.complaints = b""
        self._ended = False
        self._news = threading.Condition()
        self._threads = [threading.Thread(target=target, daemon=True)
                         for target in (self._read, self._listen)]
        for thread in self._threads:
            thread.start()
        self.hello = self._take(lambda line: line.kind == "hello", PATIENCE, "hello")

    def _read(self):
        for raw in self.child.stdout:
            with self._news:
                self.lines.append(Line(raw.rstrip(b"\n")))
                self._news.notify_all()
        with self._news:
            self._ended = True
            self._news.notify_all()

    def _listen(self):
        for raw in self.child.stderr:
            self.complaints += raw

    def _take(self, fits, within, what):
        deadline = time.monotonic() + within
        seen = 0
        with self._news:
            while True:
                for index in range(seen, len(self.lines)):
                    if fits(self.lines[index]):
                        return self.lines.pop(index)
                seen = len(self.lines)
                left = deadline - time.monotonic()
                if left <= 0 or self._ended:
                    state = "the process ended" if self._ended else f"not within {within} s"
                    raise AssertionError(
                        f"no {what}: {state}; lines {self.lines[-20:]}; "
                        f"{self.complaints[-2000:]!r}")
                self._news.wait(left)

    def write(self, data):
        """Hands bytes over as they are."""
        self.child.stdin.write(data if isinstance(data, bytes) else data.encode())
        self.child.stdin.flush()

    def reply(self, within=PATIENCE):
        """The next reply."""
        return self._take(lambda line: line.kind in ("ok", "err"), within, "reply")

    def all_replies(self, count, within):
        """So many replies, as fast as they come."""
        deadline = time.monotonic() + within
        with self._news:
            while len(self.lines) < count:
                left = deadline - time.monotonic()
                assert left > 0 and not self._ended, f"{len(self.lines)} replies of {count}"
                self._news.wait(left)
            told, self.lines[:] = self.lines[:count], self.lines[count:]
        return told

    def ask(self, command):
        """Sends a command; its reply, whatever it is."""
        self.write(command.encode() + b"\n")
        return self.reply()

    def do(self, command):
        """Sends a command that is to succeed; its reply."""
        reply = self.ask(command)
        word = command.split(" ")[0]
        assert reply.kind == "ok" and reply.name == word, f"{command[:200]}: {reply}"
        return reply

    def refuse(self, command, name=None):
        """Sends a command that is to be refused by that name."""
        reply = self.ask(command)
        assert reply.kind == "err", f"{command[:200]}: {reply}"
        assert name is None or reply["name"] == name, f"{command[:200]}: {reply}"
        assert int(reply["code"]) > 0, reply
        return reply

    def event(self, name, within=PATIENCE, **wanted):
        """The first event of that name with these values."""
        return self._take(
            lambda line: line.kind == "ev" and line.name == name and line.fits(wanted), within,
            f"ev {name} {wanted}")

    def next_event(self, within=PATIENCE):
        """The next event, whatever it is."""
        return self._take(lambda line: line.kind == "ev", within, "event")

    def has(self, name):
        """True when such an event waits. Ask after a reply, to know that all before it came."""
        with self._news:
            return any(line.kind == "ev" and line.name == name for line in self.lines)

    def end(self, within=PATIENCE):
        """Waits for the process to end; its status."""
        status = self.child.wait(within)
        self._threads[0].join(within)
        return status

    def terminate(self):
        """SIGTERM."""
        self.child.send_signal(signal.SIGTERM)

    def close(self):
        """Ends the process whatever it does."""
        if self.child.poll() is None:
            self.child.kill()
        self.child.wait()
        for thread in self._threads:
            thread.join(5)
        for pipe in (self.child.stdin, self.child.stdout, self.child.stderr):
            try:
                pipe.close()
            except OSError:
                pass
