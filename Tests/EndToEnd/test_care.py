"""Remote care: signed requests over MQTT, and profiles that have to prove themselves."""

import json
import os
import signal
import stat
import subprocess
import time

from harness.care import CARE, LAB, RESULT, STATUS, CareTest
from harness.processes import Agent, Process, run
from harness.profiles import door, profile
from harness.waiting import free_port, wait_for


class Care(CareTest):
    """Requests, and those that nobody has a right to."""

    def test_state_is_answered_and_all_is_said_anew(self):
        self.begin()
        mark = self.observer.mark()
        answer, = self.send("status")
        self.assertEqual((answer["do"], answer["result"]), ("status", "done"))
        self.assertEqual(answer["status"]["careRefused"], 0)
        self.observer.wait_for("sandpiper/t1/diag", since=mark)
        self.observer.wait_for("sandpiper/t1/state/door", since=mark)
        message = self.observer.wait_for(RESULT)
        self.assertEqual((message.qos, message.retain), (1, False))

    def test_log_has_another_level_for_a_time(self):
        runner = self.begin()
        self.assertEqual(self.results(self.send("log", "error", "--for", "3s")), ["done"])
        self.send("status")
        self.assertNotIn("remote care: status", runner.log(), "a notice is no error")
        time.sleep(4)
        self.send("status")
        wait_for(lambda: "remote care: status" in runner.log(), 5, "the notice")

    def test_restart_stops_in_order_and_begins_anew(self):
        runner = self.begin()
        mark = self.observer.mark()
        answers = self.send("restart")
        self.assertEqual(self.results(answers), ["accepted", "done"])
        said = [(m.fields["state"], m.fields["reason"]) for m in self.observer.since(mark, STATUS)]
        self.assertEqual(said[:2], [("stopping", "restart"), ("offline", "restart")])
        self.assertEqual(said[-1][0], "online")
        self.assertTrue(runner.running)
        # The answer is forgotten once the broker has it.
        record = runner.state / "t1.care"
        wait_for(lambda: "answer" not in record.read_text(), 5, "the end of it")
        self.assertEqual(stat.S_IMODE(record.stat().st_mode), 0o600)

    def test_forged_requests_get_no_answer(self):
        runner = self.begin()
        self.keygen("other.pem")
        mark = self.observer.mark()
        self.send("restart", "--timeout", "2s", key="other.pem", status=3)
        good = self.lab(
            "care", "send", "--print", "--signing-key", self.folder / "key.pem", "--device", "t1",
            "restart").stdout
        self.observer.publish(CARE, good.replace("restart", "profile"))
        self.observer.publish(CARE, "nonsense")
        self.observer.publish("sandpiper/t1/care", good, retain=True)
        self.observer.publish("sandpiper/t1/care", "", retain=True)
        # That of another device: what is signed names this one.
        other = self.lab(
            "care", "send", "--print", "--signing-key", self.folder / "key.pem", "--device", "t2",
            "restart").stdout
        time.sleep(2)
        self.observer.publish(CARE, other)
        time.sleep(2)
        answer, = self.send("status")
        self.assertEqual(len(self.observer.since(mark, RESULT)), 1)
        # 5.0 tells what was retained while the agent listens.
        self.assertEqual(answer["status"]["careRefused"], 5)
        self.assertEqual(runner.log().count("a request was passed over"), 1, "once a minute")
        self.assertEqual(len(self.observer.since(mark, STATUS)), 0)

    def test_replay_is_refused_over_a_restart_too(self):
        self.begin()
        mark = self.observer.mark()
        self.assertEqual(self.results(self.send("restart")), ["accepted", "done"])
        replayed = self.observer.wait_for(CARE, since=mark).payload
        self.send("log", "debug")
        time.sleep(3)
        mark = self.observer.mark()
        self.observer.publish(CARE, replayed)
        answer = self.observer.wait_for(RESULT, since=mark).fields
        self.assertEqual((answer["result"], answer["reason"]), ("refused", "n-not-greater"))
        time.sleep(1)
        self.assertEqual(self.observer.since(mark, STATUS), [])

    def test_last_request_that_comes_twice_is_carried_out_once(self):
        self.begin()
        mark = self.observer.mark()
        self.send("restart")
        replayed = self.observer.wait_for(CARE, since=mark).payload
        self.observer.wait_for(RESULT, lambda m: m.fields["result"] == "done", since=mark)
        mark = self.observer.mark()
        self.observer.publish(CARE, replayed)
        time.sleep(2)
        self.assertEqual(self.observer.since(mark, STATUS), [])
        self.assertEqual(self.observer.since(mark, RESULT), [])

    def test_what_is_not_allowed_is_refused(self):
        self.begin(allow=["status"])
        for request in [["restart"], ["log", "debug"]]:
            with self.subTest(request[0]):
                answer, = self.send(*request, status=1)
                self.assertEqual(answer["reason"], "not-allowed")
        # There is no memory for one, so nobody can tell who has signed it.
        self.send("profile", self.proposed(), "--timeout", "2s", status=3)

    def test_expired_request_is_refused(self):
        self.begin()
        answer, = self.send("log", "debug", "--expires", "1h")
        self.assertEqual(answer["result"], "done")
        answer, = self.send("log", "debug", "--expires", "1ms", status=1)
        self.assertEqual(answer["reason"], "expired")

    def test_without_a_state_directory_nothing_begins_anew(self):
        self.installed = self.write(self.profile(), "installed.json")
        mark = self.observer.mark()
        runner = Agent(self.folder, self.installed, None)
        place = runner.command.index("--state")
        del runner.command[place:place + 2]
        self.start(runner)
        self.wait_until_online(mark)
        answer, = self.send("restart", status=1)
        self.assertEqual(answer["reason"], "no-state-directory")
        answer, = self.send("log", "debug")
        self.assertEqual(answer["result"], "done")

    def test_without_care_in_the_profile_nobody_listens(self):
        plain = profile(door())
        plain["broker"]["url"] = self.mosquitto.url
        runner = self.agent(plain, None)
        self.observer.wait_for("sandpiper/t1/diag", within=15)
        self.assertNotIn("sandpiper/t1/care", self.mosquitto.log())
        self.send("status", "--timeout", "2s", status=3)
        self.assertNotIn("careRefused", self.observer.wait_for("sandpiper/t1/diag").fields)
        self.assertFalse((runner.state / "t1.care").exists())

    def test_keys_of_openssl_will_do(self):
        path = self.folder / "openssl.pem"
        subprocess.run(
            ["openssl", "genpkey", "-algorithm", "ed25519", "-out", path], check=True,
            capture_output=True)
        self.begin(keys=[self.key, self.keygen("openssl.pem")])
        self.assertEqual(self.results(self.send("status", key="openssl.pem")), ["done"])
        mode = stat.S_IMODE((self.folder / "key.pem").stat().st_mode)
        self.assertEqual(mode, 0o600)

    def test_key_that_others_can_read_is_told_of(self):
        key = self.folder / "key.pem"
        arguments = ["care", "send", "--print", "--signing-key", key, "--device", "t1", "status"]
        self.assertEqual(self.lab(*arguments).stderr, "")
        key.chmod(0o640)
        self.assertIn("others than its owner can read", self.lab(*arguments).stderr)


class Trial(CareTest):
    """Proposed profiles."""

    def test_good_profile_is_applied_and_outlives_restarts(self):
        runner = self.begin()
        before = self.profile_hash()
        proposed = self.proposed(line="GPIO18")
        self.assertEqual(self.results(self.send("profile", proposed)), ["accepted", "applied"])
        after = self.profile_hash()
        self.assertNotEqual(before, after)
        accepted = runner.state / "t1.profile.json"
        self.assertEqual(accepted.read_text(), proposed.read_text())
        self.assertEqual(stat.S_IMODE(accepted.stat().st_mode), 0o600)
        self.assertIn("profile that came by remote care", self.again(runner).log())
        self.assertEqual(self.profile_hash(), after)
        # The same once more changes nothing.
        self.assertEqual(self.results(self.send("profile", proposed)), ["applied"])

    def again(self, runner, how="stop"):
        """Ends the agent and starts it with the same command."""
        runner.stop() if how == "stop" else runner.kill()
        mark = self.observer.mark()
        runner.start()
        self.wait_until_online(mark)
        return runner

    def test_profile_without_its_broker_is_rolled_back(self):
        runner = self.begin()
        before = self.profile_hash()
        proposed = self.proposed(url=f"mqtt://127.0.0.1:{free_port()}")
        answers = self.send("profile", proposed, "--within", "10s", status=1)
        self.assertEqual(self.results(answers), ["accepted", "rolled-back"])
        self.assertEqual(answers[1]["reason"], "not-online: connect-failed")
        self.assertEqual(self.profile_hash(), before)
        self.assertFalse((runner.state / "t1.trial.json").exists())

    def on_trial(self):
        """An agent that tries a profile whose broker is not there."""
        runner = self.begin()
        before = self.profile_hash()
        proposed = self.proposed(url=f"mqtt://127.0.0.1:{free_port()}")
        sender = self.start(Process(
            [LAB, "care", "send", "-h", "127.0.0.1", "-p", self.mosquitto.port, "--device", "t1",
             "--signing-key", self.folder / "key.pem", "profile", proposed], self.folder / "sender"))
        wait_for(lambda: "profile on trial" in runner.log(), 15, "the trial")
        wait_for(lambda: "no connection to" in runner.log(), 15, "the trial's course")
        mode = stat.S_IMODE((runner.state / "t1.trial.json").stat().st_mode)
        self.assertEqual(mode, 0o600)
        return runner, before, sender

    def test_agent_that_is_killed_on_trial_goes_back(self):
        runner, before, sender = self.on_trial()
        self.again(runner, how="kill")
        self.assertEqual(self.profile_hash(), before)
        self.assertEqual(sender.wait(15), 1, sender.log())
        self.assertIn('"result":"rolled-back","reason":"run-ended"', sender.log())

    def test_agent_that_is_stopped_on_trial_goes_back(self):
        runner, before, sender = self.on_trial()
        self.again(runner)
        self.assertEqual(self.profile_hash(), before)
        self.assertEqual(sender.wait(15), 1, sender.log())

    def test_hangup_on_trial_changes_nothing(self):
        runner, _, _ = self.on_trial()
        runner.signal(signal.SIGHUP)
        wait_for(lambda: "nothing changes until that is over" in runner.log(), 5, "a word")

    def test_installed_profile_that_is_edited_on_trial_wins(self):
        runner, before, sender = self.on_trial()
        self.write(self.profile(line="GPIO22"), "installed.json")
        mark = self.observer.mark()
        runner.signal(signal.SIGHUP)
        self.wait_until_online(mark)
        self.assertNotEqual(self.profile_hash(), before)
        self.assertIn("put aside", runner.log())
        self.assertEqual(sender.wait(15), 1, sender.log())
        self.assertIn("installed-profile-changed", sender.log())

    def test_installed_profile_that_is_edited_wins(self):
        runner = self.begin()
        self.send("profile", self.proposed(line="GPIO18"))
        accepted = self.profile_hash()
        runner.stop()
        self.write(self.profile(line="GPIO22"), "installed.json")
        self.again_started(runner)
        self.assertNotEqual(self.profile_hash(), accepted)
        self.assertIn("the installed profile was changed", runner.log())
        self.assertTrue((runner.state / "t1.profile.json.old").exists())
        self.assertFalse((runner.state / "t1.profile.json").exists())

    def again_started(self, runner):
        """Starts an agent that was stopped."""
        mark = self.observer.mark()
        runner.start()
        self.wait_until_online(mark)

    def test_person_can_see_and_drop_the_profile(self):
        runner = self.begin()
        shown = run("care", "--state", runner.state, self.installed)
        self.assertEqual(shown.returncode, 0, shown.stderr)
        self.assertIn("as installed", shown.stdout)
        before = self.profile_hash()
        self.send("profile", self.proposed(line="GPIO18"))
        shown = run("care", "--state", runner.state, self.installed)
        self.assertIn("t1.profile.json", shown.stdout)
        dropped = run("care", "--drop", "--state", runner.state, self.installed)
        self.assertEqual(dropped.returncode, 0, dropped.stderr)
        mark = self.observer.mark()
        runner.signal(signal.SIGHUP)
        self.wait_until_online(mark)
        self.assertEqual(self.profile_hash(), before)
        again = run("care", "--drop", "--state", runner.state, self.installed)
        self.assertEqual(again.returncode, 1)

    def test_profile_that_was_dropped_beside_the_agent_stays_dropped(self):
        runner = self.begin()
        before = self.profile_hash()
        self.send("profile", self.proposed(line="GPIO18"))
        record = runner.state / "t1.care"
        wait_for(lambda: "answer" not in record.read_text(), 5, "the end of it")
        owner, text = record.stat().st_ino, record.read_text()
        self.assertEqual(
            run("care", "--drop", "--state", runner.state, self.installed).returncode, 0)
        self.assertEqual((record.stat().st_ino, record.read_text()), (owner, text))
        self.assertIn("as installed", run("care", "--state", runner.state, self.installed).stdout)
        # The agent writes its record anew.
        self.send("restart")
        self.assertEqual(self.profile_hash(), before)
        self.assertIn("was dropped", runner.log())
        self.assertNotIn("accepted", record.read_text())

    def test_without_a_readable_record_only_the_state_is_told(self):
        runner = self.begin()
        self.send("restart")
        runner.stop()
        (runner.state / "t1.care").write_text("nonsense")
        self.again_started(runner)
        for request in [["restart"], ["log", "debug"], ["profile", self.proposed()]]:
            with self.subTest(request[0]):
                time.sleep(1)
                answer, = self.send(*request, status=1)
                self.assertEqual(answer["reason"], "record-unreadable")
        self.assertEqual(self.results(self.send("status")), ["done"])

    def test_bad_profile_is_told_with_its_lines(self):
        self.begin()
        before = self.profile_hash()
        text = json.dumps(self.profile(), indent=2).replace('"keepAlive"', '"keepAlife"')
        line = 1 + next(n for n, row in enumerate(text.splitlines()) if "keepAlife" in row)
        answer, = self.send("profile", self.write(text, "bad.json"), status=1)
        self.assertEqual(answer["result"], "refused")
        self.assertIn(f"profile:{line}:5: error: /broker/keepAlife: unknown name", answer["reason"])
        self.assertEqual(self.profile_hash(), before)

    def test_nobody_locks_himself_out(self):
        self.begin()
        other = self.keygen("other.pem")
        for more, word in [
                ({"keys": [other]}, "key that has signed"),
                ({"allow": ["status"]}, "key that has signed"),
                ({"device": "t2"}, "device.id"),
                ({"budget": {"memory": "64KiB"}}, "bytes of memory")]:
            with self.subTest(more):
                time.sleep(1)
                answer, = self.send("profile", self.proposed(**more), status=1)
                self.assertIn(word, answer["reason"])
        # A key leaves by way of a profile that names both.
        both = self.proposed(keys=[self.key, other])
        self.assertEqual(self.results(self.send("profile", both))[-1], "applied")
        alone = self.proposed(keys=[other])
        self.assertEqual(
            self.results(self.send("profile", alone, key="other.pem"))[-1], "applied")
        self.send("status", "--timeout", "2s", status=3)

    def test_profile_that_leaves_no_room_for_itself_is_refused(self):
        self.begin()
        small = self.profile(description="x" * 2_000, line="GPIO18")
        small["care"]["maxProfile"] = "2KiB"
        answer, = self.send("profile", self.write(small, "small.json"), status=1)
        self.assertIn("longer than its own care.maxProfile", answer["reason"])

    def test_journal_that_cannot_be_had_is_refused(self):
        runner = self.begin(journal={"size": "64KiB"})
        (runner.state / "folder").mkdir()
        for journal, word in [({"size": "128KiB"}, "its file has 65536 bytes"),
                              ({"size": "64KiB", "file": "t1.care"}, "journal.size: its file has"),
                              ({"size": "64KiB", "file": "folder"}, "neither a file")]:
            with self.subTest(journal):
                time.sleep(1)
                answer, = self.send("profile", self.proposed(journal=journal), status=1)
                self.assertIn(word, answer["reason"])
        time.sleep(1)
        another = self.proposed(journal={"size": "128KiB", "file": "another"}, line="GPIO18")
        self.assertEqual(self.results(self.send("profile", another))[-1], "applied")

    def test_large_profile_comes_through(self):
        self.begin()
        long = self.proposed(description="x" * 12_000, line="GPIO18")
        self.assertEqual(self.results(self.send("profile", long))[-1], "applied")
        longer = self.proposed(description="x" * 17_000)
        self.send("profile", longer, "--timeout", "2s", status=3)

    def test_profile_that_was_lost_from_the_state_is_no_profile(self):
        runner = self.begin()
        before = self.profile_hash()
        self.send("profile", self.proposed(line="GPIO18"))
        runner.stop()
        os.truncate(runner.state / "t1.profile.json", 10)
        self.again_started(runner)
        self.assertEqual(self.profile_hash(), before)
        self.assertIn("back to the installed one", runner.log())

    def test_power_cut_between_record_and_name_keeps_the_profile(self):
        runner = self.begin()
        self.send("profile", self.proposed(line="GPIO18"))
        after = self.profile_hash()
        runner.kill()
        accepted = runner.state / "t1.profile.json"
        accepted.rename(runner.state / "t1.trial.json")
        self.again_started(runner)
        self.assertEqual(self.profile_hash(), after)
        self.assertTrue(accepted.exists())

    def test_profile_that_cannot_be_kept_is_rolled_back(self):
        runner = self.begin()
        self.send("profile", self.proposed(line="GPIO18"))
        before = self.profile_hash()
        sender = self.start(Process(
            [LAB, "care", "send", "-h", "127.0.0.1", "-p", self.mosquitto.port, "--device", "t1",
             "--signing-key", self.folder / "key.pem", "--within", "10s", "profile",
             self.proposed(line="GPIO22")], self.folder / "sender"))
        record = runner.state / "t1.care"
        wait_for(lambda: "begun" in record.read_text(), 15, "the trial")
        # Nothing takes the place of a folder.
        obstacle = runner.state / "t1.care.new"
        obstacle.mkdir()
        wait_for(lambda: "rolled-back" in sender.log(), 30, "the end of the trial")
        self.assertEqual(sender.wait(15), 1, sender.log())
        self.assertEqual(self.profile_hash(), before)
        self.assertFalse((runner.state / "t1.trial.json").exists())
        answer, = self.send("restart", status=1)
        self.assertEqual(answer["reason"], "state-not-writable")
        # Once there is room, all is well again.
        obstacle.rmdir()
        self.assertEqual(self.results(self.send("restart")), ["accepted", "done"])
        self.assertEqual(self.profile_hash(), before)
