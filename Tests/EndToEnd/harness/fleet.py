"""A fleet of devices, and the storm after its broker was killed."""

import re
import signal
import time

from harness.processes import ROOT, Mosquitto, Process
from harness.tally import Tally
from harness.waiting import wait_for

DEBUG = ROOT / ".build/debug/sandpiper-lab"
RELEASE = ROOT / ".build/release/sandpiper-lab"


class Fleet(Process):
    """`sandpiper-lab fleet` against a broker."""

    def __init__(self, program, log, profile, broker, devices, *options):
        self.devices = devices
        super().__init__(
            [program, "fleet", profile, "--devices", devices, "--broker", broker.url, *options], log)

    def figures(self):
        """What its summary says, by name."""
        log = self.log()

        def number(pattern):
            found = re.search(pattern, log)
            assert found, f"no {pattern} in\n{log[-3000:]}"
            return float(found[1].replace(",", ""))

        return {
            "made": number(r"readings +([\d,]+) made"),
            "given up": number(r"made, ([\d,]+) given up"),
            "left": number(r"([\d,]+) left in memory"),
            "again": number(r"of them ([\d,]+) again"),
            "memory": number(r"memory +([\d.]+) KiB a device"),
            "planned": number(r"of which ([\d.]+) KiB"),
        }


class Storm:
    """A fleet comes online, its broker is killed and comes back, and the fleet stops in order.

    `start` starts a process and sees to it that it ends. Times are in seconds.
    """

    def __init__(self, folder, start, program, profile, devices, ramp, options=()):
        self.tally = Tally()
        self._folder, self._start = folder, start
        self.broker = start(self._mosquitto())
        self.fleet = start(Fleet(
            program, folder / "fleet.log", profile, self.broker, devices, "--ramp", ramp, *options))
        self._devices = devices

    def _mosquitto(self, port=None):
        settings = ["allow_anonymous true", "max_connections -1", "max_inflight_messages 0",
                    *self.tally.settings]
        return Mosquitto(self._folder, port, settings=settings, crowded=True)

    def wait_until_online(self, since=0.0, within=60):
        """Waits until every device has said that it is online, after that moment."""
        wait_for(lambda: self.tally.count("online", since) == self._devices, within,
                 f"{self._devices} devices online", every=0.1)

    def kill_broker(self, away, within=120):
        """Kills the broker, starts it again after a while, and waits until all devices are back; how
        long that took from its start on."""
        self.broker.signal(signal.SIGKILL)
        self.broker.wait()
        time.sleep(away)
        started = time.monotonic()
        self.broker = self._start(self._mosquitto(self.broker.port))
        self.wait_until_online(started, within)
        return self.tally.last("online") - started

    def stop(self, within=70):
        """Stops the fleet in order; its figures."""
        status = self.fleet.stop(within)
        assert status == 0, f"status {status}:\n{self.fleet.log()[-3000:]}"
        wait_for(lambda: self.tally.count("offline") == self._devices, 10, "all devices offline")
        return self.fleet.figures()
