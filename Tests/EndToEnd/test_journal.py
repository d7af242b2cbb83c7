"""The journal: what was read while the link was down outlives the agent's death."""

import json
import os
import re
import subprocess
import tempfile

from harness.case import EndToEndTest
from harness.processes import run
from harness.profiles import door, profile, walk
from harness.waiting import wait_for

JOURNAL = {"size": "64KiB", "after": "1s", "every": "1s"}


def history(messages):
    """Readings from the journal and from memory, in order of arrival: (run, point, sequence)."""
    found = []
    for message in messages:
        if message.topic.endswith("/history"):
            found += [(r.get("run"), r["p"], r["seq"])
                      for r in message.fields["readings"] if "k" not in r]
    return found


class Journal(EndToEndTest):
    """An agent with a journal, and a broker that goes away."""

    def path(self):
        """Where the agents of this test keep it."""
        return self.folder / "state" / "t1.journal"

    def records(self):
        """What waits in the journal, as the program exports it."""
        done = run("journal", "--json", self.path())
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def kept_count(self):
        return len(self.records()) if self.path().exists() else 0

    def test_readings_of_an_outage_outlive_a_killed_agent(self):
        mosquitto = self.broker()
        description = profile(door(), walk("air", "200ms"), journal=JOURNAL)
        agent = self.agent(description, mosquitto.url)
        observer = self.observe(mosquitto, persistent=True)
        observer.wait_for_count("sandpiper/t1/state/air", 3)
        self.assertEqual(self.kept_count(), 0, "a healthy link writes nothing")
        rounds = 10 if self.take_time else 3
        for number in range(1, rounds + 1):
            self.assertEqual(mosquitto.stop(), 0)
            before = self.kept_count()
            wait_for(lambda: self.kept_count() >= before + 10, 20, "records in the journal")
            agent.kill()
            kept = self.records()
            self.assertEqual(run("journal", "--verify", self.path()).returncode, 0)
            mark = observer.mark()
            mosquitto.start()
            agent = self.agent(description, mosquitto.url)
            observer.wait_for("sandpiper/t1/diag", lambda m: not m.retain, since=mark)
            wait_for(lambda: len({r for r in history(observer.since(mark)) if r[0]}) >= len(kept),
                     20, "the history")
            found = [r for r in history(observer.since(mark)) if r[0]]
            self.assertEqual({r[0] for r in found}, {number}, "of the run before")
            self.assertEqual(len(found), len(set(found)), "nothing twice")
            numbers = [sequence for _, point, sequence in found if point == "air"]
            self.assertEqual(numbers, sorted(numbers))
            self.assertEqual(
                numbers, list(range(numbers[0], numbers[0] + len(numbers))), "no gap")
            wait_for(lambda: self.kept_count() == 0, 10, "an empty journal")
        self.assertEqual(agent.stop(), 0)

    def test_a_stop_without_a_broker_keeps_what_waits(self):
        mosquitto = self.broker()
        description = profile(
            door(), walk("air", "200ms"), journal={"size": "64KiB", "after": "1h"})
        agent = self.agent(description, mosquitto.url)
        observer = self.observe(mosquitto, persistent=True)
        observer.wait_for_count("sandpiper/t1/state/air", 3)
        self.assertEqual(mosquitto.stop(), 0)
        wait_for(lambda: "no connection" in agent.log(), 10, "the loss")
        agent.set("door", 1)
        self.assertEqual(self.kept_count(), 0, "the link is not away for long")
        self.assertEqual(agent.stop(), 0)
        self.assertGreater(self.kept_count(), 0)

    def test_two_agents_never_share_a_journal(self):
        mosquitto = self.broker()
        description = profile(door(), journal=JOURNAL)
        first = self.agent(description, mosquitto.url)
        wait_for(lambda: "online" in first.log(), 10, "the first")
        second = self.agent(description, mosquitto.url)
        wait_for(lambda: re.search("no journal.*another agent has it", second.log()), 10,
                 "the second's complaint")

    def test_a_file_that_is_no_journal_is_left_alone(self):
        mosquitto = self.broker()
        state = self.folder / "state"
        state.mkdir()
        precious = os.urandom(65536)
        self.path().write_bytes(precious)
        agent = self.agent(profile(door(), journal=JOURNAL), mosquitto.url)
        wait_for(lambda: "online" in agent.log(), 10, "an agent without a journal")
        self.assertRegex(agent.log(), "its file is none, and is left alone")
        self.assertEqual(agent.stop(), 0)
        self.assertEqual(self.path().read_bytes(), precious)
        self.assertEqual(run("journal", self.path()).returncode, 1)

    def test_a_full_disk_is_no_end(self):
        if os.geteuid() != 0:
            self.skipTest("only root may mount a small file system")
        mosquitto = self.broker()
        with tempfile.TemporaryDirectory() as small:
            subprocess.run(["mount", "-t", "tmpfs", "-o", "size=32k", "none", small], check=True)
            try:
                description = profile(
                    door(), journal={**JOURNAL, "file": small + "/journal"})
                agent = self.agent(description, mosquitto.url)
                wait_for(lambda: "online" in agent.log(), 10, "an agent without a journal")
                self.assertRegex(agent.log(), "no journal.*No space left on device")
                self.assertEqual(os.listdir(small), [], "no half file")
                self.assertEqual(agent.stop(), 0)
            finally:
                subprocess.run(["umount", small], check=True)
