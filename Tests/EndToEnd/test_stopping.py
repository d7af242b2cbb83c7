"""The orderly stop against brokers that make it hard."""

import json
import time

from harness.case import EndToEndTest
from harness.profiles import door, profile, relay, walk
from harness.servers import ScriptedBroker
from harness.waiting import free_port, wait_for

STATUS = "sandpiper/t1/status"
PUMP = "sandpiper/t1/state/pump"


class Stopping(EndToEndTest):
    """SIGTERM while something else goes on."""

    def scripted(self, published):
        """A broker of the test's own."""
        broker = ScriptedBroker(free_port(), published)
        self.addCleanup(broker.close)
        return broker

    def test_stop_does_not_wait_for_readings_that_never_end(self):
        mosquitto = self.broker()
        observer = self.observe(mosquitto)
        agent = self.agent(
            profile(relay(), *[walk(f"air{n}", "10ms") for n in range(60)]), mosquitto.url)
        observer.wait_for("sandpiper/t1/diag", within=15)
        started = time.monotonic()
        self.assertEqual(agent.stop(), 0)
        self.assertLess(time.monotonic() - started, 3)
        observer.wait_for(STATUS, lambda m: m.fields["state"] == "offline")

    def test_stop_ends_without_a_reset_though_the_broker_has_more_to_say(self):
        def published(broker, topic, payload):
            if topic == STATUS and b'"offline"' in payload:
                for _ in range(500):
                    broker.send(STATUS, b"more")
            return True

        broker = self.scripted(published)
        agent = self.agent(profile(door(), relay()), broker.url)
        wait_for(lambda: "sandpiper/t1/diag" in broker.topics, 15, "diagnostics")
        self.assertEqual(agent.stop(), 0)
        wait_for(lambda: broker.end, 2, "the end of the connection")
        self.assertEqual(broker.end, "disconnect")

    def test_stop_before_the_birth_leaves_no_stale_word(self):
        mosquitto = self.broker()
        observer = self.observe(mosquitto)
        stale = {"state": "online", "session": 1, "boot": "?"}
        observer.publish(STATUS, stale, retain=True)
        agent = self.agent(profile(door(), relay()), mosquitto.url)
        # The birth waits a quarter of a second for what the broker knows of the run before.
        wait_for(lambda: "online at" in agent.log(), 15, "a session")
        self.assertEqual(agent.stop(), 0)
        later = self.observe(mosquitto, name="later")
        last = later.wait_for(STATUS)
        self.assertEqual((last.fields["state"], last.retain), ("offline", True))
        self.assertNotIn("online", [
            m.fields["state"] for m in observer.since(0, STATUS) if m.fields["session"] != 1])

    def test_command_that_comes_during_the_stop_drives_nothing(self):
        results, levels = [], []

        def published(broker, topic, payload):
            if topic.endswith("/result"):
                results.append(json.loads(payload))
            if topic == PUMP:
                levels.append(json.loads(payload)["v"])
            if topic == STATUS and b'"stopping"' in payload:
                broker.send("sandpiper/t1/cmd/pump", b"true")
            # Without its acknowledgement the stop lasts until the answer is there.
            return not topic.endswith("/state/door") or bool(results)

        broker = self.scripted(published)
        agent = self.agent(profile(door(), relay(), reply="2s"), broker.url)
        wait_for(lambda: "sandpiper/t1/diag" in broker.topics, 15, "diagnostics")
        self.assertEqual(agent.stop(), 0)
        self.assertEqual([(r["result"], r["reason"]) for r in results], [("refused", "stopping")])
        self.assertNotIn(True, levels)
