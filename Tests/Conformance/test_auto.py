"""Automatic reconnection."""

import socket
import time

from judge import wire
from judge.case import Case, across, each
from judge.mosquitto import free_port
from judge.wire import PUBACK, answer, publish


class Backoff(Case):
    """How long it waits."""

    def waits(self, keys, count, driver=None):
        driver = driver or self.driver()
        driver.do("new ver=4 id=a")
        driver.do(f"auto on=1 {keys}")
        driver.do(f"connect host=127.0.0.1 port={free_port()}")
        out = []
        for number in range(1, count + 1):
            driver.event("connect-failed", kind="tcp")
            event = driver.event("backoff")
            self.assertEqual(event["attempt"], str(number))
            out.append(event.number("ms"))
        return out

    def test_without_jitter(self):
        self.assertEqual(self.waits("min-ms=20 max-ms=200 factor=2 jitter=none", 6),
                         [20, 40, 80, 160, 200, 200])

    def test_factors(self):
        self.assertEqual(self.waits("min-ms=20 max-ms=100 factor=1 jitter=none", 3), [20] * 3)
        self.assertEqual(self.waits("min-ms=20 max-ms=100 factor=1.5 jitter=none", 4),
                         [20, 30, 45, 67])

    def test_full_jitter(self):
        waits = self.waits("min-ms=400 max-ms=400 factor=2 jitter=full seed=7", 5)
        self.assertTrue(all(0 <= wait <= 400 for wait in waits), waits)
        self.assertGreater(len(set(waits)), 1)

    def test_equal_jitter(self):
        waits = self.waits("min-ms=400 max-ms=400 factor=2 jitter=equal seed=7", 4)
        self.assertTrue(all(200 <= wait <= 400 for wait in waits), waits)
        self.assertGreater(len(set(waits)), 1)

    @each({"full": ("full",), "equal": ("equal",)})
    def test_seeds(self, jitter):
        keys = f"min-ms=300 max-ms=600 factor=2 jitter={jitter} seed="
        first, same, other = (self.waits(keys + seed, 4) for seed in ("5", "5", "6"))
        self.assertEqual(first, same)
        self.assertNotEqual(first, other)

    def test_it_waits_as_it_says(self):
        driver, server = self.driver(), self.server()
        driver.do("new ver=4 id=a")
        driver.do("auto on=1 min-ms=700 max-ms=700 jitter=none")
        driver.do(f"connect host=localhost port={server.port}")
        server.accept().close()
        driver.event("backoff", ms=700)
        since = time.monotonic()
        server.accept()
        self.assertTrue(0.6 <= time.monotonic() - since <= 1.2)

    @each({"min": ("min-ms=x",), "factor": ("factor=0",), "factor2": ("factor=x",),
           "jitter": ("jitter=some",), "on": ("on=2",), "infinite": ("factor=inf",),
           "nan": ("factor=nan",)})
    def test_bad(self, keys):
        driver = self.driver()
        driver.do("new ver=4 id=a")
        driver.refuse(f"auto on=1 {keys}", "invalid")


class Auto(Case):
    """What it does about a loss."""

    def loop(self, driver, server, new, keys):
        self.prepare(driver, server, new)
        driver.do(f"auto on=1 {keys}")

    def test_off_until_asked_for(self):
        driver, server, peer = self.online(4)
        peer.close()
        driver.event("closed")
        driver.do("stat")
        server.listener.settimeout(1.5)
        self.assertRaises(socket.timeout, server.listener.accept)
        self.assertFalse(driver.has("backoff"))

    @across(links=("tcp", "tls", "ws"))
    def test_comes_back(self, ver, link):
        driver, server = self.driver(), self.server(link)
        self.loop(driver, server, f"ver={ver} id=a", "min-ms=20 max-ms=50 jitter=none")
        peer = self.join(driver, server, ver)
        for _ in range(3):
            peer.close()
            driver.event("closed", by="peer")
            driver.event("backoff")
            peer = self.admit(driver, server, ver)
        self.assertEqual(driver.do("stat")["reconnects"], "3")

    def test_stable_connections_begin_afresh(self):
        driver, server = self.driver(), self.server()
        self.loop(driver, server, "ver=4 id=a",
                  "min-ms=20 max-ms=10000 factor=3 jitter=none stable-ms=400")
        peer = self.join(driver, server, 4)
        for wanted in (20, 60):
            peer.close()
            driver.event("backoff", ms=wanted)
            peer = self.admit(driver, server, 4)
        self.assertTrue(peer.timed_out(0.6))
        peer.close()
        driver.event("backoff", ms=20, attempt=1)

    @each({"refused": (lambda peer: peer.login(4, 5),), "busy": (lambda peer: peer.login(4, 3),),
           "closed": (lambda peer: peer.close(),),
           "nonsense": (lambda peer: peer.login(4, 0, more=b"\x00\x00"),)})
    def test_every_end_leads_back(self, act):
        driver, server = self.driver(), self.server()
        self.loop(driver, server, "ver=4 id=a", "min-ms=20 max-ms=40 jitter=none stable-ms=9999")
        driver.do(f"connect host=localhost port={server.port}")
        for wanted in (20, 40, 40):
            act(server.accept())
            driver.event("backoff", ms=wanted)
        self.admit(driver, server, 4)

    def test_publishing_does_not_hurry_it(self):
        driver, server = self.driver(), self.server()
        self.loop(driver, server, "ver=4 id=a clean=0", "min-ms=800 max-ms=800 jitter=none")
        peer = self.join(driver, server, 4)
        peer.close()
        driver.event("backoff")
        since = time.monotonic()
        for number in range(1, 6):
            reply = driver.do(f"pub topic=t payload={number} qos={1 + number % 2}")
            self.assertEqual((reply["mid"], reply["queued"]), (str(number), "1"))
        self.assertEqual(driver.do("stat")["queued"], "5")
        peer = self.admit(driver, server, 4, present=1)
        self.assertGreater(time.monotonic() - since, 0.6)
        for number in range(1, 6):
            peer.expect(publish(4, "t", str(number), 1 + number % 2, number))

    @each({"reconnect": ("reconnect",), "connect": ("connect",)})
    def test_a_command_does(self, word):
        driver, server = self.driver(), self.server()
        self.loop(driver, server, "ver=4 id=a", "min-ms=60000 max-ms=60000 jitter=none")
        peer = self.join(driver, server, 4)
        peer.close()
        driver.event("backoff")
        driver.do(word)
        self.admit(driver, server, 4)

    @each({"disconnect": ("disconnect",), "abort": ("abort",)})
    def test_wanted_ends_are_for_good(self, word):
        driver, server = self.driver(), self.server()
        self.loop(driver, server, "ver=4 id=a", "min-ms=20 max-ms=20 jitter=none")
        peer = self.join(driver, server, 4)
        driver.do(word)
        peer.end()
        peer.close()
        driver.event("closed", by="local")
        server.listener.settimeout(1)
        self.assertRaises(socket.timeout, server.listener.accept)
        self.assertFalse(driver.has("backoff"))

    @each({"disconnect": ("disconnect",), "abort": ("abort",), "off": ("auto on=0",)})
    def test_waiting_can_be_ended(self, word):
        driver, server = self.driver(), self.server()
        self.loop(driver, server, "ver=4 id=a", "min-ms=300 max-ms=300 jitter=none")
        peer = self.join(driver, server, 4)
        peer.close()
        driver.event("backoff")
        driver.do(word)
        if word.startswith("auto"):
            # The attempt that was told still comes; it is the last.
            server.accept().close()
            driver.event("connect-failed")
        server.listener.settimeout(1)
        self.assertRaises(socket.timeout, server.listener.accept)

    def test_subscriptions_come_back_with_a_new_session(self):
        driver, server = self.driver(), self.server()
        self.loop(driver, server, "ver=5 id=a", "min-ms=20 max-ms=20 jitter=none")
        peer = self.join(driver, server, 5)
        driver.do("sub topic=a/%23 qos=1 opts=nl prop.subscription-identifier=7")
        driver.do("sub topic=b")
        driver.do("unsub topic=b")
        wanted = wire.subscribe(5, 1, [("a/#", 5)], [("subscription-identifier", 7)])
        peer.expect(wanted, wire.subscribe(5, 2, [("b", 0)]), wire.unsubscribe(5, 3, ["b"]))
        peer.send(wire.suback(5, 1, [1]), wire.suback(5, 2, [0]), wire.unsuback(5, 3, [0]))
        driver.event("unsuback")
        peer.close()
        peer = self.admit(driver, server, 5)
        peer.expect(wire.subscribe(5, 4, [("a/#", 5)], [("subscription-identifier", 7)]))
        self.assertEqual(peer.fence(driver, 5), [])

    def test_kept_sessions_keep_their_subscriptions(self):
        driver, server = self.driver(), self.server()
        self.loop(driver, server, "ver=4 id=a clean=0", "min-ms=20 max-ms=20 jitter=none")
        peer = self.join(driver, server, 4)
        driver.do("sub topic=a")
        peer.packet()
        peer.send(wire.suback(4, 1, [0]))
        driver.event("suback")
        peer.close()
        peer = self.admit(driver, server, 4, present=1)
        self.assertEqual(peer.fence(driver, 4), [])

    def test_a_lossy_link_loses_nothing(self):
        driver, server = self.driver(), self.server()
        self.loop(driver, server, "ver=4 id=a clean=0", "min-ms=10 max-ms=10 jitter=none")
        driver.do(f"connect host=localhost port={server.port}")
        total, got, present = 200, [], 0
        driver.write("".join(f"pub topic=t payload={n} qos=1\n" for n in range(total)))
        while len(set(got)) < total:
            peer = server.accept()
            peer.login(4, 0, present)
            present = 1
            for _ in range(23):
                if len(set(got)) == total:
                    break
                sent = peer.packet()
                got.append(int(sent[7:] if sent[1] > 5 else 0))
                if len(got) % 3:
                    peer.send(answer(PUBACK, wire.mid_of(sent)))
            peer.close()
        first = list(dict.fromkeys(got))
        self.assertEqual(first, list(range(total)))
