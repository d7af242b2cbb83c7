"""Commands: a message on the command topic drives an output, or is refused with the reason."""

import time

from harness.case import EndToEndTest
from harness.profiles import door, profile, relay

RESULT = "sandpiper/t1/result"
PUMP = "sandpiper/t1/state/pump"


class Commands(EndToEndTest):
    """One agent with a pump and a door."""

    def setUp(self):
        super().setUp()
        self.mosquitto = self.broker()
        self.observer = self.observe(self.mosquitto)
        self.runner = self.agent(profile(door(), relay()), self.mosquitto.url)
        self.observer.wait_for("sandpiper/t1/diag", within=15)
        self.observer.wait_for(PUMP)

    def command(self, payload, point="pump", **options):
        """Sends a command; the members of its result."""
        mark = self.observer.mark()
        self.observer.publish(f"sandpiper/t1/cmd/{point}", payload, **options)
        return self.observer.wait_for(RESULT, since=mark).fields

    def test_accepted_command_drives_the_output_and_reads_it_back(self):
        mark = self.observer.mark()
        result = self.command({"v": True, "id": "a1"})
        self.assertEqual(
            (result["id"], result["point"], result["result"], result["v"]),
            ("a1", "pump", "done", True))
        state = self.observer.wait_for(PUMP, since=mark)
        self.assertIs(state.fields["v"], True)
        self.assertIs(self.command({"v": False, "id": "a2"})["v"], False)

    def test_bare_values_are_commands(self):
        for payload, level in [("true", True), ("0", False), ("ON", True), ('"off"', False)]:
            with self.subTest(payload):
                result = self.command(payload)
                self.assertEqual((result["result"], result["v"]), ("done", level))

    def test_command_with_a_length_ends_by_itself(self):
        mark = self.observer.mark()
        self.assertEqual(self.command({"v": True, "for": "1s"})["result"], "done")
        on = self.observer.wait_for(PUMP, lambda m: m.fields["v"] is True, since=mark)
        off = self.observer.wait_for(PUMP, lambda m: m.fields["v"] is False, 5, since=mark)
        self.assertTrue(0.5 < off.at - on.at < 3, off.at - on.at)

    def test_retained_command_is_refused(self):
        self.runner.stop()
        self.observer.publish("sandpiper/t1/cmd/pump", "true", retain=True)
        mark = self.observer.mark()
        self.agent(profile(door(), relay()), self.mosquitto.url)
        result = self.observer.wait_for(RESULT, within=15, since=mark).fields
        self.assertEqual((result["result"], result["reason"]), ("refused", "retained"))
        self.assertIs(self.observer.wait_for(PUMP, since=mark).fields["v"], False)

    def test_clearing_a_retained_command_is_no_command(self):
        mark = self.observer.mark()
        self.observer.publish("sandpiper/t1/cmd/pump", "", retain=True)
        self.assertEqual(self.command({"v": True, "id": "next"})["id"], "next")
        self.assertEqual(len(self.observer.since(mark, RESULT)), 1)

    def test_bad_commands_are_refused_with_the_reason(self):
        for point, payload, reason in [
                ("pump", '{"v":"sideways"}', "bad-value"),
                ("pump", "12", "bad-value"),
                ("pump", '{"v":true', "malformed"),
                ("pump", '{"id":"x"}', "malformed"),
                ("pump", '{"v":true,"speed":3}', "malformed"),
                ("pump", '{"v":true,"v":false}', "malformed"),
                ("pump", '{"v":true,"for":"1s","for":"2s"}', "malformed"),
                ("pump", "[" * 500, "malformed"),
                ("door", "true", "not-an-output"),
                ("fountain", "true", "unknown-point")]:
            with self.subTest(f"{point} {payload[:20]}"):
                result = self.command(payload, point)
                self.assertEqual((result["result"], result["reason"]), ("refused", reason))
                self.assertEqual(result["point"], point)
        self.assertEqual(self.command("true")["result"], "done")

    def test_old_command_is_refused(self):
        result = self.command({"v": True, "maxAge": "10s", "t": "2020-01-01T00:00:00Z"})
        self.assertEqual((result["result"], result["reason"]), ("refused", "too-old"))
        now = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())
        result = self.command({"v": True, "maxAge": "10s", "t": now})
        self.assertEqual(result["result"], "done")

    def test_command_at_qos_0_is_answered_too(self):
        self.assertEqual(self.command("true", qos=0)["result"], "done")

    def test_output_takes_its_stop_state_before_an_orderly_stop(self):
        self.assertEqual(self.command("true")["result"], "done")
        mark = self.observer.mark()
        self.assertEqual(self.runner.stop(), 0)
        self.observer.wait_for(PUMP, lambda m: m.fields["v"] is False, since=mark)
