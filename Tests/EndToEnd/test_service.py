"""What the agent tells the service manager that has started it (sd_notify(3)), seen from its socket."""

import os
import signal
import socket
import time

from harness.case import EndToEndTest
from harness.profiles import door, profile
from harness.waiting import free_port, wait_for


class Service(EndToEndTest):
    """The notification protocol, without systemd itself."""

    def manager(self, name=None):
        """The manager's socket; its name, or a path in the test's folder."""
        listener = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(listener.close)
        listener.settimeout(10)
        path = name or str(self.folder / "notify")
        listener.bind("\0" + path[1:] if path.startswith("@") else path)
        return listener, {"NOTIFY_SOCKET": path}

    def until(self, listener, wanted, within=10):
        """All lines up to the first that begins so."""
        lines = []
        end = time.monotonic() + within
        while time.monotonic() < end:
            listener.settimeout(max(0.01, end - time.monotonic()))
            lines += listener.recv(4096).decode().splitlines()
            if any(line.startswith(wanted) for line in lines):
                return lines
        self.fail(f"no {wanted} in {lines}")

    def test_it_is_ready_at_once_and_says_how_it_stands(self):
        listener, environment = self.manager()
        mosquitto = self.broker()
        agent = self.agent(profile(door()), mosquitto.url, environment=environment)
        first = self.until(listener, "STATUS=")
        self.assertEqual(first[0], "READY=1")
        online = self.until(listener, "STATUS=online")[-1]
        self.assertRegex(online, r"STATUS=online, session 1; records that wait: \d+$")
        self.assertEqual(agent.stop(), 0)
        self.until(listener, "STOPPING=1")

    def test_no_network_is_no_reason_not_to_be_ready(self):
        listener, environment = self.manager("@sandpiper-" + os.urandom(8).hex())
        self.agent(profile(door()), f"mqtt://localhost:{free_port()}", environment=environment)
        self.assertEqual(self.until(listener, "STATUS=")[0], "READY=1")
        lines = self.until(listener, "STATUS=no connection")
        self.assertRegex(lines[-1], r"STATUS=no connection for \d+ s: connect-failed; records that wait")

    def test_signs_of_life_come_in_time_and_end_with_a_stopped_process(self):
        listener, environment = self.manager()
        environment["WATCHDOG_USEC"] = "900000"
        agent = self.agent(
            profile(door()), f"mqtt://localhost:{free_port()}", environment=environment)
        self.until(listener, "WATCHDOG=1")
        started = time.monotonic()
        for _ in range(5):
            self.until(listener, "WATCHDOG=1", within=0.9)
        self.assertGreater(time.monotonic() - started, 1)
        os.kill(agent.pid, signal.SIGSTOP)
        self.addCleanup(os.kill, agent.pid, signal.SIGCONT)
        wait_for(lambda: self.is_silent(listener), 5, "silence")

    def test_a_journal_takes_its_time_to_be_made(self):
        listener, environment = self.manager()
        environment["WATCHDOG_USEC"] = "900000"
        device = profile(door(), journal={"size": "64KiB"})
        agent = self.agent(device, f"mqtt://localhost:{free_port()}", environment=environment)
        lines = self.until(listener, "READY=1")
        waits = [line for line in lines if line.startswith("WATCHDOG_USEC=")]
        self.assertEqual(waits, ["WATCHDOG_USEC=900000000", "WATCHDOG_USEC=900000"])
        # One that is there is opened at once.
        self.assertEqual(agent.stop(), 0)
        self.agent(device, f"mqtt://localhost:{free_port()}", environment=environment)
        self.until(listener, "STOPPING=1")
        lines = self.until(listener, "READY=1")
        self.assertFalse([line for line in lines if line.startswith("WATCHDOG_USEC=")])

    def is_silent(self, listener):
        """True when nothing has come for longer than the manager waits."""
        listener.settimeout(0.9)
        try:
            while True:
                listener.recv(4096)
        except TimeoutError:
            return True

    def test_a_watchdog_of_another_process_is_not_ours(self):
        listener, environment = self.manager()
        environment |= {"WATCHDOG_USEC": "300000", "WATCHDOG_PID": "1"}
        mosquitto = self.broker()
        self.agent(profile(door()), mosquitto.url, environment=environment)
        lines = self.until(listener, "STATUS=online")
        listener.settimeout(1)
        try:
            lines += listener.recv(4096).decode().splitlines()
        except TimeoutError:
            pass
        self.assertNotIn("WATCHDOG=1", lines)
