"""Several brokers, names that don't resolve, brokers that hang: the link finds its way by itself."""

import os
import signal
import time

from harness.case import EndToEndTest
from harness.names import NameServer
from harness.processes import Agent, Mosquitto, Process
from harness.profiles import door, profile, walk
from harness.waiting import free_port, wait_for

STATUS = "sandpiper/t1/status"
AIR = "sandpiper/t1/state/air"


def says(state):
    """A test for messages: this state, said now."""
    return lambda message: message.fields.get("state") == state and not message.retain


def readings(messages):
    """The numbers of the readings of air, those that came late included."""
    found = []
    for message in messages:
        if message.topic == AIR and not message.retain:
            found.append(message.fields["seq"])
        elif message.topic.endswith("/history"):
            found += [r["seq"] for r in message.fields["readings"] if r["p"] == "air"]
    return found


class Failover(EndToEndTest):
    """Two Mosquittos that know nothing of each other."""

    def setUp(self):
        super().setUp()
        self.brokers, self.observers = [], []
        for name in "ab":
            folder = self.folder / name
            folder.mkdir()
            self.brokers.append(self.start(Mosquitto(folder)))
            self.observers.append(self.observe(self.brokers[-1]))

    def device(self, **more):
        """A profile with both brokers."""
        device = profile(walk("air", "100ms"))
        device["broker"] = {
            "urls": [broker.url for broker in self.brokers], "returnAfter": "3s", **more}
        device["uplink"] = {"backoff": {"stableAfter": "2s", "max": "2s"}}
        return device

    def test_the_second_is_taken_and_then_the_first_again_and_nothing_is_lost(self):
        first, second = self.observers
        agent = self.agent(self.device(), None)
        first.wait_for(STATUS, says("online"))
        first.wait_for_count(AIR, 30)
        self.assertEqual(self.brokers[0].stop(), 0)
        stopped = time.monotonic()
        birth = second.wait_for(STATUS, says("online"), 5)
        print(f"        failover after {birth.at - stopped:.2f} s")
        second.wait_for_count(AIR, 10)
        mark = first.mark()
        self.brokers[0].start()
        birth = first.wait_for(STATUS, says("online"), 20, mark)
        self.assertEqual(birth.fields["away"]["reason"], "returned")
        self.assertLess(birth.fields["away"]["seconds"], 2)
        # The broker that was left does not say "online" for ever, nor that the device is lost.
        last = second.wait_for(STATUS, says("offline"))
        self.assertEqual(last.fields["reason"], "returning")
        self.assertEqual([m for m in second.since() if says("lost")(m)], [])
        first.wait_for_count(AIR, 40)
        self.assertEqual(agent.stop(), 0)
        first.wait_for(STATUS, says("offline"), since=mark)
        heard = readings(first.since()) + readings(second.since())
        self.assertEqual(sorted(set(heard)), list(range(1, max(heard) + 1)))
        # What was under way when the first stopped may have been heard there, too.
        self.assertLessEqual(len(heard) - len(set(heard)), 16)
        self.assertIn("broker 2 of 2: 127.0.0.1:", agent.log())

    def test_a_broker_that_refuses_is_passed_over(self):
        self.brokers[0].stop()
        folder = self.folder / "c"
        folder.mkdir()
        self.start(Mosquitto(
            folder, self.brokers[0].port,
            settings=["allow_anonymous false", f"password_file {os.devnull}"]))
        agent = self.agent(self.device(), None)
        self.observers[1].wait_for(STATUS, says("online"))
        self.assertIn("the broker refuses this device", agent.log())
        self.assertEqual(agent.stop(), 0)


class Names(EndToEndTest):
    """An agent whose name servers are the test's."""

    def setUp(self):
        super().setUp()
        if os.geteuid() != 0:
            self.skipTest("only root may serve names and mount resolv.conf")
        self.mosquitto = self.broker()
        self.observer = self.observe(self.mosquitto)
        self.resolv = self.folder / "resolv.conf"

    def serve(self, address):
        """A name server there."""
        server = NameServer(address, "broker.test")
        self.addCleanup(server.close)
        return server

    def begin(self, server):
        """An agent that asks `server`, and a broker that only names lead to."""
        self.ask(server)
        url = f"mqtt://broker.test:{self.mosquitto.port}"
        agent = Agent(self.folder, self.write(profile(walk())), url)
        return self.start(Process(
            ["unshare", "--mount", "sh", "-c",
             'mount --bind "$0" /etc/resolv.conf && exec "$@"', self.resolv, *agent.command],
            agent.log_path))

    def ask(self, server):
        """The resolver's file names that server, in place."""
        self.resolv.write_text(f"nameserver {server}\noptions timeout:1 attempts:1\n")

    def test_no_name_server_at_the_start_is_a_state_and_no_end(self):
        agent = self.begin("127.0.5.1")
        wait_for(lambda: agent.log().count("name-not-resolved") >= 2, 20, "two attempts")
        self.assertTrue(agent.running)
        server = self.serve("127.0.5.1")
        self.observer.wait_for(STATUS, says("online"), 15)
        self.assertIn("broker.test", server.questions)
        self.assertEqual(agent.stop(), 0)

    def test_another_name_server_in_resolv_conf_is_seen(self):
        agent = self.begin("127.0.5.2")
        wait_for(lambda: "name-not-resolved" in agent.log(), 20, "an attempt")
        self.serve("127.0.5.3")
        self.ask("127.0.5.3")
        self.observer.wait_for(STATUS, says("online"), 15)
        self.assertEqual(agent.stop(), 0)

    def test_the_last_address_serves_once_the_name_server_is_gone(self):
        server = self.serve("127.0.5.4")
        agent = self.begin("127.0.5.4")
        self.observer.wait_for(STATUS, says("online"))
        server.close()
        mark = self.observer.mark()
        self.mosquitto.stop()
        self.mosquitto.start()
        self.observer.wait_for(STATUS, says("online"), 20, mark)
        self.assertEqual(agent.stop(), 0)


class FrozenBroker(EndToEndTest):
    """Mosquitto under SIGSTOP: the system still takes every byte, and nobody reads them."""

    long = True

    def noticed(self, agent, within):
        """Freezes the broker; the seconds until the agent says so."""
        mark = len(agent.log())
        self.mosquitto.signal(signal.SIGSTOP)
        started = time.monotonic()
        try:
            wait_for(lambda: "connection to the broker lost" in agent.log()[mark:], within, "the end")
            took = time.monotonic() - started
        finally:
            self.mosquitto.signal(signal.SIGCONT)
        print(f"        noticed after {took:.1f} s")
        self.assertIn("lost: no-answer-to-ping", agent.log()[mark:])
        return took

    def begin(self, point, keep_alive):
        """An agent that is online, with no health reports."""
        self.mosquitto = self.broker(free_port())
        device = profile(point, keep_alive=keep_alive)
        device["device"]["diagnostics"] = "0s"
        agent = self.agent(device, self.mosquitto.url)
        wait_for(lambda: "online" in agent.log(), 10, "the session")
        time.sleep(5)
        return agent

    def test_under_traffic_it_is_noticed_within_15_seconds(self):
        agent = self.begin(walk("air", "1s"), "60s")
        self.assertLessEqual(self.noticed(agent, 30), 15)

    def test_idle_it_is_noticed_within_one_and_a_half_keep_alives(self):
        agent = self.begin(door(), "10s")
        self.assertLessEqual(self.noticed(agent, 30), 15.2)
