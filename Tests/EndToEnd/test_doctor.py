"""`sandpiper doctor`: what is broken is named with what mends it, and nothing is changed."""

import json
import os
import time

from harness.doctor import PASSWORD, Doctor
from harness.processes import run
from harness.profiles import door, profile, relay, walk
from harness.waiting import free_port, wait_for

BAD_PROFILE = 6
THERMOMETER = ("air", {"kind": "sensor", "thermal": "cpu-thermal", "unit": "Cel"})


class Healthy(Doctor):
    """Nothing is broken, and nobody notices the doctor."""

    def test_good_setup_is_fine_in_all(self):
        machine = self.machine()
        machine.put_thermometer("cpu-thermal", 48.5)
        mosquitto = self.accounts("topic readwrite sandpiper/t1/#")
        device = self.device(THERMOMETER, journal={"size": "64KiB"})
        agent = self.agent(device, mosquitto.url)
        wait_for(lambda: "online" in agent.log(), 15, "a session")
        self.assertEqual(agent.stop(), 0)
        before = (self.state / "t1.journal").read_bytes()
        self.examine(device, "--broker", mosquitto.url, machine=machine)
        self.expect_levels("fine")
        self.assertEqual(self.code, 0)
        for area, text in [
                ("profile", "good"), ("memory", "budget"), ("board", "needs none"),
                ("sensors", "says 48.5"), ("clock", "kept by"), ("clock", "rtc-ds1307"),
                ("storage", "can be written"), ("journal", "is good"), ("broker", "reached at"),
                ("broker", "accepts t1-doctor, with MQTT 5.0"), ("broker", "grants"),
                ("broker", "takes messages on all 5 topics"), ("broker", '"offline"')]:
            self.expect(area, text, "", "fine")
        self.assertNotIn(PASSWORD, self.evidence)
        self.assertEqual((self.state / "t1.journal").read_bytes(), before)

    def test_agent_that_runs_and_who_subscribes_notice_nothing(self):
        mosquitto = self.broker()
        device = profile(walk("air", "60s"), relay())
        agent = self.agent(device, mosquitto.url)
        observer = self.observe(mosquitto)
        observer.wait_for("sandpiper/t1/diag", within=15)
        mark = observer.mark()
        self.examine(device, "--broker", mosquitto.url)
        self.expect("broker", '"online"', "", "fine")
        self.expect("broker", "takes messages on all 7 topics", "", "fine")
        observer.publish("sandpiper/t1/cmd/pump", "true")
        observer.wait_for("sandpiper/t1/result", since=mark)
        # The agent's own messages are never empty.
        empty = [(m.topic, m.retain) for m in observer.since(mark) if not m.payload]
        self.assertEqual(empty, [("sandpiper/t1/doctor", False)])
        self.assertEqual(agent.log().count("online at"), 1)
        self.assertNotIn("another client", agent.log())

    def test_machine_alone_is_examined_without_a_profile(self):
        done = run("doctor", "--json")
        self.take(done)
        self.assertEqual({f["area"] for f in self.findings}, {"board", "sensors", "clock", "storage"})

    def test_people_get_lines_and_a_count(self):
        done = run("doctor", "--offline", self.write(profile(door())))
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertRegex(done.stdout, r"(?m)^board +broken +this board has no GPIO chip")
        self.assertRegex(done.stdout, r"(?m)^ +to do: load the chip's driver")
        self.assertRegex(done.stdout.splitlines()[-1], r"^\d+ broken, \d+ worth knowing, \d+ fine$")
        self.assertNotRegex(done.stdout, r"(?m)^broker ")

    def test_wrong_command_line_ends_with_2(self):
        for arguments in [["--fast"], ["a.json", "b.json"], ["--broker", "http://b", "a.json"]]:
            self.assertEqual(run("doctor", *arguments).returncode, 2)


class Faults(Doctor):
    """One fault at a time."""

    def test_wrong_profile(self):
        text = json.dumps(profile(door())).replace('"kind"', '"kidn"')
        self.examine(text)
        self.assertEqual(self.code, BAD_PROFILE)
        self.expect("profile", 'did you mean "kind"?', "correct the file")
        self.expect("profile", "/points/door", "correct the file")

    def test_missing_profile(self):
        self.take(run("doctor", "--json", self.folder / "nowhere.json"))
        self.assertEqual(self.code, BAD_PROFILE)
        self.expect("profile", "No such file", "the path of the right one")

    def test_budget_that_does_not_suffice(self):
        self.examine(profile(walk(), budget={"memory": "8KiB"}), "--offline")
        self.assertEqual(self.code, 1)
        self.expect("memory", "budget.memory is 8192", "raise budget.memory to ")

    def test_service_that_was_set_up_for_another_profile(self):
        machine = self.machine()
        device = profile(walk(), journal={"size": "64KiB", "file": "/dev/mmcblk0p3"})
        drop_in = run("plan", "--drop-in", self.write(device)).stdout
        self.examine(device, "--offline", machine=machine)
        self.assertNotIn("service", [f["area"] for f in self.findings])
        machine.put_drop_in(drop_in)
        self.examine(device, "--offline", machine=machine)
        self.expect("service", "is as this profile needs it", "", "fine")
        for device in [profile(walk()), device | {"budget": {"memory": "2MiB"}}]:
            self.examine(device, "--offline", machine=machine)
            self.expect("service", "was made for another profile",
                        f"sandpiper plan --drop-in {self.folder}", "worth-knowing")

    def test_no_chip_for_the_lines_of_the_profile(self):
        self.examine(profile(door()), "--offline", machine=self.machine())
        self.expect("board", "no GPIO chip", "load the chip's driver")

    def test_journal_that_is_damaged_or_none(self):
        mosquitto = self.broker()
        device = profile(walk("air", "50ms"), journal={"size": "64KiB", "after": "1s", "every": "1s"})
        agent = self.agent(device, mosquitto.url)
        wait_for(lambda: "online" in agent.log(), 15, "a session")
        mosquitto.stop()
        path = self.state / "t1.journal"
        wait_for(lambda: path.exists() and len(run("journal", "--json", path).stdout.splitlines()) > 200,
                 40, "records")
        self.examine(device, "--offline")
        self.expect("journal", "is good", "", "fine")
        self.expect("journal", "an agent has it", "", "fine")
        agent.kill()
        whole = path.read_bytes()
        broken = bytearray(whole)
        for place in range(9000, 9400):
            broken[place] ^= 0xFF
        path.write_bytes(broken)
        self.examine(device, "--offline")
        self.assertEqual(self.code, 1)
        self.expect("journal", "is damaged", "the agent sends what can be read")
        path.write_bytes(whole + bytes(4096))
        self.examine(device, "--offline")
        self.expect("journal", "has 69632 bytes, journal.size says 65536", "give journal.size")
        path.write_bytes(os.urandom(65536))
        self.examine(device, "--offline")
        self.expect("journal", "not a journal", f"sudo mv {path} {path}.bad")

    def test_place_of_the_journal_that_is_missing_or_read_only(self):
        machine = self.machine()
        device = profile(walk(), journal={"size": "64KiB"})
        self.state.rmdir()
        self.examine(device, "--offline", machine=machine)
        self.expect("journal", "there is no such folder", f"sudo install -d -o root {self.state}")
        self.state.mkdir()
        machine.make_read_only(self.state)
        self.examine(device, "--offline", machine=machine)
        self.expect("journal", "is mounted read-only", "sudo mount -o remount,rw")
        self.expect("storage", "is mounted read-only", "sudo mount -o remount,rw")

    def test_folder_that_belongs_to_somebody_else(self):
        self.examine(profile(walk()), "--offline", machine=self.machine(), user=65534)
        self.expect("storage", "may not be written by user nobody",
                    f"sudo chown nobody {self.state}")

    def test_chip_that_may_not_be_opened(self):
        machine = self.machine()
        groups = "root:x:0:\ngpio:x:997:{}\nnogroup:x:65534:\n"
        for owner, mode, members, fix in [
                ("gpio", "660", "ann", "sudo usermod -aG gpio nobody, then log in anew"),
                ("gpio", "660", "ann,nobody", "log in anew, restart the service"),
                ("root", "600", "", "sudo chgrp gpio /dev/gpiochip0; sudo chmod 660 /dev/gpiochip0")]:
            with self.subTest(fix):
                machine.put_chip(owner, mode, groups.format(members))
                self.examine(profile(door()), "--offline", machine=machine, user=65534)
                self.assertEqual(self.code, 1)
                self.expect(
                    "board", f"/dev/gpiochip0 may not be opened: user nobody is not allowed to; it is "
                    f"of group {owner}, mode {mode}", fix)

    def test_clock_that_nobody_has_set(self):
        machine = self.machine()
        machine.lose_clock()
        machine.set_clock(-1_700_000_000, synced=False)
        self.examine(profile(walk()), "--offline", machine=machine)
        self.expect("clock", "the clock is not set", "systemd-timesyncd")
        self.expect("clock", "no hardware clock", "add a clock", "worth-knowing")
        machine.set_clock(0)
        self.examine(profile(walk()), "--offline", machine=machine)
        self.expect("clock", "no time service keeps it", "systemd-timesyncd", "worth-knowing")

    def test_sensor_that_is_not_there(self):
        machine = self.machine()
        machine.put_thermometer("gpu-thermal", 50)
        self.examine(profile(THERMOMETER), "--offline", machine=machine)
        self.expect("sensors", 'this board has no "thermal": "cpu-thermal"', "sandpiper lines")

    def test_sensor_that_hangs_holds_up_nothing_else(self):
        machine = self.machine()
        machine.put_thermometer("cpu-thermal", 48.5)
        machine.put_dead_sensor("dead")
        dead = ("dead", {
            "kind": "sensor", "hwmon": {"device": "dead", "channel": "temp1"}, "unit": "Cel"})
        self.examine(profile(dead, THERMOMETER), "--offline", machine=machine)
        self.expect("sensors", '"channel": "temp1"} does not answer within 5 s', "dmesg")
        self.expect("sensors", "says 48.5", "", "fine")

    def test_sensor_that_hangs_holds_up_no_look_at_the_machine(self):
        machine = self.machine()
        machine.put_thermometer("cpu-thermal", 48.5)
        machine.put_dead_sensor("dead")
        written = self.folder / "written.json"
        for command, says in [
                (["doctor"], '"channel": "temp1"} does not answer within 5 s'),
                (["lines"], '"channel": "temp1"}   does not answer'),
                (["init", "--id", "t1", "-o", written], "hwmon:dead/temp1 does not answer: left out")]:
            began = time.monotonic()
            done = machine.run(*command, within=30)
            self.assertLess(time.monotonic() - began, 8, command)
            self.assertIn(says, done.stdout + done.stderr, command)
            self.assertTrue(command[0] == "init" or "48.5" in done.stdout, done.stdout)
        self.assertEqual(list(json.loads(written.read_text())["points"]), ["cpu-thermal"])

    def test_flash_that_is_worn(self):
        machine = self.machine()
        for life, spare, level in [("0x0b", "0x03", "broken"), ("0x0a", "0x02", "worth-knowing")]:
            machine.wear(self.state, life, spare)
            self.examine(profile(walk()), "--offline", machine=machine)
            self.expect("storage", "flash", "replace the medium", level)
        machine.wear(self.state, "0x03", "0x01")
        self.examine(profile(walk()), "--offline", machine=machine)
        self.expect("storage", "used up to 30 %", "", "fine")


class BrokenMachine(Doctor):
    """All faults at once."""

    def test_ten_faults_are_each_named_with_their_fix(self):
        machine = self.machine()
        machine.put_chip("gpio", "660", "root:x:0:\ngpio:x:997:\n")
        machine.lose_clock()
        machine.set_clock(-1_700_000_000, synced=False)
        machine.wear(self.state, "0x0b", "0x03")
        machine.make_read_only(self.state)
        (self.folder / "damaged").write_bytes(os.urandom(65536))
        (self.folder / "damaged").chmod(0o666)
        closed = free_port()
        mosquitto = self.broker()
        device = profile(
            door(), THERMOMETER, budget={"memory": "8KiB"},
            journal={"size": "64KiB", "file": str(self.folder / "damaged")})
        device["broker"] = {"urls": [
            "mqtt://no-such-host.invalid", f"mqtt://127.0.0.1:{closed}", mosquitto.url]}
        self.examine(device, machine=machine, user=65534)
        self.assertEqual(self.code, 1)
        self.expect("memory", "budget.memory is 8192", "raise budget.memory")
        self.expect("board", "may not be opened", "sudo usermod -aG gpio nobody")
        self.expect("sensors", 'no "thermal"', "sandpiper lines")
        self.expect("clock", "the clock is not set", "install a time service")
        self.expect("storage", "mounted read-only", "remount,rw")
        self.expect("storage", "past its expected life", "replace the medium")
        self.expect("journal", "not a journal", "sudo mv")
        self.expect("broker", "name: name-not-resolved", "getent hosts")
        self.expect("broker", "Connection refused", "nobody listens there")
        self.expect("broker", "accepts t1-doctor", "", "fine")
