"""PUBLISH from the client: identifiers, acknowledgements, limits."""

from judge import wire
from judge.case import Case, across, each
from judge.driver import quote
from judge.wire import PUBACK, PUBCOMP, PUBREC, PUBREL, answer, publish

MESSAGE_PROPERTIES = [
    ("payload-format-indicator", 1), ("message-expiry-interval", 100), ("content-type", "c"),
    ("response-topic", "r/t"), ("correlation-data", b"\x00\xff"), ("user-property", ("a", "b")),
    ("user-property", ("a", "c"))]


class Publish(Case):
    """What is published leaves as it was asked for."""

    @across(links=("tcp", "tls", "ws", "wss", "unix"))
    def test_every_quality(self, ver, link):
        driver, _, peer = self.online(ver, link)
        self.assertEqual(driver.do("pub topic=a payload=x ref=r0")["mid"], "0")
        peer.expect(publish(ver, "a", "x"))
        event = driver.event("published", mid=0, qos=0, rc=0)
        self.assertEqual(event["ref"], "r0")
        reply = driver.do("pub topic=a/b payload=%00%ff qos=1 retain=1")
        self.assertEqual((reply["mid"], reply["queued"]), ("1", "0"))
        peer.expect(publish(ver, "a/b", b"\x00\xff", 1, 1, 1))
        self.assertFalse(driver.has("published"))
        peer.send(answer(PUBACK, 1))
        driver.event("published", mid=1, qos=1, rc=0)
        self.assertEqual(driver.do("pub topic=c qos=2")["mid"], "2")
        peer.expect(publish(ver, "c", b"", 2, 2))
        peer.send(answer(PUBREC, 2))
        peer.expect(answer(PUBREL, 2))
        self.assertFalse(driver.has("published"))
        peer.send(answer(PUBCOMP, 2))
        driver.event("published", mid=2, qos=2, rc=0)

    @each({f"{qos}": (qos,) for qos in (0, 1, 2)})
    def test_properties_in_the_order_given(self, qos):
        from test_connect import listing
        driver, _, peer = self.online()
        for order in (MESSAGE_PROPERTIES, MESSAGE_PROPERTIES[::-1]):
            mid = driver.do(f"pub topic=a payload=x qos={qos}{listing(order)}").number("mid")
            peer.expect(publish(5, "a", "x", qos, mid, props=order))

    @across()
    def test_identifiers_are_shared_and_count_up(self, ver, link):
        driver, _, peer = self.online(ver, link)
        self.assertEqual(driver.do("pub topic=a qos=1")["mid"], "1")
        self.assertEqual(driver.do("sub topic=a qos=1")["mid"], "2")
        self.assertEqual(driver.do("pub topic=a")["mid"], "0")
        self.assertEqual(driver.do("unsub topic=a")["mid"], "3")
        driver.refuse("pub topic=a/%23 qos=1", "invalid")
        driver.refuse("sub topic=a%23", "invalid")
        driver.refuse("unsub topic=", "invalid")
        driver.refuse("pub qos=1", "invalid")
        driver.refuse("pub topic=a qos=3", "invalid")
        self.assertEqual(driver.do("pub topic=a qos=2")["mid"], "4")
        peer.expect(
            publish(ver, "a", b"", 1, 1), wire.subscribe(ver, 2, [("a", 1)]), publish(ver, "a"),
            wire.unsubscribe(ver, 3, ["a"]), publish(ver, "a", b"", 2, 4))

    @across(versions=(5,))
    def test_identifiers_wrap_past_those_in_use(self, ver, link):
        driver, _, peer = self.online(ver, link)
        driver.do("pub topic=a qos=1")
        peer.packet()
        at = 2
        while at <= 65_535:
            count = min(500, 65_536 - at)
            driver.write("pub topic=a qos=1\n" * count)
            for _ in range(count):
                sent = peer.packet()
                self.assertEqual(wire.mid_of(sent), at)
                peer.send(answer(PUBACK, at))
                self.assertEqual(driver.reply().number("mid"), at)
                driver.event("published", mid=at)
                at += 1
        self.assertEqual(driver.do("pub topic=a qos=1")["mid"], "2")

    @each({f"{ver}_{name}": (ver, topic) for ver in (3, 4, 5) for name, topic in {
        "hash": "%23", "plus": "a/%2b/b", "empty": "", "nul": "a%00", "utf8": "%c3%28",
        "surrogate": "%ed%a0%80", "long": "a" * 65_536}.items()})
    def test_bad_topic(self, ver, topic):
        driver, _, peer = self.online(ver)
        for qos in (0, 1, 2):
            driver.refuse(f"pub topic={topic} qos={qos}", "invalid")
        self.assertEqual(peer.fence(driver, ver), [])

    @each({"alias": "prop.topic-alias=1", "zero": "prop.topic-alias=0",
           "misplaced": "prop.receive-maximum=1", "subid": "prop.subscription-identifier=1",
           "format": "prop.payload-format-indicator=2", "twice":
           "prop.content-type=a prop.content-type=b", "response": "prop.response-topic=a/%23",
           "unknown": "prop.bogus=1", "number": "prop.message-expiry-interval=x",
           "toolarge": "prop.message-expiry-interval=4294967296"})
    def test_bad_properties(self, *keys):
        driver, _, peer = self.online(5)
        for qos in (0, 1, 2):
            driver.refuse(f"pub topic=a qos={qos} " + "".join(keys), "invalid")
        self.assertEqual(driver.do("pub topic=a qos=1")["mid"], "1")
        peer.expect(publish(5, "a", b"", 1, 1))

    @each({"3": (3,), "4": (4,)})
    def test_no_properties_before_5(self, ver):
        driver, _, _ = self.online(ver)
        for qos in (0, 1):
            driver.refuse(f"pub topic=a qos={qos} prop.content-type=x", "invalid")

    @each({f"{qos}_{code}": (qos, code) for qos in (1, 2)
           for code in (0x10, 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99)})
    def test_reason_codes(self, qos, code):
        driver, _, peer = self.online(5)
        driver.do(f"pub topic=a qos={qos} ref=r%201")
        peer.packet()
        peer.send(answer(PUBACK if qos == 1 else PUBREC, 1, code, [("reason-string", "why")]))
        if code == 0x10 and qos == 2:
            peer.expect(answer(PUBREL, 1))
            peer.send(answer(PUBCOMP, 1))
            driver.event("published", mid=1, qos=2, rc=0)
            return
        event = driver.event("published", mid=1, qos=qos, rc=code)
        self.assertEqual((event["ref"], event["prop.reason-string"]), ("r 1", "why"))
        # A refusal is the last word: no PUBREL follows.
        self.assertEqual(peer.fence(driver, 5), [])
        self.assertEqual(driver.do("stat")["inflight"], "0")

    def test_publish_complete_with_a_failure(self):
        driver, _, peer = self.online(5)
        driver.do("pub topic=a qos=2")
        peer.packet()
        peer.send(answer(PUBREC, 1))
        peer.expect(answer(PUBREL, 1))
        peer.send(answer(PUBCOMP, 1, 0x92))
        driver.event("published", mid=1, qos=2, rc=0x92)

    @across()
    def test_many_at_once_in_order(self, ver, link):
        driver, _, peer = self.online(ver, link)
        driver.write("".join(f"pub topic=t payload={n} qos={n % 3}\n" for n in range(600)))
        mid = 0
        for number in range(600):
            qos = number % 3
            mid += qos > 0
            peer.expect(publish(ver, "t", str(number), qos, mid))
            self.assertEqual(driver.reply().number("mid"), mid if qos else 0)

    @across()
    def test_answers_out_of_order(self, ver, link):
        driver, _, peer = self.online(ver, link)
        for _ in range(5):
            driver.do("pub topic=a qos=1")
            peer.packet()
        for mid in (3, 5, 1, 2, 4):
            peer.send(answer(PUBACK, mid))
            driver.event("published", mid=mid)

    @across(versions=(4, 5), links=("tcp", "tls", "ws", "wss", "unix"))
    def test_large_payloads(self, ver, link):
        driver, _, peer = self.online(ver, link)
        for size in (0, 127, 128, 16_383, 16_384, 256 << 10, 1 << 20, 5 << 20):
            mid = driver.do(f"pub topic=big size={size} qos=1").number("mid")
            sent = peer.packet()
            self.assertEqual(len(sent), len(publish(ver, "big", bytes(size), 1, mid)))
            peer.send(answer(PUBACK, mid))
            driver.event("published", mid=mid)

    def test_large_payload_as_given(self):
        driver, _, peer = self.online(4)
        data = bytes(range(256)) * 1024
        driver.do(f"pub topic=big payload={quote(data)} qos=0")
        peer.expect(publish(4, "big", data))

    @across()
    def test_too_large_for_the_protocol(self, ver, link):
        driver, _, peer = self.online(ver, link)
        driver.refuse("pub topic=a size=268435456", "oversize")
        driver.refuse("pub topic=a size=268435456 qos=1", "oversize")
        self.assertEqual(driver.do("pub topic=a qos=1")["mid"], "1")
        peer.packet()


class Limits(Case):
    """What a server of 5.0 forbids fails before it is sent."""

    def test_maximum_quality(self):
        driver, _, peer = self.online(5, props=[("maximum-qos", 1)])
        driver.refuse("pub topic=a qos=2", "qos-not-supported")
        self.assertEqual(driver.do("pub topic=a qos=1")["mid"], "1")
        peer.expect(publish(5, "a", b"", 1, 1))

    def test_no_quality_at_all(self):
        driver, _, peer = self.online(5, props=[("maximum-qos", 0)])
        driver.refuse("pub topic=a qos=1", "qos-not-supported")
        driver.refuse("pub topic=a qos=2", "qos-not-supported")
        driver.do("pub topic=a")
        peer.expect(publish(5, "a"))

    def test_no_retained_messages(self):
        driver, _, peer = self.online(5, props=[("retain-available", 0)])
        for qos in (0, 1, 2):
            driver.refuse(f"pub topic=a retain=1 qos={qos}", "retain-not-supported")
        driver.do("pub topic=a qos=1")
        peer.expect(publish(5, "a", b"", 1, 1))

    @each({f"{qos}": (qos,) for qos in (0, 1, 2)})
    def test_maximum_packet_size(self, qos):
        driver, _, peer = self.online(5, props=[("maximum-packet-size", 50)])
        head = len(publish(5, "a", b"", qos, 1))
        driver.refuse(f"pub topic=a size={51 - head} qos={qos}", "oversize")
        driver.do(f"pub topic=a size={50 - head} qos={qos}")
        peer.expect(publish(5, "a", "x" * (50 - head), qos, 1))

    def test_requests_larger_than_the_maximum(self):
        driver, _, peer = self.online(5, props=[("maximum-packet-size", 30)])
        driver.refuse("sub topic=" + "a" * 40, "oversize")
        driver.refuse("unsub topic=" + "a" * 40, "oversize")
        self.assertEqual(driver.do("sub topic=a")["mid"], "1")
        peer.expect(wire.subscribe(5, 1, [("a", 0)]))

    def test_disconnect_larger_than_the_maximum(self):
        driver, _, _ = self.online(5, props=[("maximum-packet-size", 30)])
        driver.refuse("disconnect prop.reason-string=" + "a" * 40, "oversize")

    @each({f"{qos}_{window}": (qos, window) for qos in (1, 2) for window in (1, 3)})
    def test_receive_maximum(self, qos, window):
        driver, _, peer = self.online(5, props=[("receive-maximum", window)])
        for number in range(1, 8):
            reply = driver.do(f"pub topic=a payload={number} qos={qos}")
            self.assertEqual(reply["mid"], str(number))
            self.assertEqual(reply["queued"], "0" if number <= window else "1")
        for number in range(1, window + 1):
            peer.expect(publish(5, "a", str(number), qos, number))
        # QoS 0 is not counted (section 4.9).
        self.assertEqual(peer.fence(driver, 5), [])
        self.assertEqual(driver.do("stat")["queued"], str(7 - window))
        for number in range(1, 8):
            if qos == 1:
                peer.send(answer(PUBACK, number))
            else:
                peer.send(answer(PUBREC, number))
                peer.expect(answer(PUBREL, number))
                # PUBREC alone does not refill the quota.
                self.assertEqual(peer.fence(driver, 5), [])
                peer.send(answer(PUBCOMP, number))
            driver.event("published", mid=number)
            if number + window <= 7:
                peer.expect(publish(5, "a", str(number + window), qos, number + window))
        self.assertEqual(peer.fence(driver, 5), [])

    def test_a_refusal_refills_the_quota(self):
        driver, _, peer = self.online(5, props=[("receive-maximum", 1)])
        driver.do("pub topic=a qos=2")
        driver.do("pub topic=b qos=2")
        peer.expect(publish(5, "a", b"", 2, 1))
        peer.send(answer(PUBREC, 1, 0x97))
        driver.event("published", mid=1, rc=0x97)
        peer.expect(publish(5, "b", b"", 2, 2))

    def test_unsolicited_answers_do_not_refill_the_quota(self):
        driver, _, peer = self.online(5, props=[("receive-maximum", 1)])
        driver.do("pub topic=a qos=1")
        driver.do("pub topic=b qos=1")
        peer.expect(publish(5, "a", b"", 1, 1))
        peer.send(answer(PUBACK, 77), answer(PUBCOMP, 1), answer(PUBACK, 2), answer(PUBACK, 2))
        self.assertEqual(peer.fence(driver, 5), [])
        peer.send(answer(PUBACK, 1))
        peer.expect(publish(5, "b", b"", 1, 2))

    def test_topic_alias(self):
        driver, _, peer = self.online(5, props=[("topic-alias-maximum", 2)])
        driver.do("pub topic=long/topic prop.topic-alias=1 payload=1")
        driver.do("pub topic= prop.topic-alias=1 payload=2")
        driver.do("pub topic= prop.topic-alias=1 payload=3 qos=1")
        driver.do("pub topic=other prop.topic-alias=1 payload=4")
        driver.do("pub topic= prop.topic-alias=1 payload=5")
        alias = [("topic-alias", 1)]
        peer.expect(
            publish(5, "long/topic", "1", props=alias), publish(5, "", "2", props=alias),
            publish(5, "", "3", 1, 1, props=alias), publish(5, "other", "4", props=alias),
            publish(5, "", "5", props=alias))

    @each({"above": "topic=a prop.topic-alias=3", "unknown": "topic= prop.topic-alias=2",
           "zero": "topic=a prop.topic-alias=0", "none": "topic="})
    def test_bad_topic_alias(self, *keys):
        driver, _, peer = self.online(5, props=[("topic-alias-maximum", 2)])
        for qos in (0, 1):
            driver.refuse(f"pub qos={qos} " + "".join(keys), "invalid")
        self.assertEqual(peer.fence(driver, 5), [])

    def test_no_aliases_without_a_maximum(self):
        driver, _, peer = self.online(5)
        driver.refuse("pub topic=a prop.topic-alias=1", "invalid")
        for _ in range(3):
            driver.do("pub topic=a")
            peer.expect(publish(5, "a"))

    def test_aliases_end_with_the_connection(self):
        new = "id=a clean=0 prop.session-expiry-interval=100"
        driver, server, peer = self.online(5, new=new, props=[("topic-alias-maximum", 2)])
        driver.do("pub topic=topic prop.topic-alias=1 payload=1 qos=1")
        driver.do("pub topic= prop.topic-alias=1 payload=2 qos=1")
        peer.packet()
        peer.packet()
        peer.close()
        driver.event("closed", by="peer")
        peer = self.join(driver, server, 5, [("topic-alias-maximum", 2)], 1, "reconnect")
        peer.expect(publish(5, "topic", "1", 1, 1, dup=1), publish(5, "topic", "2", 1, 2, dup=1))
        driver.refuse("pub topic= prop.topic-alias=1", "invalid")

    def test_limits_end_with_the_connection(self):
        limits = [("maximum-qos", 0), ("retain-available", 0), ("maximum-packet-size", 30)]
        driver, server, peer = self.online(5, props=limits)
        peer.close()
        driver.event("closed")
        peer = self.join(driver, server, 5, command="reconnect")
        driver.do("pub topic=a retain=1 qos=2 size=100")
        peer.expect(publish(5, "a", "x" * 100, 2, 1, 1))
