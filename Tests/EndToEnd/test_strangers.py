"""What strangers may say to the agent: any broker's client can publish on its topics."""

from harness.case import EndToEndTest
from harness.profiles import door, profile, relay, walk
from harness.waiting import wait_for, wait_until_still

STATUS = "sandpiper/t1/status"
RESULT = "sandpiper/t1/result"
# Times of day that RFC 3339 allows, and that no board will see.
FAR_TIMES = ["0001-01-01T00:00:00+23:59", "9999-12-31T23:59:59Z"]


class Strangers(EndToEndTest):
    """One agent, and messages that nobody in their right mind sends."""

    def setUp(self):
        super().setUp()
        self.mosquitto = self.broker()
        self.observer = self.observe(self.mosquitto)

    def begin(self):
        """A running agent that has said its birth; both."""
        mark = self.observer.mark()
        agent = self.agent(profile(door(), relay()), self.mosquitto.url)
        birth = self.observer.wait_for(
            STATUS, lambda m: m.fields.get("state") == "online" and m.fields["session"] != 9, 15,
            since=mark)
        self.observer.wait_for("sandpiper/t1/diag", lambda m: "uptime" in m.fields, since=mark)
        return agent, birth

    def test_command_of_a_far_time_is_answered(self):
        self.begin()
        for time, expected in zip(FAR_TIMES, ["too-old", "age-unknown"]):
            mark = self.observer.mark()
            command = {"v": True, "maxAge": "10s", "t": time}
            self.observer.publish("sandpiper/t1/cmd/pump", command)
            result = self.observer.wait_for(RESULT, since=mark).fields
            self.assertEqual((result["result"], result["reason"]), ("refused", expected))

    def test_message_that_is_too_large_is_told_and_changes_nothing(self):
        agent, birth = self.begin()
        mark = self.observer.mark()
        self.observer.publish("sandpiper/t1/cmd/pump", "x" * 5000)
        wait_for(lambda: "passed over" in agent.log(), 5, "a line in the log")
        # Nobody can tell that it was no status.
        self.observer.publish(STATUS, "x" * 5000, retain=True)
        again = self.observer.wait_for(
            STATUS, lambda m: m.fields.get("state") == "online", 15, since=mark)
        self.assertEqual(again.fields, birth.fields)
        self.observer.wait_for(
            STATUS, lambda m: m.fields.get("state") == "online" and m.at > again.at, 15, since=mark)
        later = self.observe(self.mosquitto, name="later")
        self.assertEqual(later.wait_for(STATUS).fields, birth.fields)

    def test_flood_of_commands_pushes_no_reading_out(self):
        device = profile(relay(), walk(every="50ms"))
        device["device"]["diagnostics"] = "1s"
        self.agent(device, self.mosquitto.url)
        self.observer.wait_for("sandpiper/t1/diag", within=15)
        count = 5000
        for _ in range(count):
            self.observer.publish("sandpiper/t1/cmd/pump", "true", qos=0)
        answered = len(wait_until_still(lambda: self.observer.since(0, RESULT)))
        mark = self.observer.mark()
        report = self.observer.wait_for_count("sandpiper/t1/diag", 2, since=mark)[-1].fields
        self.assertEqual(report["losses"], {})
        self.assertGreater(report["resultsDropped"], 0, "this was no flood")
        self.assertEqual(answered + report["resultsDropped"], count)
        numbers = [m.fields["seq"] for m in self.observer.since(0, "sandpiper/t1/state/air")]
        self.assertEqual(numbers, list(range(numbers[0], numbers[-1] + 1)))

    def test_status_and_report_of_a_far_time_do_not_keep_the_agent_from_starting(self):
        for time in FAR_TIMES:
            old = {"state": "online", "session": 9, "boot": "?", "since": time}
            self.observer.publish(STATUS, old, retain=True)
            self.observer.publish("sandpiper/t1/diag", {"t": time}, retain=True)
            agent, birth = self.begin()
            self.assertGreaterEqual(birth.fields["away"]["seconds"], 0)
            agent.kill()
