"""The agent on GPIO lines of a virtual machine, with both libgpiod versions."""

import json
import re
import subprocess

from harness.case import EndToEndTest
from harness.processes import ROOT, device_program
from harness.profiles import counter, door, profile, relay
from harness.story import judge, read_story
from test_telemetry import seconds


class Gpio1(EndToEndTest):
    """libgpiod 1.6, one descriptor per line: Debian 12."""

    own_machine = True
    libgpiod, target = 1, "amd64"

    def test_lines_of_a_board(self):
        program = device_program(self.target)[0]
        libraries = subprocess.run(["readelf", "-d", program], capture_output=True, text=True,
                                   check=True).stdout
        if f"libgpiod.so.{self.libgpiod + 1}" not in libraries:
            self.skipTest(f"{self.target} is not built for libgpiod {self.libgpiod} here")
        path = self.write(profile(
            door("GPIO17"), relay(line="GPIO23"),
            ("gate", {**door("GPIO5")[1], "debounce": "30ms", "event": True}),
            counter("water", "GPIO6")))
        done = subprocess.run(
            [ROOT / "Tests/Tools/gpio-vm/gpio-vm", "--libgpiod", str(self.libgpiod),
             "--with", "mosquitto", "--timeout", "240", "--pack", path, "--pack", program,
             "--pack", ROOT / "Tests/EndToEnd/guest", "--",
             "sh", ROOT / "Tests/EndToEnd/guest/board.sh", program, path],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        evidence = done.stdout[-6000:] + done.stderr[-2000:]
        self.assertEqual(done.returncode, 0, evidence)
        story = read_story(done.stdout, ["log", "unknown", "lines", "doctor", "sick", "init", "twin"])
        judge(self, story, evidence)

    def fact_nothing_was_waited_for_in_vain(self, story):
        self.assertNotIn("timeout", story.marks)

    def fact_pulled_line_shows_with_the_time_of_the_kernel(self, story):
        state = next(s for s in story.payloads("state/door") if s["v"] is True)
        pulled, resumed = float(story.marks["pulled"]), float(story.marks["resumed"])
        self.assertGreater(resumed - pulled, 1.5)
        self.assertLess(abs(seconds(state["t"]) - pulled), 0.5)

    def fact_command_drives_the_line(self, story):
        self.assertEqual(story.marks["driven"], "1")
        self.assertIs(story.payloads("result")[0]["v"], True)

    def fact_bounce_within_the_debounce_time_is_one_event(self, story):
        self.assertEqual([e["v"] for e in story.payloads("event/gate")], [True, False])

    def fact_counter_counts_each_pulse(self, story):
        # It begins at 0 again with the next profile.
        self.assertEqual(max(s["v"] for s in story.payloads("state/water")), 20)

    def fact_orderly_stop_ends_with_0_and_the_stop_state(self, story):
        self.assertEqual(story.marks["stopped"], "0")
        self.assertEqual(story.marks["released"], "0")
        self.assertEqual(story.payloads("status")[-1]["state"], "offline")

    def fact_unknown_line_is_named_in_the_error(self, story):
        self.assertNotEqual(story.marks["unknown"], "0")
        self.assertTrue(any("GPIO99" in line for line in story.lines["unknown"]))

    def fact_new_profile_with_an_unknown_line_changes_nothing(self, story):
        said = "\n".join(story.lines["log"])
        self.assertRegex(said, r'error .*GPIO99')
        self.assertIn("the new profile is not good: nothing changes", said)
        self.assertEqual(said.count("beginning anew"), 2, "for the two that were good")

    def fact_output_stays_as_it_is_while_the_agent_begins_anew(self, story):
        self.assertEqual(story.marks["held"], "1")
        self.assertNotIn("blinked", story.marks)
        self.assertTrue(any("outputs that go on" in line for line in story.lines["log"]))

    def fact_output_that_the_new_profile_has_not_goes_to_its_stop_state_and_is_free(self, story):
        self.assertEqual(story.marks["left"], "0 0")

    def fact_init_writes_a_profile_of_lines_that_are_there_and_free(self, story):
        self.assertEqual((story.marks["init"], story.marks["init-checked"]), ("0", "0"))
        points = json.loads(story.lines["init"][0])["points"]
        self.assertEqual({name: point["kind"] for name, point in points.items()},
                         {"door": "input", "pump": "output", "water": "counter"})
        self.assertEqual(points["door"]["line"], "GPIO17")
        self.assertIn("GPIO23", json.dumps(points["pump"]["line"]))

    def fact_init_takes_no_line_that_is_not_to_be_had(self, story):
        said = "\n".join(story.lines["init"][1:])
        self.assertIn("--input door=GPIO99: this board has no line GPIO99", said)
        self.assertRegex(said, "--input door=GPIO7: line GPIO7 is used by .*gpiomon")
        self.assertIn("--output b=GPIO17: GPIO17 is taken by a already", said)
        self.assertEqual(story.marks["init-refused"], "nothing-written")

    def fact_init_names_a_line_by_its_place_where_another_has_its_name(self, story):
        points = json.loads(story.lines["twin"][0])["points"]
        self.assertEqual(points["door"]["line"], {"chip": "second", "offset": 2})
        self.assertEqual(points["gate"]["line"], "GPIO18")
        findings = [json.loads(line) for line in story.lines["twin"][1:]]
        self.assertEqual([f for f in findings if f["level"] == "broken" and f["area"] == "board"], [])

    def fact_doctor_leaves_the_lines_to_the_agent_that_runs(self, story):
        findings = [json.loads(line) for line in story.lines["doctor"]]
        self.assertEqual(
            [f for f in findings if f["area"] == "board" and f["level"] == "broken"], [])
        texts = [f["text"] for f in findings]
        self.assertEqual(len([t for t in texts if t.endswith("which an agent that runs has")]), 4)
        self.assertTrue(any("GPIO interface 2 of Linux" in text for text in texts), texts)
        self.assertTrue(any('GPIO17 by "sandpiper"' in text for text in texts), texts)

    def fact_doctor_names_lines_that_are_unknown_or_taken_and_what_to_do(self, story):
        findings = [json.loads(line) for line in story.lines["sick"]]
        broken = {f["text"]: f["fix"] for f in findings
                  if f["area"] == "board" and f["level"] == "broken"}
        self.assertEqual(len(broken), 2, findings)
        unknown = next(text for text in broken if 'no line is named "GPIO99"' in text)
        self.assertIn("`sandpiper lines` lists all", broken[unknown])
        taken = next(text for text in broken if 'is in use by "gpiomon' in text)
        self.assertIn("give the point another line", broken[taken])

    def fact_lines_lists_the_chip_and_its_lines(self, story):
        listing = "\n".join(story.lines["lines"])
        self.assertIn("gpio-sim", listing)
        self.assertTrue(re.search(r"\bGPIO17\b", listing))


class Gpio2(Gpio1):
    """libgpiod 2.x, one descriptor per request, debounced by the kernel: Debian 13."""

    libgpiod, target = 2, "amd64-13"
