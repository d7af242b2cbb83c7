"""sandpiper-lab fleet: many devices against one broker."""

import re
import signal
import subprocess

from harness.case import EndToEndTest
from harness.fleet import DEBUG, RELEASE, Fleet, Storm
from harness.waiting import free_port, wait_for

PROFILE = {
    "device": {"id": "f", "diagnostics": "0s"},
    "uplink": {
        "outbox": "4KiB", "packet": "1KiB", "inflight": 4, "backoff": {"min": "500ms", "max": "4s"}},
    "points": {"air": {"kind": "sensor", "simulated": True, "every": "1s",
                       "simulate": {"wave": "sine", "period": "1m", "noise": 1}}},
}


class FleetTest(EndToEndTest):
    """Devices in one process."""

    def setUp(self):
        super().setUp()
        self.program = next((path for path in (RELEASE, DEBUG) if path.exists()), None)
        if not self.program:
            self.skipTest("swift build has not been run")

    def lab(self, *arguments, within=30):
        """Runs the command to its end."""
        return subprocess.run(
            [self.program, "fleet", *map(str, arguments)], stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=within, check=False)

    def test_no_reading_is_lost_in_the_storm_after_a_broker_was_killed(self):
        storm = Storm(self.folder, self.start, self.program, self.write(PROFILE), 200, 200)
        self.addCleanup(storm.tally.close)
        storm.wait_until_online()
        wait_for(lambda: storm.tally.result()[0] > 600, 10, "readings")
        storm.kill_broker(away=2, within=20)
        figures = storm.stop()
        came, missing, _ = storm.tally.result()
        self.assertEqual(
            (missing, came, figures["given up"], figures["left"]), (0, figures["made"], 0, 0))
        self.assertGreaterEqual(figures["again"], 200)
        self.assertLessEqual(figures["memory"], 32)

    def test_a_second_interrupt_ends_at_once(self):
        broker = self.broker(settings=["allow_anonymous true"])
        fleet = self.start(Fleet(
            self.program, self.folder / "fleet.log", self.write(PROFILE), broker, 20, "--ramp", 100))
        wait_for(lambda: re.search("online 20", fleet.log()), 20, "all online")
        # Nothing is acknowledged any more: an orderly stop would take its deadlines.
        broker.signal(signal.SIGSTOP)
        fleet.signal(signal.SIGINT)
        wait_for(lambda: fleet.signal(signal.SIGINT) or not fleet.running, 3, "the end", every=0.2)
        self.assertEqual(fleet.wait(), 130)
        broker.signal(signal.SIGCONT)

    def test_what_is_wrong_is_said_in_a_line(self):
        profile = self.write(PROFILE)
        nobody = self.lab(profile, "--broker", f"mqtt://127.0.0.1:{free_port()}")
        self.assertEqual((nobody.returncode, nobody.stderr.count("\n")), (1, 1))
        self.assertIn("no broker at 127.0.0.1", nobody.stderr)
        self.assertEqual(self.lab(profile, "--broker", "nonsense").returncode, 64)
        secure = self.lab(profile, "--broker", "mqtts://localhost")
        self.assertEqual((secure.returncode, secure.stderr.count("\n")), (1, 1))
        wrong = self.lab(self.write({"device": {}}, "wrong.json"))
        self.assertEqual(wrong.returncode, 6)
        many = self.lab(profile, "--devices", 1_000_000)
        self.assertEqual((many.returncode, many.stderr.count("\n")), (1, 1))
        self.assertIn("descriptors", many.stderr)

    def test_a_virtual_storm_is_shown_with_a_plot(self):
        page = self.folder / "storm.html"
        shown = self.lab(
            self.write(PROFILE), "--virtual", "--devices", 2000, "--accepts", 100, "--report", page)
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertIn("all back", shown.stdout)
        self.assertIn("<svg", page.read_text())
