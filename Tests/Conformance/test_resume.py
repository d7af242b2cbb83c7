"""What becomes of messages when the connection is lost."""

from judge import wire
from judge.case import Case, across, each
from judge.wire import PUBACK, PUBCOMP, PUBREC, PUBREL, answer, publish


def kept(ver):
    """A client whose session outlives the connection."""
    return "id=a clean=0" + (" prop.session-expiry-interval=300" if ver == 5 else "")


class Resume(Case):
    """After a loss."""

    def lose(self, driver, peer):
        peer.close()
        driver.event("closed", by="peer")

    def back(self, driver, server, ver, present=1):
        return self.join(driver, server, ver, present=present * (ver > 3), command="reconnect")

    @across(links=("tcp", "ws", "tls"))
    def test_session_present(self, ver, link):
        driver, server, peer = self.online(ver, link, kept(ver))
        for number in range(1, 7):
            driver.do(f"pub topic=t payload={number} qos={1 + number % 2} ref=r{number}")
            peer.packet()
        peer.send(answer(PUBACK, 2), answer(PUBREC, 3), answer(PUBREC, 5))
        peer.expect(answer(PUBREL, 3), answer(PUBREL, 5))
        peer.send(answer(PUBCOMP, 5))
        driver.event("published", mid=2)
        driver.event("published", mid=5)
        self.lose(driver, peer)
        self.assertEqual(driver.do("pub topic=t payload=7 qos=1")["queued"], "1")
        peer = self.back(driver, server, ver)
        dup = 1 if ver == 3 else 0
        peer.expect(
            publish(ver, "t", "1", 2, 1, dup=1),
            # 3.1 has a DUP flag in PUBREL.
            answer(PUBREL | 8 * dup, 3), publish(ver, "t", "4", 1, 4, dup=1),
            publish(ver, "t", "6", 1, 6, dup=1), publish(ver, "t", "7", 1, 7))
        peer.send(answer(PUBREC, 1), answer(PUBCOMP, 3), answer(PUBACK, 4), answer(PUBACK, 6),
                  answer(PUBACK, 7))
        peer.expect(answer(PUBREL, 1))
        peer.send(answer(PUBCOMP, 1))
        for mid in (3, 4, 6, 7, 1):
            driver.event("published", mid=mid, rc=0)
        self.assertEqual(peer.fence(driver, ver), [])
        self.assertEqual(driver.do("pub topic=t qos=1")["mid"], "8")

    @each({f"{ver}_{clean}": (ver, clean) for ver in (4, 5) for clean in (0, 1)})
    def test_session_lost(self, ver, clean):
        driver, server, peer = self.online(ver, "tcp", kept(ver).replace("clean=0",
                                                                        f"clean={clean}"))
        driver.do("pub topic=t payload=1 qos=1")
        driver.do("pub topic=t payload=2 qos=2")
        peer.packet()
        peer.packet()
        self.lose(driver, peer)
        driver.do("pub topic=t payload=3 qos=1")
        peer = self.back(driver, server, ver, 0)
        # They begin anew, in order, as messages that were never sent.
        peer.expect(publish(ver, "t", "1", 1, 1), publish(ver, "t", "2", 2, 2),
                    publish(ver, "t", "3", 1, 3))
        peer.send(answer(PUBACK, 1))
        driver.event("published", mid=1)

    @across()
    def test_nothing_is_sent_again_over_a_live_connection(self, ver, link):
        driver, _, peer = self.online(ver, link, kept(ver) + " keepalive=1")
        driver.do("pub topic=t qos=1")
        driver.do("pub topic=t qos=2")
        peer.packet()
        peer.packet()
        for _ in range(2):
            peer.expect(wire.packet(wire.PINGREQ))
            peer.send(wire.packet(wire.PINGRESP))

    @across()
    def test_queued_before_the_first_connection(self, ver, link):
        driver, server = self.driver(), self.server(link)
        self.prepare(driver, server, f"ver={ver} id=a")
        for number in range(1, 4):
            reply = driver.do(f"pub topic=t payload={number} qos={1 + number % 2}")
            self.assertEqual((reply["mid"], reply["queued"]), (str(number), "1"))
        driver.refuse("pub topic=t qos=0", "no-conn")
        peer = self.join(driver, server, ver)
        peer.expect(publish(ver, "t", "1", 2, 1), publish(ver, "t", "2", 1, 2),
                    publish(ver, "t", "3", 2, 3))

    def test_what_the_next_server_does_not_take(self):
        driver, server = self.driver(), self.server()
        self.prepare(driver, server, "ver=5 id=a")
        driver.do("pub topic=t qos=2 ref=two")
        driver.do("pub topic=t qos=1 retain=1 ref=kept")
        driver.do("pub topic=t qos=1 size=100 ref=large")
        driver.do("pub topic=t qos=1 payload=x ref=good")
        peer = self.join(driver, server, 5, [
            ("maximum-qos", 1), ("retain-available", 0), ("maximum-packet-size", 50)])
        peer.expect(publish(5, "t", "x", 1, 4))
        self.assertEqual(driver.event("dropped", ref="large")["why"], "oversize")
        driver.event("dropped", ref="two")
        driver.event("dropped", ref="kept")

    def test_expiry_drops_what_has_waited(self):
        driver, server = self.driver(), self.server()
        self.prepare(driver, server, "ver=4 id=a")
        driver.do("pub topic=t qos=1 expiry=1 ref=old")
        driver.do("pub topic=t qos=1 expiry=100 payload=x")
        event = driver.event("dropped", why="expired", ref="old")
        self.assertEqual(event["mid"], "1")
        peer = self.join(driver, server, 4)
        peer.expect(publish(4, "t", "x", 1, 2))

    def test_message_expiry_counts_down(self):
        driver, server = self.driver(), self.server()
        self.prepare(driver, server, "ver=5 id=a")
        driver.do("pub topic=t qos=1 prop.content-type=c prop.message-expiry-interval=100")
        driver.do("pub topic=t qos=1 prop.message-expiry-interval=1 ref=old")
        driver.event("dropped", why="expired", ref="old")
        peer = self.join(driver, server, 5)
        sent = peer.packet()
        left = sent[sent.index(b"\x03\x00\x01c\x02") + 5:][:4]
        self.assertIn(int.from_bytes(left, "big"), range(90, 100))

    @across()
    def test_identifiers_go_on(self, ver, link):
        driver, server, peer = self.online(ver, link, kept(ver))
        driver.do("pub topic=t qos=1")
        peer.packet()
        peer.send(answer(PUBACK, 1))
        driver.event("published", mid=1)
        self.lose(driver, peer)
        peer = self.back(driver, server, ver)
        self.assertEqual(driver.do("pub topic=t qos=1")["mid"], "2")

    @across()
    def test_quality_0_in_flight_is_not_sent_again(self, ver, link):
        driver, server, peer = self.online(ver, link, kept(ver))
        driver.do("pub topic=t")
        driver.event("published", mid=0)
        self.lose(driver, peer)
        peer = self.back(driver, server, ver)
        self.assertEqual(peer.fence(driver, ver), [])


class Leaving(Case):
    """DISCONNECT and abort."""

    @across(links=("tcp", "tls", "ws", "wss", "unix"))
    def test_disconnect(self, ver, link):
        driver, _, peer = self.online(ver, link)
        driver.do("disconnect")
        peer.expect(wire.disconnect())
        self.assertEqual(peer.end(), b"")
        peer.close()
        event = driver.event("closed", by="local")
        self.assertEqual(event["reason"], "0x00" if ver == 5 else None)
        driver.refuse("disconnect", "no-conn")

    @across()
    def test_what_was_published_leaves_before(self, ver, link):
        driver, _, peer = self.online(ver, link)
        driver.write("pub topic=a size=3000000\ndisconnect\n")
        self.assertGreater(len(peer.packet()), 3_000_000)
        peer.expect(wire.disconnect())

    def test_disconnect_of_a_server_that_stays(self):
        driver, _, peer = self.online(4)
        driver.do("disconnect")
        driver.event("closed", 5, by="local")
        self.assertEqual(peer.end(), wire.disconnect())

    @each({"will": ("reason=4", wire.disconnect(4)), "hex": ("reason=0x81", wire.disconnect(0x81)),
           "properties": ("prop.session-expiry-interval=5 prop.reason-string=r "
                          "prop.user-property=a:b", wire.disconnect(0, [
                              ("session-expiry-interval", 5), ("reason-string", "r"),
                              ("user-property", ("a", "b"))]))})
    def test_reasons(self, keys, wanted):
        driver, _, peer = self.online(5, new=kept(5))
        driver.do(f"disconnect {keys}")
        peer.expect(wanted)
        peer.close()
        driver.event("closed", by="local")

    @each({"server": (5, "reason=0x8b"), "unknown": (5, "reason=1"), "range": (5, "reason=256"),
           "before5": (4, "reason=4"), "properties": (4, "prop.reason-string=x"),
           "alien": (5, "prop.topic-alias=1"), "expiry": (5, "prop.session-expiry-interval=5")})
    def test_bad_reasons(self, ver, keys):
        driver, _, peer = self.online(ver)
        driver.refuse(f"disconnect {keys}", "invalid")
        self.assertEqual(peer.fence(driver, ver), [])

    @across(links=("tcp", "tls", "ws", "unix"))
    def test_abort(self, ver, link):
        driver, _, peer = self.online(ver, link)
        driver.do("abort")
        driver.event("closed", by="local")
        self.assertEqual(peer.end(), b"")
        driver.refuse("abort", "no-conn")

    @across()
    def test_connect_again_at_once(self, ver, link):
        driver, server, peer = self.online(ver, link)
        driver.do("disconnect")
        driver.do(f"connect host=localhost port={server.port}")
        peer.expect(wire.disconnect())
        peer.close()
        driver.event("closed", by="local")
        self.admit(driver, server, ver)

    @across()
    def test_connect_while_connected(self, ver, link):
        driver, server, peer = self.online(ver, link)
        driver.refuse(f"connect host=localhost port={server.port}")
        self.assertEqual(peer.fence(driver, ver), [])

    @across()
    def test_reconnect_while_connected(self, ver, link):
        driver, server, peer = self.online(ver, link)
        driver.do("reconnect")
        self.assertEqual(peer.end(), b"")
        driver.event("closed", by="local")
        self.admit(driver, server, ver)

    @each({f"{code:02x}": (code,) for code in (
        0x00, 0x80, 0x81, 0x82, 0x83, 0x87, 0x89, 0x8B, 0x8D, 0x8E, 0x8F, 0x90, 0x93, 0x94, 0x95,
        0x96, 0x97, 0x98, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9E, 0x9F, 0xA0, 0xA1, 0xA2)})
    def test_the_server_leaves(self, code):
        driver, _, peer = self.online(5)
        props = [("reason-string", "bye"), ("server-reference", "x")] if code else []
        peer.send(wire.disconnect(code, props))
        event = driver.event("closed", by="peer", reason=f"0x{code:02x}")
        if props:
            self.assertEqual(event["prop.reason-string"], "bye")
        # Nothing is answered.
        self.assertEqual(peer.end(), b"")

    @across(links=("tcp", "tls", "ws"))
    def test_the_server_closes(self, ver, link):
        driver, _, peer = self.online(ver, link)
        peer.close()
        driver.event("closed", by="peer")

    @across()
    def test_reset(self, ver, link):
        driver, _, peer = self.online(ver, link)
        peer.reset()
        driver.event("closed", by="peer")
