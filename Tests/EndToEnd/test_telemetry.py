"""What a subscriber sees of the points, with the topics and payloads that are documented."""

import re
import subprocess
import time
from datetime import datetime

from harness.case import EndToEndTest
from harness.processes import ROOT
from harness.profiles import door, profile, relay, steady, walk
from harness.waiting import wait_for

STATE = "sandpiper/t1/state/"


def seconds(timestamp):
    """A time of RFC 3339 as seconds since 1970."""
    return datetime.strptime(timestamp, "%Y-%m-%dT%H:%M:%S.%f%z").timestamp()


class Telemetry(EndToEndTest):
    """States and events."""

    def begin(self, *points):
        """An agent with these points, and an observer."""
        mosquitto = self.broker()
        observer = self.observe(mosquitto)
        agent = self.agent(profile(*points), mosquitto.url)
        observer.wait_for("sandpiper/t1/status", lambda m: m.fields["state"] == "online", 15)
        return agent, observer

    def test_each_point_has_a_retained_state(self):
        _, observer = self.begin(door(), relay(), walk())
        for name in ["door", "pump", "air"]:
            state = observer.wait_for(STATE + name)
            self.assertEqual(state.qos, 1)
            self.assertEqual(state.fields["q"], "good")
            self.assertIn(state.fields["tq"], ["synced", "estimated"])
            self.assertGreaterEqual(state.fields["seq"], 1)
            self.assertLess(abs(seconds(state.fields["t"]) - state.wall), 5)
        later = self.observe(observer, name="later")
        for name in ["door", "pump", "air"]:
            self.assertTrue(later.wait_for(STATE + name).retain)
        self.assertIs(observer.wait_for(STATE + "door").fields["v"], False)
        air = observer.wait_for(STATE + "air").fields
        self.assertEqual(air["u"], "Cel")
        self.assertTrue(0 < air["v"] < 40, air)

    def test_each_change_of_a_line_is_published_at_once_and_in_order(self):
        agent, observer = self.begin(door())
        first = observer.wait_for(STATE + "door")
        for step, level in enumerate([True, False, True, False], 1):
            mark = observer.mark()
            moved = time.monotonic()
            agent.set("door", int(level))
            state = observer.wait_for(STATE + "door", since=mark)
            self.assertIs(state.fields["v"], level)
            self.assertEqual(state.fields["seq"], first.fields["seq"] + step)
            self.assertLess(state.at - moved, 2)
            self.assertLess(abs(seconds(state.fields["t"]) - state.wall), 2)

    def test_events_tell_each_edge_and_are_not_retained(self):
        agent, observer = self.begin(door(event=True))
        observer.wait_for(STATE + "door")
        agent.set("door", 1)
        event = observer.wait_for("sandpiper/t1/event/door")
        self.assertIs(event.fields["v"], True)
        agent.set("door", 0)
        observer.wait_for("sandpiper/t1/event/door", lambda m: m.fields["v"] is False)
        later = self.observe(observer, name="later")
        later.wait_for(STATE + "door")
        self.assertEqual(later.since(0, "sandpiper/t1/event/door"), [])

    def test_minimum_interval_thins_out_changes(self):
        _, observer = self.begin(walk(every="100ms", report={"min": "1s"}))
        states = observer.wait_for_count(STATE + "air", 4, 15)
        for before, after in zip(states, states[1:]):
            self.assertGreater(after.at - before.at, 0.8)

    def test_maximum_interval_repeats_an_unchanged_value(self):
        _, observer = self.begin(steady(report={"max": "1s"}))
        states = observer.wait_for_count(STATE + "steady", 4, 15)
        for before, after in zip(states[1:], states[2:]):
            self.assertLess(after.at - before.at, 1.8)
            self.assertEqual(after.fields["v"], before.fields["v"])

    def test_changes_below_delta_are_not_worth_a_message(self):
        _, observer = self.begin(walk(every="100ms", report={"delta": 1000}), door())
        observer.wait_for(STATE + "air")
        time.sleep(2)
        self.assertLessEqual(len(observer.since(0, STATE + "air")), 2)

    def test_mosquitto_sub_sees_what_is_documented(self):
        mosquitto = self.broker()
        self.agent(profile(door(), relay(), walk()), mosquitto.url)
        watcher = subprocess.Popen(
            ["mosquitto_sub", "-v", "-p", str(mosquitto.port), "-t", "#"], text=True,
            stdin=subprocess.DEVNULL, stdout=open(self.folder / "seen", "w", encoding="utf-8"))
        self.addCleanup(watcher.wait)
        self.addCleanup(watcher.kill)
        seen = self.folder / "seen"
        for line in [r"^sandpiper/t1/status \{\"state\":\"online\",\"session\":\d+,\"boot\":\"",
                     r"^sandpiper/t1/state/door \{\"v\":false,\"t\":\"20",
                     r"^sandpiper/t1/state/air \{\"v\":\d+\.\d+,\"u\":\"Cel\",\"t\":\"20",
                     r"^sandpiper/t1/diag \{\"session\":\d+,"]:
            wait_for(lambda: re.search(line, seen.read_text(), re.M), 15, line)  # noqa: B023

    def test_shipped_profiles_run(self):
        for path in sorted((ROOT / "devices").glob("*.json")):
            if path.name == "schema.json":
                continue
            with self.subTest(path.name):
                mosquitto = self.broker()
                observer = self.observe(mosquitto, name="watcher")
                agent = self.agent(path, mosquitto.url)
                wait_for(lambda: any("/state/" in m.topic for m in observer.since()), 15, "state")
                self.assertEqual(agent.stop(), 0)
                mosquitto.kill()
