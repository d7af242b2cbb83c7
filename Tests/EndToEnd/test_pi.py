"""The shipped programs on emulated Raspberry Pis, with the Pi's own kernel drivers (Tests/Tools/pi-vm)."""

import json
import subprocess
import time

from harness.case import EndToEndTest
from harness.processes import ROOT, device_program
from harness.profiles import door, profile, relay
from harness.story import judge, read_story


class PiZeroWEmulated(EndToEndTest):
    """Raspberry Pi Zero W, ARMv6: the static program. guest/pi.sh tells what it saw; the broker is in there,
    too. "mark" lines of a GPIO have its direction and level from the registers of the board."""

    own_machine = True
    board, target, processor = "pi-zero-w", "pi-zero", "armv6l"
    # Where the GPIO registers are.
    registers = 0x2020_0000
    # KiB, in memory: all of the process, and with TLS. The program is static and has OpenSSL inside.
    memory_bound, memory_bound_with_tls = 2560, 5888

    def test_a_day_on_the_board(self):
        program, certificates = device_program(self.target)[-1], self.certificates()
        (certificates / "time").write_text(f"{time.time():.0f}\n")
        device = profile(
            door("GPIO17"), ("high", {**door("GPIO22")[1], "bias": "pull-down"}),
            relay(line="GPIO27", start=False, stop=False),
            relay("valve", "GPIO23", activeLow=True),
            ("cpu", {"kind": "sensor", "thermal": "cpu-thermal", "unit": "Cel", "every": "1s",
                     "decimals": 1}))
        device["broker"] |= {
            "url": "mqtts://localhost:8883", "tls": {"ca": "/certificates/ca.pem"}}
        put = [f"{program}=/usr/bin/sandpiper", f"{self.write(device)}=/root/profile.json"]
        put += [f"{certificates}/{name}=/certificates/{name}"
                for name in ("ca.pem", "server.pem", "server.key", "time")]
        done = subprocess.run(
            [ROOT / "Tests/Tools/pi-vm/pi-vm", "--timeout", "240",
             *(part for item in put for part in ("--put", item)), self.board, "--",
             ROOT / "Tests/EndToEnd/guest/pi.sh", "/usr/bin/sandpiper", "/root/profile.json",
             hex(self.registers)],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        evidence = done.stdout[-12000:] + done.stderr[-2000:]
        self.assertEqual(done.returncode, 0, evidence)
        judge(self, read_story(done.stdout, ["log", "lines", "doctor", "doctor-later"]), evidence)

    def fact_it_is_that_board_and_nothing_was_waited_for_in_vain(self, story):
        self.assertEqual(story.marks["machine"], self.processor)
        self.assertNotIn("timeout", story.marks)

    def fact_inputs_are_what_the_registers_say(self, story):
        self.assertEqual(story.marks["of-inputs"], "input 0, input 1")
        self.assertIs(story.payloads("state/door")[0]["v"], False)
        self.assertIs(story.payloads("state/high")[0]["v"], True)

    def fact_outputs_begin_in_their_start_state(self, story):
        self.assertEqual(story.marks["before"], "input 0, input 0")
        self.assertEqual(story.marks["at-start"], "output 0, output 1", "the valve is active-low")

    def fact_commands_drive_the_pins_and_are_read_back(self, story):
        self.assertEqual(story.marks["driven"], "output 1, output 1")
        self.assertRegex(story.marks["seen-by-the-kernel"], r"\(GPIO27 *\|sandpiper *\) out hi")
        self.assertEqual(story.marks["both-driven"], "output 1, output 0")
        self.assertEqual(
            [(r["id"], r["point"], r["result"], r["v"]) for r in story.payloads("result")],
            [("a", "pump", "done", True), ("b", "valve", "done", True)])
        for point in ("pump", "valve"):
            self.assertEqual(
                [s["v"] for s in story.payloads(f"state/{point}")][:3], [False, True, False])

    def fact_the_thermometer_of_the_processor_is_read(self, story):
        state = story.payloads("state/cpu")[0]
        self.assertEqual((state["q"], state["u"]), ("good", "Cel"))
        self.assertTrue(10 < state["v"] < 90, state)

    def fact_a_board_without_a_clock_says_so_until_it_has_one(self, story):
        states = story.payloads("state/cpu")
        self.assertEqual((states[0]["t"], states[0]["tq"]), (None, "none"))
        self.assertEqual(states[-1]["tq"], "estimated")

    def fact_each_run_goes_from_birth_to_a_goodbye_that_is_the_last_word(self, story):
        states = [s["state"] for s in story.payloads("status")]
        self.assertEqual(states, ["online", "stopping", "offline"] * 2)
        self.assertEqual(story.messages[0].fields["state"], "online")
        self.assertEqual(story.messages[-1].fields["state"], "offline")
        self.assertEqual((story.marks["stopped"], story.marks["stopped-again"]), ("0", "0"))
        self.assertEqual(story.marks["released"], "input 0")

    def fact_the_second_run_is_over_tls(self, story):
        self.assertTrue(any("TLSv1.3, TLS_" in line for line in story.lines["log"]))

    def fact_it_is_online_soon(self, story):
        for name in ("online", "online-over-tls"):
            self.assertLess(float(story.marks[name]), 20, name)

    def fact_it_takes_little_memory(self, story):
        self.assertLess(int(story.marks["memory"]), self.memory_bound)
        self.assertLess(int(story.marks["memory-with-tls"]), self.memory_bound_with_tls)
        self.assertLess(int(story.marks["memory-of-its-own"]), 384)

    def fact_lines_shows_the_board_and_who_has_what(self, story):
        listing = "\n".join(story.lines["lines"])
        self.assertIn('chip "pinctrl-bcm2835"', listing)
        self.assertRegex(listing, r" 17  GPIO17 +input +used by sandpiper")
        self.assertRegex(listing, r" 23  GPIO23 +output +active-low +used by sandpiper")
        self.assertRegex(listing, r'"thermal": "cpu-thermal" +now \d+\.\d+ Cel')

    def fact_doctor_finds_nothing_broken_but_the_clock_that_is_not_set(self, story):
        findings = [json.loads(line) for line in story.lines["doctor"]]
        self.assertEqual([f["area"] for f in findings if f["level"] == "broken"], ["clock"])
        text = "\n".join(f["text"] for f in findings)
        self.assertEqual(text.count("which an agent that runs has"), 4, text)
        self.assertRegex(text, r'"thermal": "cpu-thermal" says \d+\.\d+ Cel')
        later = [json.loads(line) for line in story.lines["doctor-later"]]
        self.assertEqual(len(later), len(findings))
        self.assertEqual([f for f in later if f["level"] == "broken"], [])


class Pi3Emulated(PiZeroWEmulated):
    """Raspberry Pi 3 Model B, 64 bits: the program with Debian's libraries."""

    board, target, processor = "pi-3", "pi-64", "aarch64"
    registers = 0x3F20_0000
    memory_bound, memory_bound_with_tls = 3072, 8192
