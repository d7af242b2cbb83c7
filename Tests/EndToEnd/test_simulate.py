"""`sandpiper-lab simulate`: lives in virtual time, from files that people write."""

import json
import math
import os
import re
import shutil
import stat
import subprocess

import jsonschema

from harness.case import EndToEndTest
from harness.processes import ROOT

LAB = ROOT / ".build/release/sandpiper-lab"
GREENHOUSE = ROOT / "devices/greenhouse.json"
ROOMY = ROOT / "Tests/Swarm/roomy.json"
BROKERS = ROOT / "Tests/Swarm/brokers.json"


def shipped(kind):
    """The files of a kind, by name, without their schema."""
    files = sorted((ROOT / "devices" / kind).glob("*.json"))
    return {file.stem: file for file in files if file.stem != "schema"}


class Simulate(EndToEndTest):
    def simulate(self, *arguments, code=0):
        result = subprocess.run(
            [LAB, "simulate", *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True,
            text=True, cwd=ROOT, timeout=120, check=False)
        self.assertEqual(result.returncode, code, result.stdout + result.stderr)
        return result

    def test_every_shipped_part_is_as_its_schema_says(self):
        for kind in ["scenarios", "links", "hardware"]:
            schema = json.loads((ROOT / "devices" / kind / "schema.json").read_text())
            validator = jsonschema.Draft202012Validator(schema)
            self.assertGreaterEqual(len(shipped(kind)), 5)
            for name, file in shipped(kind).items():
                validator.validate(json.loads(file.read_text()))

    def test_the_made_up_day_is_as_its_description_says(self):
        link = json.loads(shipped("links")["lte-day"].read_text())
        for quarter, sample in enumerate(link["trace"]):
            hour = quarter / 4
            load = (0.1 + 0.35 * math.exp(-((hour - 13) / 3) ** 2)
                    + 0.55 * math.exp(-((hour - 20.5) / 2) ** 2))
            self.assertEqual(sample, {
                "at": f"{15 * quarter}m", "latency": f"{40 + 360 * load ** 2:.0f}ms",
                "jitter": f"{30 + 600 * load ** 2:.0f}ms", "up": round(40_000 * (1 - 0.9 * load)),
                "down": round(120_000 * (1 - 0.9 * load)), "lossPerMille": round(2 + 30 * load)})
        self.assertEqual(len(link["trace"]), 96)

    def test_a_link_that_changes_is_slower_at_its_worst_hour(self):
        worst = {}
        for hours in "15h", "21h":
            text = self.simulate(ROOMY, "--link", "lte-day", "--for", hours).stdout
            self.assertIn("every promise was kept", text)
            worst[hours] = int(re.search(r"latency .* (\d+) ms of 99 in 100", text)[1])
        self.assertGreater(worst["21h"], worst["15h"] + 50)

    def test_the_schema_knows_every_fault(self):
        schema = json.loads((ROOT / "devices/scenarios/schema.json").read_text())
        source = (ROOT / "Sources/Scenarios/Fault.swift").read_text()
        words = re.findall(r'case \.\S+: "([a-z-]+)"', source)
        self.assertEqual(schema["$defs"]["fault"]["enum"], words)

    def test_every_shipped_scenario_can_be_simulated(self):
        for name in shipped("scenarios"):
            result = self.simulate(GREENHOUSE, "--scenario", name, "--dry-run")
            self.assertIn("would simulate", result.stdout)

    def test_every_shipped_scenario_keeps_the_promises_for_a_day(self):
        for name in shipped("scenarios"):
            result = self.simulate(ROOMY, "--scenario", name, "--for", "1d")
            self.assertIn("every promise was kept", result.stdout)

    def test_the_second_broker_is_used_and_left_again(self):
        page = self.folder / "report.html"
        text = self.simulate(BROKERS, "--scenario", "second-broker", "--report", page).stdout
        self.assertIn("every promise was kept", text)
        shares = re.search(r"brokers +1: (\d+) % of the time, .*; 2: (\d+) % of the time", text)
        self.assertGreater(int(shares[1]), 40)
        self.assertGreater(int(shares[2]), 25)
        self.assertIn("<h2>Brokers</h2>", page.read_text())

    def test_hardware_brings_its_link_and_its_costs(self):
        result = self.simulate(ROOMY, "--hardware", "lte-gateway", "--for", "1h")
        self.assertIn("LTE gateway, lte-edge", result.stdout)
        self.assertRegex(result.stdout, r"radio .* Wh with the board")

    def test_a_profile_that_hardware_cannot_hold_is_refused(self):
        result = self.simulate(GREENHOUSE, "--hardware", "microcontroller", code=6)
        self.assertIn("has 32768 bytes of memory for an agent", result.stderr)
        self.assertEqual(result.stdout, "")

    def test_one_seed_is_one_course_of_events(self):
        arguments = [ROOMY, "--scenario", "rough-month", "--for", "1d", "--log"]
        first, second = (self.simulate(*arguments).stdout for _ in range(2))
        cut = "simulated in"
        self.assertEqual(first.split(cut)[0], second.split(cut)[0])
        digests = [re.search("digest (.*)", text)[1] for text in (first, second)]
        self.assertEqual(digests[0], digests[1])
        other = self.simulate(*arguments, "--seed", "2").stdout
        self.assertNotEqual(digests[0], re.search("digest (.*)", other)[1])

    def test_a_report_is_one_page(self):
        page = self.folder / "report.html"
        self.simulate(ROOMY, "--scenario", "half-open", "--report", page)
        text = page.read_text()
        self.assertIn("<svg", text)
        self.assertNotRegex(text, r"(src|href)=.https?:")

    def test_an_older_page_stays_until_the_new_one_is_there(self):
        page = self.folder / "report.html"
        page.write_text("older")
        self.simulate(ROOMY, "--report", page, "--dry-run")
        self.assertEqual(page.read_text(), "older")
        self.simulate(ROOMY, "--report", page, "--for", "1h")
        self.assertIn("<svg", page.read_text())

    def test_without_its_folder_a_swarm_says_what_to_do(self):
        lonely = self.folder / "sandpiper-lab"
        shutil.copy(LAB, lonely)
        done = subprocess.run(
            [lonely, "swarm", ROOMY, "--seeds", "1"], stdin=subprocess.DEVNULL,
            capture_output=True, text=True, cwd=self.folder, timeout=60, check=False)
        self.assertEqual(done.returncode, 1, done.stderr)
        self.assertIn("SANDPIPER_DEVICES", done.stderr)

    def test_a_report_to_a_device_leaves_the_device(self):
        if os.geteuid() != 0:
            self.skipTest("only root may make a device")
        device = self.folder / "full"
        # What /dev/full is.
        os.mknod(device, 0o600 | stat.S_IFCHR, os.makedev(1, 7))
        result = self.simulate(GREENHOUSE, "--for", "1h", "--report", device, code=1)
        self.assertRegex(result.stderr, r"full: .")
        self.assertNotIn("report  ", result.stdout)
        self.assertTrue(stat.S_ISCHR(device.stat().st_mode))

    def test_what_is_wrong_is_told_with_its_place(self):
        scenario = self.folder / "s.json"
        scenario.write_text('{"events": [{"do": "cutt"}]}')
        result = self.simulate(GREENHOUSE, "--scenario", scenario, code=6)
        self.assertRegex(result.stderr, r's\.json:1:20: error: /events/0/do: .*did you mean "cut"')
        for arguments, code, text in [
            (["--link", "carrier-pigeon"], 64, "no carrier-pigeon among the links: ethernet"),
            (["--hardware", "abacus"], 64, "no abacus among the hardware"),
            (["--scenario", "/nowhere/s.json"], 1, "/nowhere/s.json"),
            (["--report", "/nowhere/r.html"], 1, "/nowhere/r.html: can't be written"),
        ]:
            self.assertIn(text, self.simulate(GREENHOUSE, *arguments, code=code).stderr)
        scenario.write_text('{"events": [{"every": "1s", "do": "heal"}]}')
        result = self.simulate(GREENHOUSE, "--scenario", scenario, "--for", "3660d", code=6)
        self.assertRegex(result.stderr, r"about \d+ faults, and at most 1000000 can be played")
        result = self.simulate(GREENHOUSE, "--for", "soon", code=64)
        self.assertIn("--for: expected a length such as 12h", result.stderr)
