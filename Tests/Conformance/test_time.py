"""Keep-alive, and peers that keep somebody waiting."""

import time

from judge import wire
from judge.case import Case, across, each

PINGREQ, PINGRESP = wire.packet(wire.PINGREQ), wire.packet(wire.PINGRESP)


class KeepAlive(Case):
    """PINGREQ when nothing else is said; the end when nothing is heard."""

    slow = True

    @across(links=("tcp", "ws", "tls"))
    def test_pings(self, ver, link):
        driver, _, peer = self.online(ver, link, "id=a keepalive=1")
        since = time.monotonic()
        for _ in range(3):
            peer.expect(PINGREQ)
            now = time.monotonic()
            self.assertTrue(0.7 <= now - since <= 1.45, now - since)
            since = now
            peer.send(PINGRESP)
        self.assertFalse(driver.has("closed"))

    @across(links=("tcp", "ws", "tls"))
    def test_no_answer(self, ver, link):
        driver, _, peer = self.online(ver, link, "id=a keepalive=1")
        since = time.monotonic()
        driver.event("closed", 5, by="keepalive")
        self.assertTrue(1.2 <= time.monotonic() - since <= 2.5)
        self.assertEqual(peer.end()[:2], PINGREQ)

    @across()
    def test_any_packet_is_a_sign_of_life(self, ver, link):
        driver, _, peer = self.online(ver, link, "id=a keepalive=1")
        for _ in range(8):
            time.sleep(0.3)
            peer.send(wire.publish(ver, "a"))
        driver.do("stat")
        self.assertFalse(driver.has("closed"))
        # The server hears of the client all the same.
        self.assertIn(PINGREQ, peer.fence(driver, ver))

    @across()
    def test_any_byte_is_a_sign_of_life(self, ver, link):
        driver, _, peer = self.online(ver, link, "id=a keepalive=1")
        for byte in wire.publish(ver, "abc", "de"):
            peer.send(bytes([byte]))
            time.sleep(0.3)
        driver.event("msg", payload="de")
        self.assertFalse(driver.has("closed"))

    @across()
    def test_sending_saves_no_ping_where_nothing_is_heard(self, ver, link):
        driver, _, peer = self.online(ver, link, "id=a keepalive=1")
        for _ in range(8):
            driver.write("pub topic=a\n")
            time.sleep(0.25)
        driver.event("closed", 5, by="keepalive")

    def test_the_server_sets_the_time(self):
        driver, _, peer = self.online(5, new="id=a keepalive=600", props=[("server-keep-alive", 1)])
        since = time.monotonic()
        peer.expect(PINGREQ)
        self.assertTrue(0.7 <= time.monotonic() - since <= 1.5)
        driver.event("closed", 5, by="keepalive")

    def test_the_server_wants_none(self):
        driver, _, peer = self.online(5, new="id=a keepalive=1", props=[("server-keep-alive", 0)])
        self.assertTrue(peer.timed_out(2.2))
        self.assertFalse(driver.has("closed"))

    @across()
    def test_none(self, ver, link):
        driver, _, peer = self.online(ver, link, "id=a keepalive=0")
        self.assertTrue(peer.timed_out(2.2))
        self.assertFalse(driver.has("closed"))

    @across()
    def test_unsolicited_answer(self, ver, link):
        driver, _, peer = self.online(ver, link)
        peer.send(PINGRESP, PINGRESP)
        self.assertEqual(peer.fence(driver, ver), [])


class Waiting(Case):
    """Black holes and trickles have an end."""

    slow = True

    @each({"tcp": ("tcp",), "tls": ("tls",), "ws": ("ws",)})
    def test_silence_from_the_start(self, link):
        driver, server = self.driver(), self.server(link)
        self.prepare(driver, server, "ver=4 id=a")
        driver.do(f"connect host=localhost port={server.port}")
        server.raw()
        driver.do("stat")
        driver.event("connect-failed", 25, kind="timeout")

    def test_announced_and_never_sent(self):
        driver, _, peer = self.online(4, new="id=a keepalive=1")
        before = driver.do("stat").number("rss-kb")
        peer.send(b"\x30\xff\xff\xff\x7f\x00\x01a")
        driver.event("closed", 5, by="keepalive")
        self.assertLess(driver.do("stat").number("rss-kb") - before, 4_000)

    @across(versions=(4, 5))
    def test_a_packet_that_trickles(self, ver, link):
        driver, _, peer = self.online(ver, link, "id=a keepalive=0")
        peer.send(b"\x30\xff\x7f\x00\x01a")
        deadline = time.monotonic() + 40
        while not driver.has("closed"):
            self.assertLess(time.monotonic(), deadline)
            try:
                peer.send(b"\x00")
            except OSError:
                break
            time.sleep(0.5)
        event = driver.event("closed", by="timeout")
        if ver == 5:
            self.assertEqual(event["reason"], "0x80")
            self.assertEqual(peer.end(), wire.disconnect(0x80))

    def test_a_reader_that_does_not_read(self):
        driver, _, peer = self.online(4, new="id=a keepalive=0")
        driver.write("pub topic=a size=1000000\n" * 40)
        replies = [driver.reply() for _ in range(40)]
        self.assertTrue(all(reply["name"] in (None, "queue-full") for reply in replies))
        self.assertTrue(any(reply["name"] == "queue-full" for reply in replies))
        # It still listens.
        peer.send(wire.publish(4, "b", "x", 1, 3))
        driver.event("msg", topic="b")
        taken = sum(reply.kind == "ok" for reply in replies)
        for _ in range(taken):
            peer.packet()
        peer.expect(wire.answer(wire.PUBACK, 3))
