"""The program in a container's surroundings: an empty root, a user without a name, one GPIO chip."""

import subprocess

from harness.case import EndToEndTest
from harness.processes import ROOT, device_program
from harness.profiles import door, profile, relay
from harness.story import judge, read_story


class Container(EndToEndTest):
    """What deploy/recipes/containers.md gives a container, in a virtual machine that has lines."""

    own_machine = True

    def test_one_chip_and_its_group_are_enough(self):
        program = device_program()[0]
        path = self.write(profile(door("GPIO17"), relay(line="GPIO23"), journal={"size": "64KiB"}))
        done = subprocess.run(
            [ROOT / "Tests/Tools/gpio-vm/gpio-vm", "--libgpiod", "1", "--with", "mosquitto",
             "--timeout", "240", "--pack", path, "--pack", program, "--pack", "/usr/sbin/chroot",
             "--pack", ROOT / "Tests/EndToEnd/guest", "--",
             "sh", ROOT / "Tests/EndToEnd/guest/container.sh", program, path],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        evidence = done.stdout[-6000:] + done.stderr[-2000:]
        self.assertEqual(done.returncode, 0, evidence)
        judge(self, read_story(done.stdout, ["log", "refused"]), evidence)

    def fact_nothing_was_waited_for_in_vain(self, story):
        self.assertNotIn("timeout", story.marks)

    def fact_without_the_group_it_says_what_is_missing(self, story):
        self.assertEqual(story.marks["without-its-group"], "1")
        self.assertRegex("\n".join(story.lines["refused"]), r"GPIO17|/dev/gpiochip")

    def fact_lines_are_read_and_driven_by_who_has_no_name(self, story):
        self.assertEqual([s["v"] for s in story.payloads("state/door")], [False, True])
        self.assertEqual((story.marks["user"], story.marks["driven"]), ("8883", "1"))

    def fact_it_stops_in_order_and_keeps_its_state(self, story):
        self.assertEqual(story.marks["stopped"], "0")
        self.assertEqual(story.payloads("status")[-1]["state"], "offline")
        self.assertEqual(story.marks["state"].split(), ["t1.journal", "t1.session"])
