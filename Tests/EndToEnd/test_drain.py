"""Draining: a backlog leaves at the path's rate, and live values are not held up by it."""

import json
import time
from datetime import datetime

from harness.case import EndToEndTest
from harness.narrow import NarrowPath
from harness.processes import run
from harness.profiles import profile, walk
from harness.waiting import free_port, wait_for

LIVE = [f"live{number}" for number in range(5)]


def numbers(messages, first=0):
    """What came as history, in order of arrival: (run, point, sequence number)."""
    return [(r.get("run"), r["p"], r["seq"]) for m in messages[first:]
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

    def drain(self, count, **path):
        kept = self.fill(count)
        mosquitto = self.broker()
        observer = self.observe(mosquitto)
        narrow = NarrowPath(mosquitto.port, **path)
        self.addCleanup(narrow.close)
        device = profile(*[walk(name, "1s", report={"min": "0s"}) for name in LIVE], journal=self.journal(count))
        agent = self.agent(device, narrow.url)
        observer.wait_for("sandpiper/t1/history", within=30)
        started, before = time.monotonic(), narrow.delivered
        wait_for(lambda: len(numbers(observer.since())) >= len(kept),
                 30 + 200 * len(kept) / narrow.rate, "all of it")
        seconds, moved = time.monotonic() - started, narrow.delivered - before
        late = [lateness(m) for m in observer.since() if "/state/live" in m.topic and not m.retain]
        found = [n for n in numbers(observer.since()) if n[0]]
        share = moved / (seconds * narrow.rate)
        print(f"{len(kept)} readings in {seconds:.1f} s: {100 * share:.1f} % of the path; live "
              f"values {sorted(late)[len(late) // 2]:.2f} s late, {max(late):.2f} s at most of {len(late)}")
        self.assertEqual(len(found), len(set(found)), "nothing twice")
        self.assertEqual(len(found), len(kept))
        for name in {point for _, point, _ in found}:
            of_it = [sequence for _, point, sequence in found if point == name]
            self.assertEqual(of_it, list(range(of_it[0], of_it[0] + len(of_it))), name)
        self.assertEqual(agent.stop(), 0)
        return share, late

    def test_backlog_fills_the_path_and_live_values_pass_it(self):
        share, late = self.drain(5_000)
        self.assertGreaterEqual(share, 0.9)
        self.assertLessEqual(max(late), 2)
