"""Outages: a reading taken under QoS 1 reaches the broker once the link returns."""

import time

from harness.case import EndToEndTest
from harness.profiles import door, profile, relay, walk
from harness.servers import Link
from harness.waiting import free_port

STATUS = "sandpiper/t1/status"
INFLIGHT = 16


def readings(messages):
    """All readings, live and historical, in order of arrival: (point, sequence number, value)."""
    found = []
    for message in messages:
        fields = message.fields
        if "/state/" in message.topic and not message.retain:
            found.append((message.topic.rsplit("/", 1)[1], fields["seq"], fields["v"]))
        elif message.topic.endswith("/history"):
            assert fields["historical"] is True, fields
            found += [(r["p"], r["seq"], r["v"]) for r in fields["readings"] if "k" not in r]
    return found


def repeated(messages):
    """How many messages say a reading that an earlier one has said; a pack of history is one."""
    count, seen = 0, set()
    for message in messages:
        found = {(point, number) for point, number, _ in readings([message])}
        count += bool(found & seen)
        seen |= found
    return count


class Outage(EndToEndTest):
    """A broker or a link that goes away and comes back."""

    def assert_complete(self, found, point):
        """No gap in a point's numbers, and no contradiction."""
        numbers = [number for name, number, _ in found if name == point]
        self.assertEqual(
            sorted(set(numbers)), list(range(min(numbers), max(numbers) + 1)), f"gap in {point}")
        values = {}
        for name, number, value in found:
            if name == point:
                self.assertEqual(values.setdefault(number, value), value)

    def online(self, observer, since=0, within=20):
        """Waits for a birth."""
        return observer.wait_for(STATUS, lambda m: m.fields.get("state") == "online"
                                 and not m.retain, within, since)

    def test_stopped_broker_loses_no_reading(self):
        mosquitto = self.broker()
        observer = self.observe(mosquitto, persistent=True)
        agent = self.agent(
            profile(door(), walk("air", "200ms"), walk("soil", "500ms")), mosquitto.url)
        self.online(observer)
        observer.wait_for_count("sandpiper/t1/state/air", 5)
        self.assertEqual(mosquitto.stop(), 0)
        outage = 60 if self.take_time else 8
        for step in range(4):
            time.sleep(outage / 4)
            agent.set("door", (step + 1) % 2)
        mark = observer.mark()
        mosquitto.start()
        birth = self.online(observer, mark)
        self.assertGreater(birth.fields["away"]["seconds"], outage * 0.5)
        self.assertEqual(birth.fields["away"]["dropped"], 0)
        count = len(observer.since(0, "sandpiper/t1/state/air"))
        observer.wait_for_count("sandpiper/t1/state/air", count + 5)
        self.assertEqual(agent.stop(), 0)
        observer.wait_for(STATUS, lambda m: m.fields["state"] == "offline", since=mark)
        found = readings(observer.since())
        for point in ["door", "air", "soil"]:
            self.assert_complete(found, point)
        self.assertLessEqual(repeated(observer.since()), INFLIGHT)
        history = observer.since(mark, "sandpiper/t1/history")
        self.assertTrue(history, "the backlog comes as history")
        self.assertFalse(any(m.retain for m in history))
        doors = [value for name, _, value in found if name == "door"]
        self.assertEqual(doors[-1], False)
        self.assertGreaterEqual(doors.count(True), 2)

    def test_half_open_link_is_noticed_and_loses_no_reading(self):
        mosquitto = self.broker()
        observer = self.observe(mosquitto)
        link = Link(free_port(), mosquitto.port)
        self.addCleanup(link.close)
        agent = self.agent(profile(walk("air", "200ms"), keep_alive="2s", reply="3s"), link.url)
        self.online(observer)
        observer.wait_for_count("sandpiper/t1/state/air", 5)
        mark = observer.mark()
        link.fall_silent()
        time.sleep(3)
        link.heal()
        # At the worst keep-alive, reply timeout, and a back-off.
        self.online(observer, mark, 15)
        count = len(observer.since(0, "sandpiper/t1/state/air"))
        observer.wait_for_count("sandpiper/t1/state/air", count + 5)
        self.assertEqual(agent.stop(), 0)
        observer.wait_for(STATUS, lambda m: m.fields["state"] == "offline", since=mark)
        self.assert_complete(readings(observer.since()), "air")
        self.assertLessEqual(repeated(observer.since()), INFLIGHT)

    def test_cut_link_is_taken_up_again_each_time(self):
        mosquitto = self.broker()
        observer = self.observe(mosquitto)
        link = Link(free_port(), mosquitto.port)
        self.addCleanup(link.close)
        agent = self.agent(profile(walk("air", "100ms")), link.url)
        session = self.online(observer).fields["session"]
        cuts = 4
        for _ in range(cuts):
            mark = observer.mark()
            link.cut()
            birth = self.online(observer, mark)
            self.assertGreater(birth.fields["session"], session)
            session = birth.fields["session"]
        self.assertEqual(agent.stop(), 0)
        observer.wait_for(STATUS, lambda m: m.fields["state"] == "offline")
        self.assert_complete(readings(observer.since()), "air")
        self.assertLessEqual(repeated(observer.since()), cuts * INFLIGHT)

    def test_agent_started_before_the_broker_keeps_its_readings(self):
        port = free_port()
        agent = self.agent(profile(walk("air", "200ms")), f"mqtt://127.0.0.1:{port}")
        time.sleep(3)
        mosquitto = self.broker(port)
        observer = self.observe(mosquitto)
        observer.wait_for_count("sandpiper/t1/state/air", 5, 20)
        self.assertEqual(agent.stop(), 0)
        observer.wait_for(STATUS, lambda m: m.fields["state"] == "offline")
        found = readings(observer.since())
        self.assert_complete(found, "air")
        self.assertEqual(min(number for _, number, _ in found), 1)

    def test_output_takes_its_lost_state_when_the_link_has_been_gone_for_long_enough(self):
        mosquitto = self.broker()
        observer = self.observe(mosquitto)
        pump = relay(lost={"state": False, "after": "2s"})
        self.agent(profile(pump), mosquitto.url)
        observer.wait_for("sandpiper/t1/diag", within=15)
        observer.publish("sandpiper/t1/cmd/pump", "true")
        observer.wait_for("sandpiper/t1/state/pump", lambda m: m.fields["v"] is True)
        mosquitto.stop()
        time.sleep(4)
        mark = observer.mark()
        mosquitto.start()
        observer.wait_for("sandpiper/t1/state/pump", lambda m: m.fields["v"] is False, 20, mark)
