"""The package's service in a virtual machine with systemd, GPIO lines, and a network that comes late."""

import subprocess
import threading

from harness.case import EndToEndTest
from harness.debian import package
from harness.processes import ROOT
from harness.profiles import door, profile, relay
from harness.waiting import wait_for


class Unit(EndToEndTest):
    """The shipped unit. guest/service.sh tells what it saw; the broker is on this side."""

    own_machine = True

    # What the guest asks for.
    COMMANDS = {"command": "true", "timed": '{"v":true,"for":"25s"}', "brief": '{"v":true,"for":"15s"}'}

    def test_service_from_boot_to_shutdown(self):
        passwords = self.write("", "passwords")
        subprocess.run(
            ["mosquitto_passwd", "-b", passwords, "pump", "a secret of the board"], check=True)
        # Who gives a name gives its password, too.
        mosquitto = self.broker(settings=["allow_anonymous true", f"password_file {passwords}"])
        self.observer = self.observe(mosquitto)
        url = f"mqtt://10.0.2.2:{mosquitto.port}"
        more = {"journal": {"size": "64KiB"}}
        written = profile(door("GPIO17"), relay(line="GPIO23"), **more)
        written["broker"]["url"] = url
        crowded = {**written, "points": {**written["points"], **dict([("gate", door("GPIO5")[1])])}}
        other = profile(("gate", door("GPIO5")[1]), device="t2")
        quick = self.write("[Service]\nWatchdogSec=10\nTimeoutStopSec=10\n", "quick.conf")
        self.marks, self.log = {}, []
        machine = subprocess.Popen(
            [ROOT / "Tests/Tools/service-vm/service-vm", "--install", package("amd64"),
             "--put", f"{self.write(written)}=/root/profile.json",
             "--put", f"{self.write(crowded, 'crowded.json')}=/root/crowded.json",
             "--put", f"{self.write(other, 'other.json')}=/root/other.json",
             "--put", f"{quick}=/etc/systemd/system/sandpiper.service.d/quick.conf",
             "--console", self.folder / "console", "--timeout", "540", "--",
             ROOT / "Tests/EndToEnd/guest/service.sh"],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        self.addCleanup(machine.kill)
        errors = []
        drain = threading.Thread(target=lambda: errors.append(machine.stderr.read()), daemon=True)
        drain.start()
        for line in machine.stdout:
            self.hear(line.rstrip("\n"))
        status = machine.wait(60)
        drain.join(5)
        self.told = "\n".join(
            [f"{name}: {value}" for name, value in self.marks.items()] + self.log + errors)
        self.assertEqual(status, 0, self.told)
        for name in dir(self):
            if name.startswith("fact_"):
                with self.subTest(name.removeprefix("fact_").replace("_", " ")):
                    try:
                        getattr(self, name)()
                    except AssertionError as error:
                        raise AssertionError(f"{error}\n{self.told}") from error

    def hear(self, line):
        """A line of the story."""
        kind, _, rest = line.partition(" ")
        if kind != "mark":
            self.log.append(line)
            return
        name, _, value = rest.partition(" ")
        self.marks[name] = value
        if name == "ready-for":
            self.observer.publish("sandpiper/t1/cmd/pump", self.COMMANDS[value])

    def fact_nothing_was_waited_for_in_vain(self):
        self.assertNotIn("timeout", self.marks)
        self.assertEqual(self.marks["over"], "0", "units that have failed")

    def fact_without_a_profile_it_is_enabled_and_not_started(self):
        self.assertEqual(self.marks["without-profile"], "inactive enabled no")
        self.assertEqual(self.marks["failed-units"], "0")

    def fact_the_chips_belong_to_the_group(self):
        self.assertEqual(self.marks["chip"], "crw-rw---- gpio")

    def fact_it_starts_without_a_network_as_its_own_user(self):
        self.assertEqual(self.marks["started"], "0")
        self.assertRegex(self.marks["without-network"], r"^active/running no connection for \d+ s: ")
        self.assertEqual(self.marks["user"], "sandpiper")
        self.assertEqual(self.marks["journal"], "750 sandpiper")

    def fact_it_comes_online_with_the_network_and_takes_a_command(self):
        self.assertRegex(self.marks["with-network"], r"^active/running online, session \d+; ")
        self.assertEqual((self.marks["level-at-start"], self.marks["level-on-command"]), ("0", "1"))

    def fact_members_of_its_group_may_ask_how_it_is(self):
        self.assertRegex(
            self.marks["status-for-member"], r"^link +online for .* at mqtt://10\.0\.2\.2:\d+.* \(750 sandpiper\)$")
        self.assertRegex(self.marks["status-for-others"], "usermod -aG sandpiper 4343")

    def fact_the_limits_are_those_of_the_profile_and_suffice(self):
        memory, tasks = map(int, self.marks["limits"].split())
        self.assertEqual((memory, tasks), (25 << 20, 6))
        self.assertRegex(self.marks["memory-peak"], r"^\d+ max 0 oom 0$")
        self.assertLess(int(self.marks["memory-peak"].split()[0]), memory // 2)
        self.assertLessEqual(int(self.marks["tasks-peak"]), tasks)

    def fact_killed_it_comes_back(self):
        self.assertRegex(self.marks["after-kill"], r"^active/running online, ")

    def fact_the_watchdog_finds_a_process_that_stands_still(self):
        # 10 s without a sign of life, 5 s for the abort that it does not hear, 5 s until the next start.
        self.assertLess(int(self.marks["bitten-after"]), 40)
        self.assertRegex(self.marks["after-watchdog"], r"^active/running online, ")

    def fact_a_new_profile_is_taken_over_by_the_same_process(self):
        self.assertEqual(self.marks["after-reload"], "active/running same")

    def fact_outputs_hold_through_kill_watchdog_reload_and_restart(self):
        self.assertEqual(self.marks["after-restart"], "active/running other")
        self.assertEqual(self.marks["blinked"], "0", "times at which the output was seen off")
        self.assertIn("outputs that go on", "\n".join(self.log))

    def fact_what_is_on_for_a_time_goes_off_although_the_agent_was_killed(self):
        self.assertEqual(self.marks["timed"], "other 1")
        self.assertEqual(self.marks["timed-in-the-end"], "0")

    def fact_what_is_due_is_done_although_the_agent_cannot_start(self):
        # A line of the new profile is another program's: each start fails, and another comes 5 s later.
        level, state = self.marks["overdue"].split(" ", 1)
        self.assertEqual(level, "0")
        self.assertRegex(state, "^activating/auto-restart")
        self.assertRegex(self.marks["after-crowd"], r"^active/running online, ")

    def fact_a_wrong_profile_takes_outputs_to_their_stop_state(self):
        self.assertEqual(self.marks["level-before-failure"], "1")
        self.assertEqual(self.marks["level-in-failure"], "0")

    def fact_after_a_stop_outputs_begin_in_their_start_state(self):
        self.assertEqual(self.marks["level-after-failure"], "0")

    def fact_a_bad_profile_is_no_reason_to_end_and_none_to_try_again(self):
        self.assertEqual(self.marks["reloaded"], "0")
        self.assertIn("nothing changes", self.marks["log-of-bad-reload"])
        self.assertRegex(self.marks["after-bad-reload"], r"^active/running online, ")
        self.assertEqual(self.marks["bad-profile"], "failed 6 0")
        self.assertRegex(self.marks["after-good-profile"], r"^active/running online, ")

    def fact_events_have_fields_in_the_journal(self):
        online, commands, reason = self.marks["fields"].split(" ", 2)
        self.assertGreaterEqual(int(online), 6)
        self.assertEqual(commands, "4")
        self.assertRegex(reason, r'"SANDPIPER_REASON":"[a-z-]+"')

    def fact_a_password_that_systemd_hands_over_is_used(self):
        self.assertRegex(self.marks["with-wrong-password"], r"^active/running no connection .*refused")
        self.assertRegex(self.marks["with-password"], r"^active/running online, ")
        self.assertEqual(self.marks["encrypted"][:1], "1", self.marks["encrypted"])
        self.assertRegex(self.marks["with-encrypted-password"], r"^active/running online, ")
        self.assertRegex(self.marks["with-encrypted-file"], r"^active/running online, ")
        self.assertEqual(self.marks["secret-elsewhere"], "0")

    def fact_at_shutdown_it_says_goodbye_before_the_network_goes(self):
        status = [m.fields for m in self.observer.since(topic="sandpiper/t1/status")]
        self.assertEqual(status[-1]["state"], "offline")
        wait_for(lambda: status[-1].get("reason"), 1, "a reason")


class UnitSecurity(EndToEndTest):
    """What systemd says of the unit's hardening."""

    def test_exposure_is_low(self):
        done = subprocess.run(
            ["systemd-analyze", "security", "--offline=true", "--threshold=15", "--no-pager",
             ROOT / "deploy/systemd/sandpiper.service"],
            capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout[-4000:] + done.stderr)
