"""Boards without a clock of their own: the time of day comes late, and steps."""

import subprocess
import time
from datetime import datetime

from harness.case import EndToEndTest
from harness.processes import ROOT
from harness.profiles import door, profile, walk

STATUS = "sandpiper/t1/status"
AIR = "sandpiper/t1/state/air"


class LateClock(EndToEndTest):
    """An agent that starts in 1970."""

    def set_clock(self, seconds):
        """Makes the agent's time of day wrong by so much."""
        (self.folder / "offset").write_text(f"{seconds}\n")

    def test_times_are_told_once_the_clock_is_set(self):
        library = self.folder / "clock.so"
        subprocess.run(
            ["cc", "-O2", "-shared", "-fPIC", ROOT / "Tests/Tools/clock-set.c", "-o", library],
            check=True, stdin=subprocess.DEVNULL)
        self.set_clock(-int(time.time()))
        mosquitto = self.broker()
        observer = self.observe(mosquitto)
        self.agent(profile(door(), walk()), mosquitto.url, environment={
            "LD_PRELOAD": str(library), "CLOCK_OFFSET": str(self.folder / "offset")})
        birth = observer.wait_for(STATUS, lambda m: m.fields["state"] == "online", 15)
        self.assertIsNone(birth.fields["since"])
        reading = observer.wait_for(AIR).fields
        self.assertEqual((reading["t"], reading["tq"]), (None, "none"))
        self.set_clock(0)
        observer.wait_for(AIR, lambda m: m.fields["tq"] == "estimated")
        again = observer.wait_for(STATUS, lambda m: m.fields["since"])
        since = datetime.strptime(again.fields["since"], "%Y-%m-%dT%H:%M:%S.%f%z").timestamp()
        self.assertLess(abs(since - birth.wall), 3)
        self.assertEqual(again.fields, birth.fields | {"since": again.fields["since"]})
