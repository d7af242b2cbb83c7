"""Outputs of a virtual machine's GPIO lines, while the agent begins anew and not all is as it should be."""

import json
import subprocess

from harness.case import EndToEndTest
from harness.processes import ROOT, device_program
from harness.profiles import door, profile, relay
from harness.story import judge, read_story


class Outputs(EndToEndTest):
    """A trial that fails for its lines, and a profile that has none."""

    own_machine = True

    def test_outputs_over_a_beginning_that_fails(self):
        program = device_program("amd64")[0]
        pump = self.put("pump.json", profile(door(), relay()))
        trial = self.put("trial.json", profile(door("GPIO5"), relay()))
        self.put("lineless.json", profile(
            ("cpu", {"kind": "sensor", "thermal": "cpu-thermal", "every": "10s"})))
        # What remote care leaves when it has accepted a profile and begins anew.
        (self.folder / "record").write_text(
            f"n 1\nover {fnv1a(pump)}\ntrial {fnv1a(trial)} 1 60 waits\n")
        done = subprocess.run(
            [ROOT / "Tests/Tools/gpio-vm/gpio-vm", "--libgpiod", "1", "--with", "mosquitto",
             "--timeout", "240", "--pack", self.folder, "--pack", program,
             "--pack", ROOT / "Tests/EndToEnd/guest", "--",
             "sh", ROOT / "Tests/EndToEnd/guest/outputs.sh", program, self.folder],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        evidence = done.stdout[-6000:] + done.stderr[-2000:]
        self.assertEqual(done.returncode, 0, evidence)
        judge(self, read_story(done.stdout, ["log"]), evidence)

    def put(self, name, value):
        """A profile in the test's folder, as bytes."""
        text = json.dumps(value, indent=1).encode()
        (self.folder / name).write_bytes(text)
        return text

    def fact_nothing_was_waited_for_in_vain(self, story):
        self.assertNotIn("timeout", story.marks)
        self.assertEqual(story.marks["stopped"], "0")

    def fact_a_trial_whose_line_is_busy_moves_no_output(self, story):
        self.assertNotIn("blinked", story.marks)
        self.assertEqual(story.marks["after-trial"], "1")

    def fact_the_end_of_a_time_outlives_a_chip_that_goes_and_a_process_that_ends(self, story):
        self.assertEqual((story.marks["back"], story.marks["anew"], story.marks["timed"]), ("1", "1", "0"))

    def fact_without_lines_in_the_profile_outputs_go_to_their_stop_state_and_are_free(self, story):
        self.assertEqual(story.marks["lineless"], "0 0")


def fnv1a(text):
    """The hash by which the record knows a profile (FNV-1a, 64 bit)."""
    value = 0xCBF29CE484222325
    for byte in text:
        value = ((value ^ byte) * 0x100000001B3) & (2**64 - 1)
    return f"{value:016x}"
