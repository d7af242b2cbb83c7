"""Draining: a backlog leaves at the path's rate, and live values are not held up by it."""

import json
import time
from datetime import datetime

from harness.case import EndToEndTest
from harness.paths import NarrowPath
from harness.processes import run
from harness.profiles import profile, walk
from harness.waiting import free_port, wait_for

LIVE = [f"live{number}" for number in range(5)]


def history(messages):
    """What came as history, in order of arrival: (run, point, sequence number)."""
    return [(r.get("run"), r["p"], r["seq"]) for m in messages
            if m.topic.endswith("/history") for r in m.fields["readings"]]


def lateness(message):
    """Seconds from the reading to its arrival."""
    read = datetime.fromisoformat(message.fields["t"].replace("Z", "+00:00"))
    return message.wall - read.timestamp()


class Drain(EndToEndTest):
    """An agent with a backlog in its journal behind a path of 128 kbit/s and 300 ms."""

    alone = True

    def kept(self):
        """The records in the journal, as the program exports them."""
        done = run("journal", "--json", self.folder / "state" / "t1.journal", within=120)
        self.assertEqual(done.returncode, 0, done.stderr)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def fill(self, count):
        """Leaves at least so many readings of one run in the journal; returns them."""
        points = [walk(f"p{number}", "10ms") for number in range(20)]
        agent = self.agent(
            profile(*points, journal=self.journal(count, after="0s")),
            f"mqtt://127.0.0.1:{free_port()}")
        time.sleep(0.2 + count / 1800)
        self.assertEqual(agent.stop(60), 0)
        kept = self.kept()
        self.assertGreaterEqual(len(kept), count)
        return kept

    @staticmethod
    def journal(count, after="60s"):
        """A journal with room for so many, and half as many again."""
        return {"size": f"{max(1, count * 80 >> 20)}MiB", "after": after, "every": "1s"}

    def drain(self, count, live=LIVE, **path):
        """Drains a journal over the path. The share of the path's bytes, and how late live values were."""
        kept = self.fill(count)
        mosquitto = self.broker()
        observer = self.observe(mosquitto)
        narrow = NarrowPath(mosquitto.port, **path)
        self.addCleanup(narrow.close)
        # A minimum as long as the interval would hold each reading back after the states of the birth.
        points = [walk(name, "1s", report={"min": "0s"}) for name in live]
        agent = self.agent(profile(*points, journal=self.journal(count)), narrow.url)
        observer.wait_for("sandpiper/t1/history", within=30)
        started, before = time.monotonic(), narrow.delivered
        wait_for(lambda: len(history(observer.since())) >= len(kept),
                 30 + 200 * len(kept) / narrow.rate, "all of it", every=1)
        seconds, moved = time.monotonic() - started, narrow.delivered - before
        messages = observer.since()
        late = sorted(
            lateness(m) for m in messages if "/state/live" in m.topic and not m.retain)
        share = moved / (seconds * narrow.rate)
        print(f"{len(kept)} readings in {seconds:.0f} s: {100 * share:.1f} % of the path's bytes; "
              f"live values {late[len(late) // 2]:.2f} s late, {late[-1]:.2f} s at most")
        found = history(messages)
        of_before = [reading for reading in found if reading[0]]
        self.assertEqual(len(of_before), len(set(of_before)), "nothing twice")
        self.assertEqual(len(of_before), len(kept))
        for name in {point for _, point, _ in of_before}:
            self.assert_in_order([number for _, point, number in of_before if point == name])
        for name in live:
            numbers = [m.fields["seq"] for m in messages
                       if m.topic.endswith("/state/" + name) and not m.retain]
            self.assertEqual(numbers, sorted(numbers), "in order within the live stream")
            numbers += [number for run_number, point, number in found
                        if point == name and not run_number]
            self.assert_in_order(sorted(numbers))
        self.assertEqual(agent.stop(), 0)
        return share, late

    def assert_in_order(self, numbers):
        """Each number follows the one before."""
        self.assertEqual(numbers, list(range(numbers[0], numbers[0] + len(numbers))))

    def test_backlog_fills_the_path_and_live_values_pass_it(self):
        share, late = self.drain(100_000 if self.take_time else 5_000)
        self.assertGreaterEqual(share, 0.9)
        self.assertLessEqual(late[-1], 2)

    def test_live_values_pass_a_backlog_on_9600_bits_a_second(self):
        share, late = self.drain(200, LIVE[:1], rate=1_200)
        self.assertGreaterEqual(share, 0.8)
        self.assertLessEqual(late[len(late) // 2], 2)
        self.assertLessEqual(late[-1], 5)
