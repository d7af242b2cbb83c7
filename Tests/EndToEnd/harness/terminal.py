"""A pseudo-terminal: what programs write to it, and what a person types."""

import os
import pty
import select
import subprocess
import time


class Terminal:
    """A terminal of so many rows and columns; `far` is the end that a program gets."""

    def __init__(self, rows=24, columns=80):
        self._near, self.far = pty.openpty()
        self.text = ""
        subprocess.run(["stty", "rows", str(rows), "cols", str(columns)], stdin=self.far, check=True)

    def start(self, command, **options):
        """Starts a program on it."""
        return subprocess.Popen(
            command, stdin=self.far, stdout=self.far, stderr=self.far, start_new_session=True,
            **options)

    def settings(self):
        """The terminal's settings, as stty(1) names them."""
        return subprocess.run(
            ["stty", "-g"], stdin=self.far, capture_output=True, check=True).stdout

    def read_until(self, holds, within=15):
        """Reads on until the text so far is as wanted."""
        deadline = time.monotonic() + within
        while not holds(self.text):
            left = deadline - time.monotonic()
            assert left > 0, f"not in time; so far {self.text[-3000:]!r}"
            ready, _, _ = select.select([self._near], [], [], left)
            if ready:
                self.text += os.read(self._near, 65536).decode(errors="replace")

    def type(self, text):
        """Types something."""
        os.write(self._near, text.encode())

    def close(self):
        """Closes both ends."""
        os.close(self.far)
        os.close(self._near)
