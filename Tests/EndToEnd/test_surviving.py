"""What happens to links and brokers in life: the subscriber's set equals what the agent has read."""

import os
import random
import signal
import time

from harness.case import EndToEndTest
from harness.island import Island
from harness.profiles import profile, walk
from harness.waiting import wait_for
from test_outage import readings, repeated

STATUS = "sandpiper/t1/status"
INFLIGHT = 16
POINTS = [f"p{number}" for number in range(4)]


class Accounted(EndToEndTest):
    """An agent that reads without end, and an account of it at the end."""

    # How often each of the four sensors is read.
    every = "100ms"

    def setUp(self):
        super().setUp()
        self.chance = random.Random(4)

    def device(self, **more):
        """Four sensors, a broker that is given up after four seconds of silence, a journal."""
        points = [walk(name, self.every, report={"min": "0s"}) for name in POINTS]
        return profile(
            *points, keep_alive="2s", reply="2s",
            journal={"size": "1MiB", "after": "2s", "every": "1s"}, **more)

    def online(self, observer, mark=0, within=30):
        """Waits for a birth after the mark."""
        return observer.wait_for(
            STATUS, lambda m: m.fields.get("state") == "online" and not m.retain, within, mark)

    def outages(self, agent, observer, begin, end, rounds, longest=6):
        """Outages of random length at random moments; each ends with a birth."""
        for _ in range(rounds):
            time.sleep(self.chance.uniform(0.2, 3))
            begin()
            time.sleep(self.chance.uniform(0.2, longest))
            end()
            # One that was too short to be noticed leaves the session as it was.
            time.sleep(0.2)
            values = len(observer.since(0, f"sandpiper/t1/state/{POINTS[0]}"))
            wait_for(lambda values=values: len(observer.since(
                0, f"sandpiper/t1/state/{POINTS[0]}")) > values + 5, 40, "live values")
            self.assertTrue(agent.running, agent.log())

    def account(self, agent, observer):
        """Stops the agent, once it has caught up, and compares what it has read with what has come."""
        wait_for(lambda: self.has_caught_up(observer.since()), 30, "all of it", 0.5)
        self.assertEqual(agent.stop(30), 0)
        observer.wait_for(STATUS, lambda m: m.fields["state"] == "offline", 10)
        messages = observer.since()
        connections = len({m.fields["session"] for m in messages
                           if m.topic == STATUS and m.fields.get("state") == "online"})
        found = readings(messages)
        self.assertEqual(self.missing(found), [[], [], [], []])
        for name in POINTS:
            for kind in ["live", "history"]:
                self.assert_first_in_order(kind, name, messages)
        twice = repeated(messages)
        print(f"        {len(set(found))} readings over {connections} connections: all came, "
              f"{twice} messages twice")
        self.assertLessEqual(twice, (connections - 1) * INFLIGHT)
        return connections

    def has_caught_up(self, messages):
        """Whether live readings have come since the last birth, and all those before them."""
        last = max(place for place, m in enumerate(messages)
                   if m.topic == STATUS and m.fields.get("state") == "online")
        live = {point for point, _, _ in readings(
            m for m in messages[last:] if not m.topic.endswith("/history"))}
        return live >= set(POINTS) and not any(self.missing(readings(messages)))

    @staticmethod
    def missing(found):
        """Which numbers of each point have not come, up to the highest that has."""
        numbers = [{number for point, number, _ in found if point == name} for name in POINTS]
        return [sorted(set(range(1, max(have, default=1) + 1)) - have) for have in numbers]

    def assert_first_in_order(self, kind, name, messages):
        """Each reading, where it came first in its stream, came behind the one before."""
        stream = [m for m in messages if m.topic.endswith("/history") == (kind == "history")]
        seen, numbers = set(), []
        for point, number, _ in readings(stream):
            if point == name and number not in seen:
                seen.add(number)
                numbers.append(number)
        self.assertEqual(numbers, sorted(numbers), f"{kind} {name}")


class Surviving(Accounted):
    """Brokers and ways that fail."""

    alone = True

    def begin(self, **options):
        """A broker, an observer whose session it keeps, and the agent."""
        mosquitto = self.broker(**options)
        observer = self.observe(
            mosquitto, persistent=True,
            **({"host": options["island"].observers_host} if "island" in options else {}))
        agent = self.agent(self.device(), mosquitto.url)
        self.online(observer)
        return mosquitto, observer, agent

    # MARK: the broker

    def test_broker_that_stops_and_starts_again(self):
        mosquitto, observer, agent = self.begin()
        self.outages(agent, observer, mosquitto.stop, mosquitto.start, 12 if self.take_time else 3)
        self.account(agent, observer)

    def test_broker_that_is_killed(self):
        # Else it forgets what it has acknowledged.
        mosquitto, observer, agent = self.begin(settings=[
            "allow_anonymous true", "autosave_on_changes true", "autosave_interval 1"])
        self.outages(agent, observer, mosquitto.kill, mosquitto.start, 12 if self.take_time else 3)
        self.account(agent, observer)

    def test_broker_that_hangs(self):
        mosquitto, observer, agent = self.begin()
        self.outages(
            agent, observer, lambda: mosquitto.signal(signal.SIGSTOP),
            lambda: mosquitto.signal(signal.SIGCONT), 12 if self.take_time else 3, longest=12)
        self.account(agent, observer)

    # MARK: the way

    def island(self):
        """A namespace for the broker."""
        if os.geteuid() != 0:
            self.skipTest("only root may make network namespaces")
        island = Island()
        self.addCleanup(island.close)
        # Whatever runs inside ends before.
        self.addCleanup(self._end_all)
        return island

    def test_interface_that_goes_down(self):
        island = self.island()
        _, observer, agent = self.begin(island=island)
        self.outages(agent, observer, island.pull, island.plug, 20 if self.take_time else 3)
        self.account(agent, observer)

    def test_path_that_swallows_everything(self):
        island = self.island()
        _, observer, agent = self.begin(island=island)
        self.outages(
            agent, observer, island.drop, island.undrop, 20 if self.take_time else 3, longest=12)
        self.account(agent, observer)

    def test_path_that_loses_a_packet_in_five(self):
        island = self.island()
        _, observer, agent = self.begin(island=island)
        island.drop(20)
        time.sleep(60 if self.take_time else 15)
        island.undrop()
        self.account(agent, observer)
