"""`sandpiper init`: a profile for this board, without an editor. Lines are tried in test_gpio.py."""

import json
import os
import random
import stat
import string
import subprocess

from harness.case import EndToEndTest
from harness.machine import Machine
from harness.processes import device_program, run
from harness.terminal import Terminal
from harness.waiting import wait_for


class Board(EndToEndTest):
    """A machine with a thermometer and no GPIO chip."""

    def setUp(self):
        super().setUp()
        if os.geteuid() != 0:
            self.skipTest("only root may make up a machine")
        self.machine = Machine(self.folder)
        self.machine.put_thermometer("cpu-thermal", 47.3)
        self.path = self.folder / "written.json"

    def init(self, *options, file=True):
        """One run without a terminal."""
        done = self.machine.run("init", *(["-o", self.path] if file else []), *options)
        self.evidence = done.stdout + done.stderr
        return done

    def written(self):
        """What was written, which has to pass `check`."""
        done = run("check", self.path)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return json.loads(self.path.read_text())


class Init(Board):
    """By the command line alone."""

    def expect_refusal(self, *options, says, code=1):
        """It ends with that, says why in a line, and writes nothing."""
        done = self.init(*options)
        self.assertEqual(done.returncode, code, done.stderr)
        self.assertIn(says, done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertFalse(self.path.exists())

    def test_without_questions_it_takes_what_is_there(self):
        done = self.init()
        self.assertEqual(done.returncode, 0, done.stderr)
        profile = self.written()
        self.assertEqual(profile["points"], {"cpu-thermal": {
            "kind": "sensor", "thermal": "cpu-thermal", "unit": "Cel", "every": "30s"}})
        self.assertEqual(profile["broker"], {"url": "mqtt://localhost:1883"})
        self.assertEqual(profile["journal"], {"size": "1MiB"})
        self.assertIn(f"sandpiper check {self.path}", done.stdout)
        self.assertIn(f"sandpiper run {self.path}", done.stdout)
        self.assertEqual(stat.S_IMODE(self.path.stat().st_mode), 0o644)
        self.assertEqual(list(self.folder.glob("*.new")), [])

    def test_the_command_line_says_all_that_can_be_said(self):
        done = self.init(
            "--id", "pump-1", "--base", "site/north", "--broker", "mqtts://broker.example",
            "--user", "ann", "--password-file", "/etc/sandpiper/password",
            "--sensor", "cpu=thermal:cpu-thermal", "--no-journal", "--yes")
        self.assertEqual(done.returncode, 0, done.stderr)
        profile = self.written()
        self.assertEqual(profile["device"], {"id": "pump-1", "base": "site/north"})
        self.assertEqual(profile["broker"], {
            "url": "mqtts://broker.example", "user": "ann",
            "passwordFile": "/etc/sandpiper/password"})
        self.assertEqual(list(profile["points"]), ["cpu"])
        self.assertNotIn("journal", profile)

    def test_a_file_that_is_there_is_not_written_over(self):
        self.path.write_text("mine")
        done = self.init("--yes")
        self.assertEqual(done.returncode, 1)
        self.assertIn(f"{self.path} is there already: --force", done.stderr)
        self.assertEqual(self.path.read_text(), "mine")
        done = self.init("--yes", "--force")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.written()
        # Nor is what a link names that leads nowhere.
        self.path.unlink()
        self.path.symlink_to(self.folder / "elsewhere")
        self.assertEqual(self.init("--yes").returncode, 1)
        self.assertTrue(self.path.is_symlink())

    def test_to_standard_output_goes_the_profile_alone(self):
        done = self.machine.run("init", "-o", "-", "--id", "x")
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        self.assertEqual(json.loads(done.stdout)["device"], {"id": "x"})
        self.assertEqual(done.stdout[-2:], "}\n")

    def test_what_is_wrong_is_said_and_nothing_is_written(self):
        self.expect_refusal("--broker", "broker.lan", says="--broker broker.lan: ")
        self.expect_refusal("--broker", "http://broker.lan", says="--broker http://broker.lan: ")
        self.expect_refusal("--id", "a b", says="--id a b: expected 1 to 64 letters")
        self.expect_refusal("--base", "a/#", says="--base a/#: expected the beginning of a topic")
        self.expect_refusal(
            "--password-file", "/p", says="--password-file /p: a password goes only with a user")
        self.expect_refusal(
            "--sensor", "cpu=thermal:gpu", says="has no sensor thermal:gpu; it has thermal:cpu-thermal")
        self.expect_refusal("--sensor", "cpu", says="expected NAME=SOURCE")
        self.expect_refusal(
            "--sensor", "c.p=thermal:cpu-thermal", says="expected 1 to 32 letters, digits, _ or -")
        self.expect_refusal(
            "--sensor", "a=thermal:cpu-thermal", "--sensor", "b=thermal:cpu-thermal",
            says="thermal:cpu-thermal is taken by a already")
        self.expect_refusal(
            "--sensor", "a=thermal:cpu-thermal", "--sensor", "a=thermal:cpu-thermal",
            says="there is a point a already")
        for wrong in [["--nothing"], ["more"], ["--id", ""]]:
            done = self.init(*wrong)
            self.assertEqual(done.returncode, 2, wrong)
            self.assertFalse(self.path.exists())

    def test_without_a_chip_there_are_sensors_only_and_that_is_said(self):
        self.expect_refusal(
            "--input", "door=GPIO17", says="there are no lines: this board has no GPIO chip")
        self.machine.put_chip("root", "000", "root:x:0:\n")
        done = self.machine.run("init", "-o", self.path, "--output", "pump=GPIO23", user=4343)
        self.assertEqual(done.returncode, 1)
        self.assertIn("no GPIO chip may be opened (/dev/gpiochip0: ", done.stderr)

    def test_a_board_with_nothing_gets_no_profile(self):
        done = self.init("--no-sensors")
        self.assertEqual(done.returncode, 1)
        self.assertIn("a device has at least one point", done.stderr)
        self.assertIn("--input", done.stderr)
        self.assertFalse(self.path.exists())

    def test_a_folder_that_may_not_be_written_is_named(self):
        done = self.machine.run("init", "-o", "/nowhere/profile.json")
        self.assertEqual(done.returncode, 1)
        self.assertIn("/nowhere/profile.json: No such file or directory", done.stderr)


class Names(Board):
    """Whatever a host or a zone is called, the profile is good."""

    def test_of_odd_hosts_something_sensible_becomes(self):
        for host, wanted in [("pi4", "pi4"), ("pi.example.org", "pi"), ("a b/c+#", "a-b-c--"),
                             ("(none)", "-none-"), ("x" * 64, "x" * 64), ("größe", "gr----e")]:
            self.expect_host(host, wanted)
        dice = random.Random(6)
        for _ in range(20):
            self.expect_host("".join(
                dice.choice(string.printable.strip() + "äß漢") for _ in range(dice.randint(1, 16))))

    def expect_host(self, host, wanted=None):
        """A host of that name gets a good profile."""
        self.path.unlink(missing_ok=True)
        done = subprocess.run(
            ["unshare", "--uts", "sh", "-c", 'printf %s "$1" > /proc/sys/kernel/hostname; shift; exec "$@"',
             "sh", host, *self.machine.command("init", "-o", self.path)],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, f"{host}: {done.stderr}")
        name = self.written()["device"]["id"]
        if wanted:
            self.assertEqual(name, wanted)

    def test_of_odd_zones_points_with_good_names_become(self):
        dice = random.Random(7)
        zones = ["cpu thermal", 'a"b\\c', "x" * 60, "é", "x" * 60 + "y"]
        zones += ["".join(dice.choice(string.printable.strip()) for _ in range(dice.randint(1, 30)))
                  for _ in range(20)]
        for number, zone in enumerate(zones):
            folder = self.machine.folder / f"sys/class/thermal/thermal_zone{number + 1}"
            folder.mkdir(parents=True)
            (folder / "type").write_text(zone + "\n")
            (folder / "temp").write_text("20000\n")
        self.assertEqual(self.init().returncode, 0, self.evidence)
        points = self.written()["points"]
        # None is left out, and no name comes twice: JSON would have eaten one.
        self.assertEqual(len(points), len(zones) + 1)
        self.assertEqual({p["thermal"] for p in points.values()}, {*zones, "cpu-thermal"})


class Interview(Board):
    """Questions and answers at a terminal."""

    def talk(self, *options):
        """Begins one."""
        terminal = Terminal()
        self.addCleanup(terminal.close)
        program = terminal.start(
            self.machine.command("init", *options), cwd=self.folder)
        self.addCleanup(program.kill)
        return terminal, program

    def answer(self, terminal, question, text):
        """Waits for a question, which ends what has been shown, and answers it."""
        terminal.read_until(lambda shown: question in shown[shown.rfind("\n") + 1:]
                            and shown.endswith(": "))
        before = len(terminal.text)
        terminal.type(text + "\n")
        # What is typed is shown as well.
        terminal.read_until(lambda shown: "\n" in shown[before:])

    def test_answers_become_a_profile(self):
        terminal, program = self.talk()
        self.answer(terminal, "device's name", "not good")
        terminal.read_until(lambda shown: "expected 1 to 64 letters" in shown)
        self.answer(terminal, "device's name", "  barn ")
        self.answer(terminal, "topics begin with", "")
        self.answer(terminal, "broker", "broker.lan")
        self.answer(terminal, "broker", "mqtt://broker.lan")
        self.answer(terminal, "user", "ann")
        self.answer(terminal, "password", "/etc/sandpiper/password")
        self.answer(terminal, "thermal:cpu-thermal, now 47.3 Cel? [yes]", "perhaps")
        self.answer(terminal, "thermal:cpu-thermal, now 47.3 Cel? [yes]", "Y")
        self.answer(terminal, "Keep readings", "no")
        self.answer(terminal, "Write the profile to", str(self.path))
        self.assertEqual(program.wait(10), 0, terminal.text)
        self.assertIn("No lines: this board has no GPIO chip", terminal.text)
        profile = self.written()
        self.assertEqual(profile["device"], {"id": "barn"})
        self.assertEqual(profile["broker"], {
            "url": "mqtt://broker.lan", "user": "ann", "passwordFile": "/etc/sandpiper/password"})
        self.assertEqual(list(profile["points"]), ["cpu-thermal"])
        self.assertNotIn("journal", profile)

    def test_what_the_command_line_says_is_not_asked(self):
        terminal, program = self.talk(
            "--id", "barn", "--base", "x", "--broker", "mqtt://ann@broker.lan", "--password-file",
            "/p", "--no-journal", "-o", self.path)
        self.answer(terminal, "cpu-thermal", "")
        self.assertEqual(program.wait(10), 0, terminal.text)
        self.assertEqual(terminal.text.count("? "), 1)
        self.written()

    def test_no_answer_more_writes_nothing(self):
        terminal, program = self.talk("-o", self.path)
        self.answer(terminal, "device's name", "barn")
        terminal.read_until(lambda shown: "topics begin with" in shown)
        terminal.type("\x04")
        self.assertEqual(program.wait(10), 1)
        terminal.read_until(lambda shown: "nothing is written" in shown)
        self.assertFalse(self.path.exists())
        terminal, program = self.talk("-o", self.path)
        terminal.read_until(lambda shown: "device's name" in shown)
        program.terminate()
        wait_for(lambda: program.poll() is not None, 10, "the end")
        self.assertFalse(self.path.exists())

    def test_what_is_in_the_way_of_the_file_is_said_before_the_first_question(self):
        self.path.write_text("mine")
        for path, says in [(self.path, "is there already"), ("/nowhere/x", "No such file")]:
            terminal, program = self.talk("-o", path)
            self.assertEqual(program.wait(10), 1)
            terminal.read_until(lambda shown, says=says: says in shown)
            self.assertNotIn("device's name", terminal.text)

    def test_answers_outlive_a_file_that_is_there_or_cannot_be_written(self):
        self.path.write_text("mine")
        terminal, program = self.talk("--base", "x", "--broker", "mqtt://ann@b", "--no-journal")
        self.answer(terminal, "device's name", "barn")
        self.answer(terminal, "password", "")
        self.answer(terminal, "cpu-thermal", "")
        self.answer(terminal, "Write the profile to", str(self.path))
        terminal.read_until(lambda shown: "is there already" in shown)
        for path in ["/nowhere/x.json", "/" + "x" * 300, "x" * 300]:
            self.answer(terminal, "Write the profile to", path)
        self.assertEqual(self.path.read_text(), "mine")
        self.path = self.folder / "another.json"
        self.answer(terminal, "Write the profile to", str(self.path))
        self.assertEqual(program.wait(10), 0, terminal.text)
        self.assertEqual(self.written()["device"], {"id": "barn", "base": "x"})

    def test_without_a_point_lines_and_sensors_are_asked_for_again(self):
        terminal, program = self.talk(
            "--id", "barn", "--base", "x", "--broker", "mqtt://ann@b", "--password-file", "/p",
            "--no-journal", "-o", self.path)
        self.answer(terminal, "cpu-thermal", "no")
        terminal.read_until(lambda shown: "at least one point" in shown)
        self.answer(terminal, "cpu-thermal", "yes")
        self.assertEqual(program.wait(10), 0, terminal.text)
        self.assertEqual(list(self.written()["points"]), ["cpu-thermal"])

    def test_no_sensor_and_no_line_is_no_profile(self):
        terminal, program = self.talk("--yes", "--no-sensors", "-o", self.path)
        self.assertEqual(program.wait(10), 1)
        terminal.read_until(lambda shown: "at least one point" in shown)


class Help(EndToEndTest):
    """The command is among those that the help names."""

    def test_the_help_has_it(self):
        self.assertIn("  init ", run("--help").stdout)
        done = subprocess.run(
            [*device_program(), "init", "--help"], capture_output=True, text=True, check=True)
        self.assertIn("init", done.stdout)
