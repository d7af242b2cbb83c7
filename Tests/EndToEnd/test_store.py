"""A Swift program with a journal, killed at any moment: what it was told is kept arrives."""

import random
import re
import time

from harness.case import EndToEndTest
from harness.processes import ROOT, Process
from harness.waiting import wait_for

# No free port: the next broker of another test's would listen there, and take what comes.
NOBODY = "mqtt://127.0.0.1:1"
WINDOW, UNSAID = 64, 16  # JournalConfiguration.window, and what is settled before that is written


def program():
    """What `swift build` has left."""
    found = [ROOT / ".build" / kind / "kept-publisher" for kind in ("release", "debug")]
    found = [path for path in found if path.exists()]
    assert found, "first: swift build --product kept-publisher"
    return max(found, key=lambda path: path.stat().st_mtime)


def place(name):
    """Run and number of a message."""
    return tuple(int(part) for part in name.split("."))


class KilledPublisher(EndToEndTest):
    """kill -9 under load against Mosquitto; sets compared at the subscriber."""

    def publisher(self, url, number, sync="always", *count):
        log = self.folder / f"publisher-{number}"
        return self.start(
            Process([program(), url, self.folder / "journal", number, sync, *count], log))

    def said(self, process, word):
        """What the program has said of its messages; whole lines only."""
        return re.findall(rf"^{word} (\d+\.\d+)\n", process.log(), re.MULTILINE)

    def expect_order(self, arrived):
        """In order within each quality: Mosquitto hands on at QoS 2 what it has got PUBREL for."""
        for quality in (True, False):
            those = [name for name in arrived if (place(name)[1] % 5 == 0) == quality]
            self.assertEqual(those, sorted(those, key=place))

    def test_what_was_kept_arrives_over_kills(self):
        rounds = 200 if self.take_time else 50
        chance = random.Random(rounds)
        broker = self.broker()
        observer = self.observe(broker, topics="kept")
        kept = []
        for number in range(rounds):
            # Every third run has no broker; what it leaves the next has to bring.
            publisher = self.publisher(NOBODY if number % 3 == 1 else broker.url, number)
            wait_for(lambda: self.said(publisher, "kept"), 20, "a message that is kept")
            time.sleep(chance.random() * 0.3)
            publisher.kill()
            kept += self.said(publisher, "kept")
            self.processes.remove(publisher)
        last = self.publisher(broker.url, rounds, "always", "1")
        self.assertEqual(last.wait(60), 0, last.log())
        kept += self.said(last, "kept")
        observer.wait_for("kept", lambda m: m.payload.decode() == kept[-1], 60)
        arrived = [message.payload.decode() for message in observer.since()]
        once = list(dict.fromkeys(arrived))
        self.assertEqual(set(kept) - set(once), set(), "lost")
        # One more of each run may have been kept without a word.
        self.assertLessEqual(len(set(once) - set(kept)), rounds)
        self.expect_order(once)
        self.assertLessEqual(len(arrived) - len(once), rounds * (WINDOW + UNSAID))
        print(f"        {rounds} kills, {len(kept)} kept, {len(arrived) - len(once)} came twice")

    def test_a_batch_loses_the_last_moment_at_most(self):
        broker = self.broker()
        observer = self.observe(broker, topics="kept")
        publisher = self.publisher(NOBODY, 0, "batch")
        wait_for(lambda: len(self.said(publisher, "taken")) > 1000, 20, "messages")
        before = self.said(publisher, "taken")
        time.sleep(1)
        publisher.kill()
        last = self.publisher(broker.url, 1, "batch", "1")
        self.assertEqual(last.wait(60), 0, last.log())
        observer.wait_for("kept", lambda m: m.payload == b"1.0", 60)
        arrived = [message.payload.decode() for message in observer.since()]
        self.assertEqual(set(before) - set(arrived), set())
        self.expect_order(arrived)
