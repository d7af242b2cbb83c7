"""Packets that break the rules end the connection, with the right reason in 5.0."""

from judge import wire
from judge.case import Case, across, each
from judge.wire import packet, text

# Name: bytes, the reasons that 5.0 may give, versions.
ANY = (3, 4, 5)
MALFORMED, PROTOCOL = 0x81, 0x82
FAULTS = {
    "reserved-type": (b"\x00\x00", (MALFORMED, PROTOCOL), ANY),
    "auth-before-5": (b"\xf0\x00", (MALFORMED, PROTOCOL), (3, 4)),
    "connect": (wire.connect(4, "x"), (PROTOCOL,), ANY),
    "second-connack": (wire.connack(4), (PROTOCOL, MALFORMED), ANY),
    "second-connack-5": (wire.connack(5), (PROTOCOL,), (5,)),
    "subscribe": (packet(0x82, b"\x00\x01\x00\x00\x01a\x00"), (PROTOCOL, MALFORMED), ANY),
    "unsubscribe": (packet(0xA2, b"\x00\x01\x00\x00\x01a"), (PROTOCOL, MALFORMED), ANY),
    "pingreq": (b"\xc0\x00", (PROTOCOL,), ANY),
    "disconnect-before-5": (b"\xe0\x00", (PROTOCOL,), (3, 4)),
    "long-length": (b"\x30\xff\xff\xff\xff\x01", (MALFORMED,), ANY),
    "longer-length": (b"\x30\x80\x80\x80\x80\x00", (MALFORMED,), ANY),
    "quality-3": (packet(0x36, text("a") + b"\x00\x01"), (MALFORMED,), ANY),
    "dup-at-quality-0": (packet(0x38, text("a") + b"\x00"), (MALFORMED, PROTOCOL), (4, 5)),
    "puback-flags": (packet(0x42, b"\x00\x01"), (MALFORMED,), (4, 5)),
    "pubrec-flags": (packet(0x51, b"\x00\x01"), (MALFORMED,), (4, 5)),
    "pubrel-flags": (packet(0x60, b"\x00\x01"), (MALFORMED,), (4, 5)),
    "pubcomp-flags": (packet(0x74, b"\x00\x01"), (MALFORMED,), (4, 5)),
    "suback-flags": (packet(0x92, b"\x00\x01\x00"), (MALFORMED,), (4, 5)),
    "pingresp-flags": (b"\xd1\x00", (MALFORMED,), (4, 5)),
    "pingresp-body": (b"\xd0\x01\x00", (MALFORMED,), ANY),
    "puback-short": (packet(0x40, b"\x00"), (MALFORMED,), ANY),
    "puback-long": (packet(0x40, b"\x00\x01\x00"), (MALFORMED,), (3, 4)),
    "puback-zero": (packet(0x40, b"\x00\x00"), (MALFORMED, PROTOCOL), ANY),
    "publish-zero": (packet(0x32, text("a") + b"\x00\x00\x00"), (MALFORMED, PROTOCOL), ANY),
    "publish-empty": (b"\x30\x00", (MALFORMED,), ANY),
    "topic-beyond-packet": (packet(0x30, b"\x00\x05a"), (MALFORMED,), ANY),
    "no-identifier": (packet(0x32, text("a") + b"\x00"), (MALFORMED,), ANY),
    "no-topic": (packet(0x30, text("") + b"\x00x"), (MALFORMED, PROTOCOL), ANY),
    "topic-hash": (packet(0x30, text("a/#") + b"\x00"), (MALFORMED, 0x90), ANY),
    "topic-plus": (packet(0x30, text("+") + b"\x00"), (MALFORMED, 0x90), ANY),
    "topic-nul": (packet(0x30, text("a\0") + b"\x00"), (MALFORMED,), ANY),
    "topic-utf8": (packet(0x30, text(b"\xff") + b"\x00"), (MALFORMED,), ANY),
    "topic-surrogate": (packet(0x30, text(b"\xed\xa0\x80") + b"\x00"), (MALFORMED,), ANY),
    "topic-overlong": (packet(0x30, text(b"\xc0\x80") + b"\x00"), (MALFORMED,), ANY),
    # 5.0's properties.
    "properties-beyond": (packet(0x30, text("a") + b"\x05\x01\x00"), (MALFORMED,), (5,)),
    "properties-missing": (packet(0x30, text("a")), (MALFORMED,), (5,)),
    "property-unknown": (packet(0x30, text("a") + b"\x02\x7f\x00"), (MALFORMED,), (5,)),
    "property-misplaced": (packet(0x30, text("a") + b"\x03\x21\x00\x05"), (MALFORMED, PROTOCOL),
                           (5,)),
    "property-twice": (packet(0x30, text("a") + b"\x04\x01\x00\x01\x00"), (PROTOCOL,), (5,)),
    "property-range": (packet(0x30, text("a") + b"\x02\x01\x02"), (PROTOCOL, MALFORMED), (5,)),
    "property-cut": (packet(0x30, text("a") + b"\x02\x02\x00"), (MALFORMED,), (5,)),
    "response-wildcard": (packet(0x30, text("a") + b"\x04\x08\x00\x01#"), (MALFORMED, PROTOCOL),
                          (5,)),
    "identifier-zero": (packet(0x30, text("a") + b"\x02\x0b\x00"), (PROTOCOL, MALFORMED), (5,)),
    "content-utf8": (packet(0x30, text("a") + b"\x04\x03\x00\x01\xff"), (MALFORMED,), (5,)),
    "puback-code": (packet(0x40, b"\x00\x01\x01"), (MALFORMED, PROTOCOL), (5,)),
    "pubrel-code": (packet(0x62, b"\x00\x01\x80"), (MALFORMED, PROTOCOL), (5,)),
    "puback-tail": (packet(0x40, b"\x00\x01\x00\x00\x00"), (MALFORMED,), (5,)),
    "puback-properties": (packet(0x40, b"\x00\x01\x00\x03\x21\x00\x05"), (MALFORMED, PROTOCOL),
                          (5,)),
    "disconnect-code": (packet(0xE0, b"\x04"), (MALFORMED, PROTOCOL), (5,)),
    "disconnect-expiry": (packet(0xE0, b"\x00\x05\x11\x00\x00\x00\x05"), (MALFORMED, PROTOCOL),
                          (5,)),
    "auth-without-method": (packet(0xF0, b"\x18\x00"), (PROTOCOL,), (5,)),
    "auth-unasked": (wire.auth(0x18, [("authentication-method", "x")]), (PROTOCOL,), (5,)),
    "http": (b"HTTP/1.1 200 OK\r\n\r\n", (MALFORMED, PROTOCOL), ANY),
}


class Malformed(Case):
    """Each fault, in each version that knows it."""

    @each({f"{name}_{ver}": (ver, data, reasons)
           for name, (data, reasons, versions) in FAULTS.items() for ver in versions})
    def test_fault(self, ver, data, reasons):
        driver, server, peer = self.online(ver)
        peer.send(data)
        event = driver.event("closed", by="protocol")
        rest = peer.end()
        if ver == 5:
            self.assertIn(event.number("reason"), reasons)
            self.assertEqual(rest, wire.disconnect(event.number("reason")))
        else:
            self.assertIsNone(event["reason"])
            self.assertEqual(rest, b"")
        # It serves as before.
        peer = self.join(driver, server, ver, command="reconnect")
        self.assertEqual(peer.fence(driver, ver), [])

    @across()
    def test_wrong_code_of_suback(self, ver, link):
        if ver == 3:
            return
        for code in (3, 0x7F):
            driver, _, peer = self.online(ver)
            driver.do("sub topic=a")
            peer.packet()
            peer.send(wire.suback(ver, 1, [code]))
            driver.event("closed", by="protocol")

    @across()
    def test_message_before_the_fault_is_told(self, ver, link):
        driver, _, peer = self.online(ver, link)
        peer.send(wire.publish(ver, "a", "x", 1, 1), b"\x00\x00")
        driver.event("msg", topic="a")
        driver.event("closed", by="protocol")
        self.assertTrue(peer.end().startswith(wire.answer(wire.PUBACK, 1)))

    @across(versions=(4, 5))
    def test_connack_that_breaks_rules(self, ver, link):
        bad = {4: [b"\x20\x02\x01\x05", b"\x20\x02\x00\x06", b"\x20\x02\x04\x00",
                   b"\x20\x01\x00", b"\x20\x03\x00\x00\x00"],
               5: [b"\x20\x03\x01\x87\x00", b"\x20\x03\x00\x01\x00", b"\x20\x03\x02\x00\x00",
                   b"\x20\x05\x00\x00\x02\x24\x02", b"\x20\x06\x00\x00\x03\x21\x00\x00",
                   b"\x20\x05\x00\x00\x02\x01\x00", b"\x20\x03\x00\x00\x01",
                   b"\x20\x08\x00\x00\x05\x27\x00\x00\x00\x00",
                   b"\x20\x07\x00\x00\x04\x25\x01\x25\x01"]}[ver]
        driver, server = self.driver(), self.server(link)
        self.prepare(driver, server, f"ver={ver} id=a clean=0")
        for data in bad:
            driver.do(f"connect host=localhost port={server.port}")
            peer = server.accept()
            peer.packet()
            peer.send(data)
            driver.event("connect-failed", kind="protocol")
            peer.end()

    def test_random_bytes_never_end_the_process(self):
        import random
        chance = random.Random(7)
        for ver in (3, 4, 5):
            driver, server, peer = self.online(ver, new="id=a keepalive=1")
            for _ in range(40):
                try:
                    peer.send(bytes(chance.randrange(256) for _ in range(chance.randrange(1, 60))))
                except OSError:
                    pass
                peer.close()
                driver.event("closed")
                peer = self.join(driver, server, ver, command="reconnect")
            driver.do("quit")
            self.assertEqual(driver.end(), 0)
