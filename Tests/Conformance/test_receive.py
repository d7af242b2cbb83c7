"""PUBLISH to the client: handing over, acknowledging, duplicates, limits."""

from judge import wire
from judge.case import Case, across, each
from judge.driver import quote
from judge.wire import PUBACK, PUBCOMP, PUBREC, PUBREL, answer, publish
from test_publish import MESSAGE_PROPERTIES


class Receive(Case):
    """What the server sends is told once, and answered."""

    @across(links=("tcp", "tls", "ws", "wss", "unix"))
    def test_every_quality(self, ver, link):
        driver, _, peer = self.online(ver, link)
        peer.send(publish(ver, "a", b"\x00\xff =%\n", retain=1))
        event = driver.event("msg")
        self.assertEqual([event[key] for key in ("mid", "qos", "retain", "dup", "topic")],
                         ["0", "0", "1", "0", "a"])
        self.assertEqual(event.bytes("payload"), b"\x00\xff =%\n")
        peer.send(publish(ver, "b", "x", 1, 65_535, dup=1))
        driver.event("msg", mid=65_535, qos=1, dup=1, topic="b")
        peer.expect(answer(PUBACK, 65_535))
        peer.send(publish(ver, "c/ä", b"", 2, 9))
        driver.event("msg", mid=9, qos=2, topic="c/ä", payload="")
        peer.expect(answer(PUBREC, 9))
        peer.send(answer(PUBREL, 9))
        peer.expect(answer(PUBCOMP, 9))

    @each({f"{qos}": (qos,) for qos in (0, 1, 2)})
    def test_properties(self, qos):
        driver, _, peer = self.online(5)
        props = MESSAGE_PROPERTIES + [("subscription-identifier", 1),
                                      ("subscription-identifier", 268_435_455)]
        peer.send(publish(5, "a", "x", qos, 3, props=props))
        event = driver.event("msg", topic="a")
        self.assertEqual([name for name, _ in event.properties()], [name for name, _ in props])
        self.assertEqual(event.bytes("prop.correlation-data"), b"\x00\xff")
        self.assertEqual(event["prop.user-property"], "a:b")

    @across()
    def test_second_delivery_before_release(self, ver, link):
        driver, _, peer = self.online(ver, link)
        peer.send(publish(ver, "a", "x", 2, 9))
        driver.event("msg", mid=9)
        peer.expect(answer(PUBREC, 9))
        for _ in range(3):
            peer.send(publish(ver, "a", "x", 2, 9, dup=1))
            peer.expect(answer(PUBREC, 9))
        self.assertEqual(peer.fence(driver, ver), [])
        self.assertFalse(driver.has("msg"))
        peer.send(answer(PUBREL, 9))
        peer.expect(answer(PUBCOMP, 9))
        # The identifier is free: this is a new message.
        peer.send(publish(ver, "a", "y", 2, 9))
        driver.event("msg", mid=9, payload="y")

    @across()
    def test_repeated_at_quality_1_is_new(self, ver, link):
        driver, _, peer = self.online(ver, link)
        for dup in (0, 1, 1):
            peer.send(publish(ver, "a", "x", 1, 9, dup=dup))
            driver.event("msg", mid=9, dup=dup)
            peer.expect(answer(PUBACK, 9))

    @across()
    def test_second_delivery_over_a_new_connection(self, ver, link):
        new = "id=a clean=0" + (" prop.session-expiry-interval=99" if ver == 5 else "")
        driver, server, peer = self.online(ver, link, new)
        peer.send(publish(ver, "a", "x", 2, 9))
        driver.event("msg", mid=9)
        peer.expect(answer(PUBREC, 9))
        peer.close()
        driver.event("closed")
        peer = self.join(driver, server, ver, present=int(ver > 3), command="reconnect")
        peer.send(publish(ver, "a", "x", 2, 9, dup=1))
        peer.expect(answer(PUBREC, 9))
        peer.send(answer(PUBREL, 9))
        peer.expect(answer(PUBCOMP, 9))
        self.assertEqual(peer.fence(driver, ver), [])
        self.assertFalse(driver.has("msg"))

    @each({"4": (4,), "5": (5,)})
    def test_a_lost_session_forgets_what_was_received(self, ver):
        new = "id=a clean=0" + (" prop.session-expiry-interval=99" if ver == 5 else "")
        driver, server, peer = self.online(ver, "tcp", new)
        peer.send(publish(ver, "a", "x", 2, 9))
        driver.event("msg", mid=9)
        peer.expect(answer(PUBREC, 9))
        peer.close()
        driver.event("closed")
        peer = self.join(driver, server, ver, present=0, command="reconnect")
        peer.send(publish(ver, "a", "y", 2, 9))
        driver.event("msg", mid=9, payload="y")

    @across()
    def test_unsolicited_answers(self, ver, link):
        driver, _, peer = self.online(ver, link)
        peer.send(answer(PUBACK, 5), answer(PUBCOMP, 6), wire.unsuback(ver, 7, [0]),
                  answer(PUBREL, 8), answer(PUBREC, 9))
        code = 0x92 if ver == 5 else 0
        peer.expect(answer(PUBCOMP, 8, code), answer(PUBREL, 9, code))
        self.assertEqual(peer.fence(driver, ver), [])
        self.assertEqual(driver.do("pub topic=a qos=1")["mid"], "1")

    @across()
    def test_answer_of_the_wrong_kind(self, ver, link):
        driver, _, peer = self.online(ver, link)
        driver.do("pub topic=a qos=2")
        driver.do("pub topic=b qos=1")
        peer.packet()
        peer.packet()
        peer.send(answer(PUBACK, 1), answer(PUBCOMP, 1), answer(PUBCOMP, 2))
        self.assertEqual(peer.fence(driver, ver), [])
        self.assertFalse([line for line in driver.lines if line["mid"] in "12"])
        peer.send(answer(PUBREC, 1), answer(PUBACK, 2))
        driver.event("published", mid=2)
        peer.expect(answer(PUBREL, 1))
        # PUBREC again is answered again.
        peer.send(answer(PUBREC, 1))
        peer.expect(answer(PUBREL, 1))
        peer.send(answer(PUBCOMP, 1))
        driver.event("published", mid=1)

    @across(links=("tcp", "tls", "ws", "wss", "unix"))
    def test_large_payloads(self, ver, link):
        driver, _, peer = self.online(ver, link)
        for qos, size in enumerate((256 << 10, 1 << 20, 5 << 20)):
            data = bytes(range(256)) * (size >> 8)
            props = MESSAGE_PROPERTIES if ver == 5 else ()
            sent = publish(ver, "big", data, qos, 7, props=props)
            for start in range(0, len(sent), 1 << 18):
                peer.send(sent[start:start + (1 << 18)])
            event = driver.event("msg", 60, qos=qos, topic="big")
            self.assertEqual(event.bytes("payload"), data)
            self.assertEqual(len(event.properties()), len(props))
            if qos:
                peer.expect(answer(PUBACK if qos == 1 else PUBREC, 7))

    @across()
    def test_one_byte_at_a_time(self, ver, link):
        driver, _, peer = self.online(ver, link)
        for byte in publish(ver, "topic", "payload", 1, 3) + publish(ver, "u", "v"):
            peer.send(bytes([byte]))
        driver.event("msg", topic="topic", payload="payload")
        driver.event("msg", topic="u", payload="v")
        peer.expect(answer(PUBACK, 3))

    @across()
    def test_flood_in_order(self, ver, link):
        driver, _, peer = self.online(ver, link)
        peer.send(b"".join(publish(ver, "t", str(n), n % 3, n + 1) for n in range(3000)))
        for number in range(3000):
            self.assertEqual(driver.event("msg")["payload"], str(number))
            if number % 3:
                peer.expect(answer(PUBACK if number % 3 == 1 else PUBREC, number + 1))


class Limits(Case):
    """What the client has announced it holds the server to."""

    def fails(self, driver, peer, code):
        driver.event("closed", by="protocol", reason=f"0x{code:02x}")
        self.assertTrue(peer.end().endswith(wire.disconnect(code)))

    def test_maximum_packet_size(self):
        driver, _, peer = self.online(5, new="id=a prop.maximum-packet-size=50")
        head = len(publish(5, "a", b""))
        peer.send(publish(5, "a", "x" * (50 - head)))
        driver.event("msg")
        peer.send(publish(5, "a", "x" * (51 - head)))
        self.fails(driver, peer, 0x95)

    def test_receive_maximum(self):
        driver, _, peer = self.online(5, new="id=a prop.receive-maximum=2")
        for mid in (1, 2):
            peer.send(publish(5, "a", "x", 2, mid))
            driver.event("msg", mid=mid)
            peer.expect(answer(PUBREC, mid))
        peer.send(publish(5, "a", "x", 2, 3))
        self.fails(driver, peer, 0x93)

    def test_receive_maximum_is_not_passed_when_released(self):
        driver, _, peer = self.online(5, new="id=a prop.receive-maximum=1")
        for mid in range(1, 6):
            peer.send(publish(5, "a", "x", 2, mid))
            peer.expect(answer(PUBREC, mid))
            peer.send(answer(PUBREL, mid))
            peer.expect(answer(PUBCOMP, mid))
        driver.event("msg", mid=5)

    def test_topic_alias(self):
        driver, _, peer = self.online(5, new="id=a prop.topic-alias-maximum=2")
        for topic, alias, told in (("long", 1, "long"), ("", 1, "long"), ("b", 2, "b"),
                                   ("", 2, "b"), ("c", 1, "c"), ("", 1, "c"), ("", 2, "b")):
            peer.send(publish(5, topic, "x", 1, 4, props=[("topic-alias", alias)]))
            driver.event("msg", topic=told)
            peer.expect(answer(PUBACK, 4))

    @each({"above": ("a", 3, 0x94), "zero": ("a", 0, 0x94), "unknown": ("", 1, 0x82)})
    def test_bad_topic_alias(self, topic, alias, code):
        driver, _, peer = self.online(5, new="id=a prop.topic-alias-maximum=2")
        peer.send(publish(5, topic, "x", props=[("topic-alias", alias)]))
        self.fails(driver, peer, code)

    def test_alias_that_was_not_allowed(self):
        driver, _, peer = self.online(5)
        peer.send(publish(5, "a", "x", props=[("topic-alias", 1)]))
        self.fails(driver, peer, 0x94)

    def test_aliases_end_with_the_connection(self):
        new = "id=a clean=0 prop.topic-alias-maximum=2 prop.session-expiry-interval=9"
        driver, server, peer = self.online(5, new=new)
        peer.send(publish(5, "a", "x", props=[("topic-alias", 1)]))
        driver.event("msg")
        peer.close()
        driver.event("closed")
        peer = self.join(driver, server, 5, present=1, command="reconnect")
        peer.send(publish(5, "", "x", props=[("topic-alias", 1)]))
        self.fails(driver, peer, 0x82)


class ByHand(Case):
    """Acknowledgement by command."""

    @across()
    def test_nothing_is_answered_before(self, ver, link):
        driver, _, peer = self.online(ver, link, "id=a manual-ack=1")
        peer.send(publish(ver, "a", "x", 1, 5), publish(ver, "a", "y", 2, 6), publish(ver, "a"))
        driver.event("msg", mid=5)
        driver.event("msg", mid=6)
        driver.event("msg", mid=0)
        self.assertEqual(peer.fence(driver, ver), [])
        driver.do("ack mid=5")
        peer.expect(answer(PUBACK, 5))
        driver.do("ack mid=6")
        peer.expect(answer(PUBREC, 6))
        peer.send(answer(PUBREL, 6))
        peer.expect(answer(PUBCOMP, 6))
        for mid in (0, 5, 6, 7):
            driver.refuse(f"ack mid={mid}")
        self.assertEqual(peer.fence(driver, ver), [])

    @across()
    def test_answers_keep_the_order(self, ver, link):
        driver, _, peer = self.online(ver, link, "id=a manual-ack=1")
        for mid in (1, 2, 3):
            peer.send(publish(ver, "a", "x", 1, mid))
            driver.event("msg", mid=mid)
        driver.do("ack mid=3")
        driver.do("ack mid=2")
        self.assertEqual(peer.fence(driver, ver), [])
        driver.do("ack mid=1")
        peer.expect(answer(PUBACK, 1), answer(PUBACK, 2), answer(PUBACK, 3))

    @each({f"{qos}_{code}": (qos, code) for qos in (1, 2) for code in (0x80, 0x83, 0x87, 0x97)})
    def test_refused(self, qos, code):
        driver, _, peer = self.online(5, new="id=a manual-ack=1")
        peer.send(publish(5, "a", "x", qos, 5))
        driver.event("msg", mid=5)
        driver.do(f"ack mid=5 rc={code}")
        peer.expect(answer(PUBACK if qos == 1 else PUBREC, 5, code))
        # The identifier is free again.
        peer.send(publish(5, "a", "z", qos, 5))
        driver.event("msg", mid=5, payload="z")

    @each({"code": (5, "rc=1"), "before5": (4, "rc=128"), "range": (5, "rc=256"),
           "server": (5, "rc=16")})
    def test_bad_code(self, ver, keys):
        driver, _, peer = self.online(ver, new="id=a manual-ack=1")
        peer.send(publish(ver, "a", "x", 1, 5))
        driver.event("msg", mid=5)
        driver.refuse(f"ack mid=5 {keys}")
        self.assertEqual(peer.fence(driver, ver), [])

    def test_receive_maximum_counts_what_is_not_acknowledged(self):
        driver, _, peer = self.online(5, new="id=a manual-ack=1 prop.receive-maximum=1")
        peer.send(publish(5, "a", "x", 1, 1))
        driver.event("msg", mid=1)
        peer.send(publish(5, "a", "x", 1, 2))
        driver.event("closed", by="protocol", reason="0x93")

    def test_a_late_acknowledgement_is_refused(self):
        driver, server, peer = self.online(4, new="id=a clean=0 manual-ack=1")
        peer.send(publish(4, "a", "x", 1, 1))
        driver.event("msg", mid=1)
        peer.close()
        driver.event("closed")
        peer = self.join(driver, server, 4, present=1, command="reconnect")
        driver.refuse("ack mid=1")
        peer.send(publish(4, "a", "x", 1, 1, dup=1))
        driver.event("msg", mid=1, dup=1)
        driver.do("ack mid=1")
        peer.expect(answer(PUBACK, 1))
