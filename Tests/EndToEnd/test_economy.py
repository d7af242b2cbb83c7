"""Devices whose radio is to sleep: readings leave together, pings as seldom as the way bears."""

import time

from harness.case import EndToEndTest
from harness.paths import ForgetfulPath
from harness.processes import Mosquitto
from harness.profiles import door, profile, walk
from harness.waiting import free_port
from test_failover import readings


class Batches(EndToEndTest):
    """Real Mosquitto, readings each 100 ms, windows each 2 s."""

    def test_readings_and_health_reports_leave_together_and_none_is_lost_at_a_stop(self):
        mosquitto = self.broker()
        observer = self.observe(mosquitto)
        device = profile(walk("air", "100ms"), door())
        device["device"]["diagnostics"] = "500ms"
        device["uplink"]["batch"] = {"every": "2s"}
        agent = self.agent(device, mosquitto.url)
        observer.wait_for_count("sandpiper/t1/state/air", 60, 20)
        arrivals = [m.at for m in observer.since() if m.topic.endswith(("/air", "/diag"))]
        pauses = [b - a for a, b in zip(arrivals, arrivals[1:]) if b - a > 1]
        self.assertGreaterEqual(len(pauses), 2)
        self.assertLess(len(pauses), 8, "they came in bursts")
        self.assertEqual(agent.stop(), 0)
        heard = sorted(readings(observer.since()))
        self.assertEqual(heard, list(range(1, len(heard) + 1)))


class ForgetfulWay(EndToEndTest):
    """A middlebox that forgets what was idle for 20 s."""

    long = True

    def test_the_longest_idle_time_that_it_bears_is_found_with_few_losses(self):
        mosquitto = self.start(Mosquitto(self.folder, free_port()))
        observer = self.observe(mosquitto)
        path = ForgetfulPath(mosquitto.port, 20)
        self.addCleanup(path.close)
        device = profile(door(), keep_alive="100s", reply="3s")
        device["broker"]["probe"] = "5s"
        device["device"]["diagnostics"] = "150s"
        device["points"]["door"]["report"] = {"max": "24h"}
        agent = self.agent(device, path.url)
        started = time.monotonic()
        while time.monotonic() - started < 400:
            time.sleep(1)
        losses = path.forgotten
        print(f"        {losses} connections forgotten in 400 s")
        self.assertLessEqual(losses, 6)
        borne = observer.wait_for(
            "sandpiper/t1/diag", lambda m: m.fields["idleBorne"] >= 15, 200)
        print(f"        idle for {borne.fields['idleBorne']} s of 20 s, found out")
        self.assertLessEqual(borne.fields["idleBorne"], 20)
        time.sleep(100)
        self.assertEqual(path.forgotten, losses, "and then no more")
        self.assertEqual(agent.stop(), 0)
