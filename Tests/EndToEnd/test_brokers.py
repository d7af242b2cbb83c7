"""Brokers that are none, and names that lead nowhere: the agent stays alive and tries again."""

import time

from harness.case import EndToEndTest
from harness.profiles import door, profile, relay, walk
from harness.servers import (
    BadServer, acknowledge_nothing, answer_garbage, close_at_first_message, close_within_packet,
    refuse_login, reset_at_once, say_nothing, send_without_reading)
from harness.waiting import free_port, wait_for
from test_failover import readings


class StrictBroker(EndToEndTest):
    """A broker that lets the device say its status, and nothing else."""

    def test_refused_publications_are_told_with_the_reason_once_a_minute(self):
        rules = self.folder / "rules"
        rules.write_text("topic readwrite sandpiper/t1/status\ntopic read sandpiper/t1/#\n")
        mosquitto = self.broker(settings=["allow_anonymous true", f"acl_file {rules}"])
        agent = self.agent(profile(walk()), mosquitto.url)
        told = "messages that the broker does not take were given up"
        wait_for(lambda: told in agent.log(), 15, "a complaint")
        time.sleep(3)
        lines = [line for line in agent.log().splitlines() if told in line]
        self.assertEqual(len(lines), 1, lines)
        self.assertIn("not authorised: see the broker's access list, or sandpiper doctor", lines[0])


class BadBrokers(EndToEndTest):
    """Each kind of bad broker for a while, then a good one on the same port."""

    def survives(self, behaviour, attempts=2):
        """The agent tries `attempts` times, not in a frenzy, and finds the good broker later."""
        port = free_port()
        server = BadServer(port, behaviour)
        started = time.monotonic()
        agent = self.agent(profile(door(), reply="3s"), f"mqtt://127.0.0.1:{port}")
        wait_for(lambda: len(server.connections) >= attempts, 40, f"{attempts} attempts")
        # Full jitter may draw short waits, but not dozens of them.
        self.assertLess(len(server.connections), 6 + 4 * (time.monotonic() - started))
        self.assertTrue(agent.running, agent.log())
        server.close()
        mosquitto = self.broker(port)
        observer = self.observe(mosquitto)
        observer.wait_for("sandpiper/t1/status", lambda m: m.fields["state"] == "online", 40)
        self.assertEqual(agent.stop(), 0)

    def test_broker_that_answers_garbage(self):
        self.survives(answer_garbage)

    def test_broker_that_accepts_and_says_nothing(self):
        self.survives(say_nothing)

    def test_broker_that_acknowledges_nothing(self):
        self.survives(acknowledge_nothing)

    def test_broker_that_resets_at_once(self):
        self.survives(reset_at_once, attempts=3)

    def test_broker_that_refuses_the_login(self):
        self.survives(refuse_login, attempts=3)

    def test_broker_that_closes_within_a_packet(self):
        self.survives(close_within_packet, attempts=3)

    def test_broker_that_drops_each_connection_pushes_no_reading_out(self):
        port = free_port()
        server = BadServer(port, close_at_first_message)
        device = profile(*[walk(f"air{n}", "60s") for n in range(10)])
        device["uplink"] = {"outbox": "2KiB", "backoff": {"min": "100ms", "max": "100ms"}}
        self.agent(device, f"mqtt://127.0.0.1:{port}")
        wait_for(lambda: len(server.connections) >= 15, 20, "many connections")
        server.close()
        observer = self.observe(self.broker(port))
        report = observer.wait_for("sandpiper/t1/diag", within=15).fields
        self.assertEqual(report["losses"], {})

    def test_broker_that_sends_and_does_not_read_makes_nobody_spin(self):
        server = BadServer(free_port(), send_without_reading)
        self.addCleanup(server.close)
        agent = self.agent(
            profile(door(), relay(), version="3.1.1"), f"mqtt://127.0.0.1:{server.port}",
            "--log", "error")

        self.wait_until_at_rest(agent, server)

    def test_name_that_does_not_resolve(self):
        agent = self.agent(profile(door()), "mqtt://no-such-host.invalid:1883")
        wait_for(lambda: "resolve" in agent.log(), 30, "a line in the log")
        self.assertTrue(agent.running, agent.log())
        self.assertEqual(agent.stop(5), 0)

    def test_port_where_nobody_listens(self):
        agent = self.agent(profile(door()), f"mqtt://127.0.0.1:{free_port()}")
        wait_for(lambda: "refused" in agent.log(), 10, "a line in the log")
        self.assertTrue(agent.running, agent.log())
        self.assertEqual(agent.stop(5), 0)

    def test_stop_does_not_wait_for_a_silent_broker(self):
        server = BadServer(free_port(), say_nothing)
        self.addCleanup(server.close)
        port = server.port
        agent = self.agent(profile(door()), f"mqtt://127.0.0.1:{port}")
        wait_for(lambda: server.connections, 10, "a connection")
        self.assertEqual(agent.stop(5), 0)


class TightBroker(EndToEndTest):
    """Mosquitto with a limit on packets, of which it can't tell a client of 3.1.1: it closes the
    connection for a longer one."""

    def test_packs_get_shorter_until_it_takes_them_and_nothing_is_lost(self):
        mosquitto = self.broker(settings=["allow_anonymous true", "max_packet_size 700"])
        observer = self.observe(mosquitto, persistent=True)
        device = profile(walk(every="50ms"), version="3.1.1")
        device["broker"]["session"] = "persistent"
        agent = self.agent(device, mosquitto.url)
        observer.wait_for_count("sandpiper/t1/state/air", 5)
        mosquitto.stop()
        time.sleep(5)
        mosquitto.start()
        mark = observer.mark()
        observer.wait_for_count("sandpiper/t1/history", 10, 30, mark)
        observer.wait_for_count("sandpiper/t1/state/air", 40, 30, mark)
        closed = agent.log().count("connection to the broker lost")
        print(f"        {closed} connections lost")
        self.assertLessEqual(closed, 8)
        self.assertEqual(agent.stop(), 0)
        heard = sorted(set(readings(observer.since())))
        self.assertEqual(heard, list(range(1, len(heard) + 1)))
