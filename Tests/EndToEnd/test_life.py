"""Birth, will, orderly stop: everyone who subscribes knows whether the device lives."""

import re
import signal
import time
from pathlib import Path

from harness.case import EndToEndTest
from harness.processes import run
from harness.profiles import door, profile, relay
from harness.waiting import wait_for

STATUS = "sandpiper/t1/status"

# The will's bound: 1.5 keep-alives (MQTT 3.1.1, 3.1.2.10) and what Mosquitto adds, 6 s.
KEEP_ALIVE = 5
WILL_BOUND = 1.5 * KEEP_ALIVE + 6


def says(state):
    """A test for messages: this state."""
    return lambda message: message.fields.get("state") == state


class Life(EndToEndTest):
    """The status topic over one agent's life."""

    def setUp(self):
        super().setUp()
        self.mosquitto = self.broker()
        self.observer = self.observe(self.mosquitto)
        self.profile = profile(door(), relay(), keep_alive=f"{KEEP_ALIVE}s")

    def born(self, *options):
        """An agent, and its birth."""
        mark = self.observer.mark()
        agent = self.agent(self.profile, self.mosquitto.url, *options)
        return agent, self.observer.wait_for(STATUS, says("online"), 15, since=mark)

    def test_birth_says_who_lives_since_when_and_with_what(self):
        _, birth = self.born()
        status = birth.fields
        self.assertEqual(birth.qos, 1)
        boot = Path("/proc/sys/kernel/random/boot_id").read_text(encoding="ascii").strip()
        self.assertEqual(status["boot"], boot)
        self.assertIsInstance(status["session"], int)
        self.assertRegex(status["since"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$")
        self.assertRegex(status["profile"], r"^[0-9a-f]{16}$")
        self.assertIn(status["version"], run("--version").stdout)
        self.assertEqual(status["reason"], "started")

    def test_birth_is_retained(self):
        self.born()
        later = self.observe(self.mosquitto, name="later")
        self.assertTrue(later.wait_for(STATUS, says("online")).retain)

    def test_kill_leads_to_the_will_at_once(self):
        agent, birth = self.born()
        mark = self.observer.mark()
        agent.kill()
        will = self.observer.wait_for(STATUS, says("lost"), 2, since=mark)
        self.assertEqual(will.fields["session"], birth.fields["session"])
        self.assertEqual(will.fields["boot"], birth.fields["boot"])
        later = self.observe(self.mosquitto, name="later")
        self.assertTrue(later.wait_for(STATUS, says("lost")).retain)

    def test_frozen_agent_is_lost_within_the_bound_and_comes_back(self):
        agent, _ = self.born()
        mark = self.observer.mark()
        frozen = time.monotonic()
        agent.signal(signal.SIGSTOP)
        will = self.observer.wait_for(STATUS, says("lost"), WILL_BOUND + 5, since=mark)
        self.assertLessEqual(will.at - frozen, WILL_BOUND)
        mark = self.observer.mark()
        agent.signal(signal.SIGCONT)
        birth = self.observer.wait_for(STATUS, says("online"), 10, since=mark)
        self.assertGreater(birth.fields["session"], will.fields["session"])
        self.assertIn("seconds", birth.fields["away"])

    def test_orderly_stop_says_offline_and_why_without_a_will(self):
        agent, birth = self.born()
        mark = self.observer.mark()
        self.assertEqual(agent.stop(), 0)
        last = self.observer.wait_for(STATUS, says("offline"), 2, since=mark)
        self.assertEqual(last.fields["reason"], "stopped")
        self.assertEqual(last.fields["session"], birth.fields["session"])
        # A will would follow the end of the connection at once.
        time.sleep(1)
        states = [m.fields["state"] for m in self.observer.since(mark, STATUS)]
        self.assertEqual(states, ["stopping", "offline"])

    def test_stop_comes_after_all_readings(self):
        agent, _ = self.born()
        self.observer.wait_for("sandpiper/t1/state/door")
        mark = self.observer.mark()
        self.assertEqual(agent.stop(), 0)
        self.observer.wait_for(STATUS, says("offline"), 2, since=mark)
        self.assertEqual(self.observer.since(mark)[-1].topic, STATUS)

    def test_late_will_of_an_old_session_is_corrected(self):
        _, birth = self.born()
        old = dict(birth.fields, state="lost", session=birth.fields["session"] - 1)
        mark = self.observer.mark()
        self.observer.publish(STATUS, old, retain=True)
        self.observer.wait_for(STATUS, says("lost"), since=mark)
        again = self.observer.wait_for(STATUS, says("online"), 10, since=mark)
        self.assertEqual(again.fields["session"], birth.fields["session"])
        later = self.observe(self.mosquitto, name="later")
        self.assertTrue(says("online")(later.wait_for(STATUS)))

    def test_session_numbers_grow_over_restarts_and_the_birth_says_why_it_was_away(self):
        agent, first = self.born()
        agent.kill()
        self.observer.wait_for(STATUS, says("lost"))
        agent, second = self.born()
        self.assertGreater(second.fields["session"], first.fields["session"])
        self.assertEqual(second.fields["away"]["reason"], "agent-ended")
        self.assertEqual(agent.stop(), 0)
        self.observer.wait_for(STATUS, says("offline"))
        _, third = self.born()
        self.assertGreater(third.fields["session"], second.fields["session"])
        self.assertEqual(third.fields["away"]["reason"], "stopped")
        self.assertGreaterEqual(third.fields["away"]["seconds"], 0)

    def test_hang_up_with_a_good_profile_begins_anew(self):
        agent, before = self.born()
        mark = self.observer.mark()
        self.write(profile(door(), relay(), relay("lamp", "GPIO24"), keep_alive="5s"))
        agent.signal(signal.SIGHUP)
        self.observer.wait_for(STATUS, says("offline"), 10, since=mark)
        after = self.observer.wait_for(STATUS, says("online"), 15, since=mark)
        self.assertNotEqual(after.fields["profile"], before.fields["profile"])
        self.observer.wait_for("sandpiper/t1/state/lamp", since=mark)
        self.assertFalse([m for m in self.observer.since(mark, STATUS) if says("lost")(m)])
        self.assertTrue(agent.running)

    def test_stop_and_hang_up_together_stop(self):
        for signals in [[signal.SIGTERM, signal.SIGHUP], [signal.SIGHUP, signal.SIGTERM]]:
            with self.subTest([number.name for number in signals]):
                agent, _ = self.born()
                mark = self.observer.mark()
                for number in signals:
                    agent.signal(number)
                self.assertEqual(agent.wait(), 0)
                self.observer.wait_for(
                    STATUS, lambda m: m.fields["state"] == "offline", 2, since=mark)
                last = self.observer.since(mark, STATUS)[-1]
                self.assertEqual(last.fields["state"], "offline")
                # It may have said its last word between the two signals.
                if signals[0] == signal.SIGTERM:
                    self.assertEqual(last.fields["reason"], "stopped")

    def test_hang_up_with_a_bad_profile_changes_nothing(self):
        agent, _ = self.born()
        mark = self.observer.mark()
        self.write('{"device": {"id": "t1"}, "pionts": {}}')
        agent.signal(signal.SIGHUP)
        wait_for(lambda: re.search("pionts", agent.log()), 5, "an error in the log")
        agent.set("door", "1")
        self.observer.wait_for("sandpiper/t1/state/door", lambda m: m.fields["v"] is True,
                               since=mark)
        self.assertEqual(self.observer.since(mark, STATUS), [])
