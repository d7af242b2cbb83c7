"""An agent that is killed again and again: what was durable comes, once."""

import json
import random
import struct
import time

from harness.case import EndToEndTest
from harness.processes import run
from harness.profiles import profile, walk
from harness.waiting import free_port, wait_for, wait_until_still

INFLIGHT = 16
ALWAYS = ["a0", "a1"]
SPILLED = ["s0", "s1"]


class Killed(EndToEndTest):
    """Lives that end by SIGKILL at random moments, some of them with a broker, some without."""

    alone = True

    def path(self):
        """Where all lives keep their journal."""
        return self.folder / "state" / "t1.journal"

    def kept(self, life, known):
        """The readings that wait, as (life, point, number). `known` tells of each record, by its
        position, which life has written it; new ones are this life's."""
        done = run("journal", "--json", self.path())
        self.assertEqual(done.returncode, 0, done.stderr)
        found = set()
        for line in done.stdout.splitlines():
            record = json.loads(line)
            body = bytes.fromhex(record["body"])
            self.assertIn(body[0], (1, 4, 5), "a state, several merged, or an outage's report")
            if body[0] == 5:
                continue
            name = body[24 if body[0] == 1 else 52:].decode()
            owner = known.setdefault(record["position"], life)
            found.add((owner, name, struct.unpack_from("<I", body, 4)[0]))
        return found

    def device(self):
        """Two sensors whose readings are durable before they are sent, two whose readings go to the
        journal while the link is down."""
        def point(name, durability):
            return walk(name, "50ms", report={"min": "0s"}, keep={"durability": durability})
        return profile(
            *[point(name, "always") for name in ALWAYS],
            *[point(name, "spill") for name in SPILLED],
            journal={"size": "1MiB", "after": "0s", "every": "1s"})

    @staticmethod
    def by_life(messages, ends):
        """What came, as [(message number, stream, (life, point, number))]: a reading of an earlier run
        says which; what says none is of the life in which it came."""
        found = []
        for index, message in enumerate(messages):
            life = 1 + sum(message.at > end for end in ends)
            if message.topic.endswith("/history"):
                found += [(index, "history", (r.get("run", life), r["p"], r["seq"]))
                          for r in message.fields["readings"]]
            elif "/state/" in message.topic and not message.retain:
                point = message.topic.rsplit("/", 1)[1]
                found.append((index, "live", (life, point, message.fields["seq"])))
        return found

    def test_what_is_durable_outlives_any_kill(self):
        rounds = 200 if self.take_time else 15
        chance = random.Random(9)
        # What Mosquitto has acknowledged it does not forget: it lives on.
        mosquitto = self.broker()
        observer = self.observe(mosquitto, persistent=True)
        nowhere = f"mqtt://127.0.0.1:{free_port()}"
        device = self.write(self.device())
        kept, known, ends, connected = set(), {}, [], 0
        for life in range(1, rounds + 1):
            has_link = chance.random() < 0.6
            agent = self.agent(
                device, mosquitto.url if has_link else nowhere, "--seed", str(life))
            mark = observer.mark()
            time.sleep(chance.uniform(0.05, 2.5))
            agent.kill()
            self.processes.remove(agent)
            # All that it has sent is there, and counted as of this life.
            wait_until_still(observer.mark, 0.1)
            ends.append(time.monotonic())
            connected += any(m.topic.endswith("/status") for m in observer.since(mark))
            if self.path().exists():
                self.assertEqual(run("journal", "--verify", self.path()).returncode, 0)
                kept |= self.kept(life, known)
        mark = observer.mark()
        agent = self.agent(device, mosquitto.url, "--seed", "0")
        observer.wait_for("sandpiper/t1/diag", lambda m: not m.retain, 30, mark)

        def missing():
            came = {key for _, _, key in self.by_life(observer.since(), ends)}
            return kept - came

        wait_for(lambda: not missing(), 60, "all that was durable", every=1)
        time.sleep(1)
        self.assertEqual(agent.stop(), 0)
        found = self.by_life(observer.since(), ends)
        self.assert_no_gaps(found, rounds)
        self.assert_in_order(found)
        seen, twice = set(), set()
        for index, _, key in found:
            if key in seen:
                twice.add(index)
            seen.add(key)
        print(f"        {rounds} kills, {connected} of them online; {len(kept)} readings waited in "
              f"the journal at one; all came, {len(seen)} in all; {len(twice)} messages twice")
        self.assertLessEqual(len(twice), connected * INFLIGHT)

    def assert_no_gaps(self, found, rounds):
        """What is durable before it is sent is there up to the last, in each life."""
        for life in range(1, rounds + 1):
            for name in ALWAYS:
                numbers = {n for _, _, (owner, point, n) in found if (owner, point) == (life, name)}
                self.assertEqual(numbers, set(range(1, len(numbers) + 1)), f"{name} of life {life}")

    def assert_in_order(self, found):
        """In the history, and live, what came first came in order."""
        for stream in ["history", "live"]:
            last, seen = {}, set()
            for _, kind, key in found:
                if kind == stream and key not in seen:
                    seen.add(key)
                    self.assertGreater(key[2], last.get(key[:2], 0), f"{stream}: {key}")
                    last[key[:2]] = key[2]
