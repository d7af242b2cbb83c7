"""The line protocol itself, topics, authentication, and the client without a transport."""

import threading

from judge import wire
from judge.case import Case, across, each
from judge.driver import program, quote
from judge.wire import PUBACK, PUBCOMP, PUBREC, PUBREL, answer, publish


class Lines(Case):
    """Commands and replies."""

    def test_hello(self):
        self.assertRegex(self.driver().hello.raw.decode(), r"^hello driver=1 impl=sandpiper/\S+$")

    @each({name: (line,) for name, line in {
        "unknown": "frobnicate", "noequals": "pub topic", "percent": "pub topic=%", "percent2":
        "pub topic=%4", "percent3": "pub topic=%zz", "nokey": "pub =x", "capital": "PUB topic=a",
        "binary": "\x01\x02", "hash": "# comment", "equals": "=", "twice": "new ver=4 ver",
        "number": "new ver=4.5", "sign": "pub topic=a qos=-1"}.items()})
    def test_malformed(self, line):
        driver = self.driver()
        driver.write(line + "\nstat\n")
        self.assertEqual(driver.reply().kind, "err")
        self.assertEqual(driver.reply().name, "stat")

    def test_not_utf8(self):
        driver = self.driver()
        driver.write(b"\xff\xfe\nnew id=\xff\nstat\n")
        self.assertEqual([driver.reply().kind for _ in range(3)], ["err", "err", "ok"])

    def test_spaces_and_line_ends(self):
        driver = self.driver()
        driver.write("  new   ver=4  id=a  \r\n\n   \nstat\n")
        self.assertEqual([driver.reply().name for _ in range(2)], ["new", "stat"])

    @each({word.split(" ")[0]: (word,) for word in (
        "will topic=a", "will-clear", "tls", "transport kind=tcp", "connect port=1", "reconnect",
        "auto on=1", "pub topic=a", "sub topic=a", "unsub topic=a", "disconnect", "abort",
        "ack mid=1", "auth", "store path=/tmp/x", "feed hex=00", "tick ms=1")})
    def test_no_client(self, command):
        self.driver().refuse(command)

    def test_status(self):
        driver, _, peer = self.online(4)
        keys = ("queued", "inflight", "sent-bytes", "recv-bytes", "allocs", "rss-kb", "reconnects")
        reply = driver.do("stat")
        self.assertEqual([reply.number(key) for key in keys[:2]], [0, 0])
        self.assertEqual(reply.number("recv-bytes"), 4)
        self.assertEqual(reply.number("sent-bytes"), len(peer.connect_packet))
        self.assertGreater(reply.number("rss-kb"), 100)
        driver.do("pub topic=a qos=1")
        self.assertEqual(driver.do("stat")["inflight"], "1")

    @each({"quit": ("quit", 0), "code": ("quit rc=7", 7)})
    def test_quit(self, line, code):
        driver = self.driver()
        driver.write(line + "\nstat\n")
        self.assertEqual(driver.reply().name, "quit")
        self.assertEqual(driver.end(), code)

    def test_end_of_input(self):
        driver, _, peer = self.online(4)
        driver.write("pub topic=a payload=last")
        driver.child.stdin.close()
        self.assertEqual(driver.end(), 0)
        peer.expect(publish(4, "a", "last"))
        peer.end()

    def test_terminated(self):
        driver, _, peer = self.online(4)
        driver.terminate()
        self.assertEqual(driver.end(), 0)
        peer.end()

    def test_every_byte(self):
        driver, _, peer = self.online(4)
        data = bytes(range(256))
        driver.do("pub topic=a payload=" + "".join(f"%{byte:02X}" for byte in data))
        peer.expect(publish(4, "a", data))
        peer.send(publish(4, "a", data))
        event = driver.event("msg")
        self.assertEqual(event.bytes("payload"), data)
        for byte in b" %=\n\r\0":
            self.assertIn(f"%{byte:02x}".encode(), event.raw.lower())

    def test_characters(self):
        driver, _, peer = self.online(4)
        driver.do("pub topic=käse/€/😀 payload=a=b:c,d")
        peer.expect(publish(4, "käse/€/😀", "a=b:c,d"))
        peer.send(publish(4, "käse/€/😀", "a=b:c"))
        event = driver.event("msg")
        self.assertEqual((event["topic"], event["payload"]), ("käse/€/😀", "a=b:c"))

    def test_flood(self):
        driver = self.driver()
        driver.do("new ver=4 id=a")
        count = 100_000
        lines = ["stat", "match topic=a filter=b", "pub topic=a", "nonsense", "split topic=a/b"]
        text = "".join(lines[number % 5] + "\n" for number in range(count)).encode()
        writer = threading.Thread(target=driver.write, args=[text], daemon=True)
        writer.start()
        wanted = [("ok", "stat"), ("ok", "match"), ("err", "pub"), ("err", "nonsense"),
                  ("ok", "split")]
        told = driver.all_replies(count, 60)
        writer.join(60)
        for number, line in enumerate(told):
            self.assertEqual((line.kind, line.name), wanted[number % 5], number)

    def test_a_long_line(self):
        driver, _, peer = self.online(4)
        driver.do("pub topic=a payload=" + "%41" * 3_000_000)
        self.assertEqual(peer.packet()[-3_000_000:], b"A" * 3_000_000)

    @across(versions=(4, 5), links=("tcp", "ws"))
    def test_no_memory_is_taken_in_the_steady_state(self, ver, link):
        if "release" not in program():
            self.skipTest("a debug build takes memory for what the optimiser does without")
        driver, _, peer = self.online(ver, link)

        def exchange(rounds):
            for _ in range(rounds):
                driver.write("pub topic=a payload=0123456789 qos=0\n"
                             "pub topic=a payload=0123456789 qos=1\n"
                             "pub topic=a payload=0123456789 qos=2\n" * 50)
                for _ in range(150):
                    sent = peer.packet()
                    quality = sent[0] >> 1 & 3
                    if quality:
                        peer.send(answer(PUBACK if quality == 1 else PUBREC, wire.mid_of(sent)))
                for _ in range(50):
                    peer.send(answer(PUBCOMP, wire.mid_of(peer.packet())))
                for mid in range(1, 51):
                    peer.send(publish(ver, "b", "payload", mid % 3, mid))
                for mid in range(1, 51):
                    if mid % 3 == 1:
                        peer.expect(answer(PUBACK, mid))
                    elif mid % 3 == 2:
                        peer.expect(answer(PUBREC, mid))
                        peer.send(answer(PUBREL, mid))
                for mid in range(2, 51, 3):
                    peer.expect(answer(PUBCOMP, mid))
                for _ in range(150):
                    driver.reply()
                for _ in range(150):
                    driver.event("published")
                for _ in range(50):
                    driver.event("msg")

        exchange(5)
        before = driver.do("stat")
        # 10,500 messages out, 3,500 in.
        exchange(70)
        after = driver.do("stat")
        self.assertEqual(after.number("allocs"), before.number("allocs"))
        self.assertLess(after.number("rss-kb") - before.number("rss-kb"), 2_000)


SPLITS = {
    "a": ["a"], "a/b": ["a", "b"], "/": ["", ""], "/a": ["", "a"], "a/": ["a", ""],
    "a//b": ["a", "", "b"], "//": ["", "", ""], "a,b/c": ["a%2cb", "c"], "ä/ö": ["%c3%a4", "%c3%b6"],
    "+/#": ["+", "#"], "a b/c": ["a%20b", "c"]}

# MQTT 3.1.1 and 5.0, section 4.7, and what follows from it.
MATCHES = {
    "sport/tennis/player1/#": {
        1: ["sport/tennis/player1", "sport/tennis/player1/ranking",
            "sport/tennis/player1/score/wimbledon"],
        0: ["sport/tennis", "sport/tennis/player2", "sport/tennis/player1x"]},
    "sport/#": {1: ["sport", "sport/", "sport/a/b"], 0: ["sports", "/sport"]},
    "#": {1: ["a", "a/b", "/", "/a"], 0: ["$SYS", "$SYS/a", "$"]},
    "sport/tennis/+": {1: ["sport/tennis/player1", "sport/tennis/"],
                       0: ["sport/tennis", "sport/tennis/player1/ranking"]},
    "sport/+": {1: ["sport/", "sport/a"], 0: ["sport", "sport/a/b"]},
    "+": {1: ["a", "finance"], 0: ["/finance", "a/b", "$SYS"]},
    "+/+": {1: ["/finance", "a/b", "/"], 0: ["a", "a/b/c", "$SYS/a"]},
    "/+": {1: ["/finance", "/"], 0: ["finance", "/a/b"]},
    "+/tennis/#": {1: ["sport/tennis", "sport/tennis/x/y", "/tennis"], 0: ["tennis", "$a/tennis"]},
    "sport/+/player1": {1: ["sport/tennis/player1", "sport//player1"], 0: ["sport/player1"]},
    "$SYS/#": {1: ["$SYS", "$SYS/a"], 0: ["SYS", "a"]},
    "$SYS/monitor/+": {1: ["$SYS/monitor/Clients"], 0: ["$SYS/monitor", "$SYS/monitor/a/b"]},
    "+/monitor/Clients": {0: ["$SYS/monitor/Clients"], 1: ["x/monitor/Clients"]},
    "a/b": {1: ["a/b"], 0: ["a/B", "a/b/", "/a/b", "a"]},
    "/": {1: ["/"], 0: ["a", "//", "a/"]},
    "a//b": {1: ["a//b"], 0: ["a/b"]},
    "a/+/+/b": {1: ["a///b", "a/x/y/b"], 0: ["a//b"]},
    "a/#": {1: ["a", "a/$b"], 0: ["b"]}}


class Topics(Case):
    """Splitting and matching."""

    def test_split(self):
        driver = self.driver()
        for topic, levels in SPLITS.items():
            reply = driver.do(f"split topic={quote(topic)}")
            fields = dict(reply.fields)
            self.assertEqual(fields["n"], str(len(levels)))
            self.assertEqual(fields["levels"].split(","), levels, topic)
        driver.refuse("split topic=", "invalid")
        driver.refuse("split", "invalid")

    def test_match(self):
        driver = self.driver()
        for topic_filter, answers in MATCHES.items():
            for yes, topics in answers.items():
                for topic in topics:
                    reply = driver.do(f"match topic={quote(topic)} filter={quote(topic_filter)}")
                    self.assertEqual(reply["yes"], str(yes), (topic_filter, topic))

    def test_no_filters_and_no_topics(self):
        driver = self.driver()
        for bad in ("a#", "#/a", "a/#/b", "a+", "+a/b", "a/+b", "sport/tennis#", "", "a\0"):
            driver.refuse(f"match topic=a filter={quote(bad)}", "invalid")
        for bad in ("a/+", "#", "", "a\0"):
            driver.refuse(f"match topic={quote(bad)} filter=a", "invalid")


class Authentication(Case):
    """AUTH (5.0 section 4.12)."""

    new = "id=a prop.authentication-method=SCRAM prop.authentication-data=%01"

    def start(self):
        driver, server = self.driver(), self.server()
        self.prepare(driver, server, f"ver=5 {self.new}")
        driver.do(f"connect host=localhost port={server.port}")
        peer = server.accept()
        peer.expect(wire.connect(5, "a", props=[
            ("authentication-method", "SCRAM"), ("authentication-data", b"\x01")]))
        return driver, peer

    method = ("authentication-method", "SCRAM")

    def step(self, peer, code, data):
        peer.send(wire.auth(code, [self.method, ("authentication-data", data)]))

    def test_whole(self):
        driver, peer = self.start()
        for number in (2, 4):
            self.step(peer, 0x18, bytes([number]))
            event = driver.event("auth", rc=24)
            self.assertEqual(event.bytes("prop.authentication-data"), bytes([number]))
            self.assertEqual(event["prop.authentication-method"], "SCRAM")
            driver.do(f"auth prop.authentication-method=SCRAM "
                      f"prop.authentication-data=%0{number + 1}")
            peer.expect(wire.auth(0x18, [
                self.method, ("authentication-data", bytes([number + 1]))]))
        peer.send(wire.connack(5, 0, 0, [self.method, ("authentication-data", b"\x06")]))
        event = driver.event("connected")
        self.assertEqual(event.bytes("prop.authentication-data"), b"\x06")
        # Again, over the same connection.
        driver.do("auth prop.authentication-method=SCRAM prop.authentication-data=%07")
        peer.expect(wire.auth(0x19, [self.method, ("authentication-data", b"\x07")]))
        self.step(peer, 0x18, b"\x08")
        driver.event("auth", rc=24)
        driver.do("auth prop.authentication-method=SCRAM prop.authentication-data=%09")
        peer.expect(wire.auth(0x18, [self.method, ("authentication-data", b"\x09")]))
        self.step(peer, 0, b"\x0a")
        driver.event("auth", rc=0)
        self.assertEqual(peer.fence(driver, 5), [])

    def test_refused(self):
        driver, peer = self.start()
        self.step(peer, 0x18, b"")
        driver.event("auth")
        driver.do("auth prop.authentication-method=SCRAM")
        peer.packet()
        peer.send(wire.connack(5, 0x87))
        driver.event("connect-failed", kind="refused", rc=0x87)

    def test_refused_later(self):
        driver, peer = self.start()
        peer.send(wire.connack(5, 0, 0, [self.method]))
        driver.event("connected")
        driver.do("auth prop.authentication-method=SCRAM")
        peer.packet()
        peer.send(wire.disconnect(0x87))
        driver.event("closed", by="peer", reason="0x87")

    @each({"other": ("prop.authentication-method=PLAIN",), "none": ("",),
           "alien": ("prop.authentication-method=SCRAM prop.topic-alias=1",)})
    def test_bad(self, keys):
        driver, peer = self.start()
        self.step(peer, 0x18, b"")
        driver.event("auth")
        driver.refuse(f"auth {keys}", "invalid")

    def test_another_method_of_the_server(self):
        driver, peer = self.start()
        peer.send(wire.auth(0x18, [("authentication-method", "PLAIN")]))
        driver.event("connect-failed", kind="protocol")

    @each({"4": (4,), "5": (5,)})
    def test_not_without_a_method(self, ver):
        driver, _, peer = self.online(ver)
        driver.refuse("auth prop.authentication-method=X")
        self.assertEqual(peer.fence(driver, ver), [])


class Pure(Case):
    """Without a transport: bytes and time come by commands."""

    def begin(self, ver, new="id=a"):
        driver = self.driver()
        driver.do(f"new ver={ver} io=none {new}")
        driver.do("connect")
        return driver

    def feed(self, driver, *packets):
        driver.do("feed hex=" + b"".join(packets).hex())

    def out(self, driver):
        return bytes.fromhex(driver.event("out")["hex"])

    @across()
    def test_exchange(self, ver, link):
        driver = self.begin(ver)
        self.assertEqual(self.out(driver), wire.connect(ver, "a"))
        self.feed(driver, wire.connack(ver))
        driver.event("connected")
        driver.do("pub topic=a payload=x qos=1")
        self.assertEqual(self.out(driver), publish(ver, "a", "x", 1, 1))
        self.feed(driver, answer(PUBACK, 1))
        driver.event("published", mid=1)
        for byte in publish(ver, "b", "y", 2, 5):
            self.feed(driver, bytes([byte]))
        driver.event("msg", topic="b")
        self.assertEqual(self.out(driver), answer(PUBREC, 5))
        self.feed(driver, answer(PUBREL, 5))
        self.assertEqual(self.out(driver), answer(PUBCOMP, 5))
        driver.do("disconnect")
        self.assertEqual(self.out(driver), wire.disconnect())

    @across()
    def test_time_is_virtual(self, ver, link):
        driver = self.begin(ver, "id=a keepalive=100")
        self.out(driver)
        driver.event("timer")
        self.feed(driver, wire.connack(ver))
        self.assertEqual(driver.event("timer")["at-ms"], "100000")
        driver.do("tick ms=99999")
        self.assertFalse(driver.has("out"))
        driver.do("tick ms=1")
        self.assertEqual(self.out(driver), b"\xc0\x00")
        driver.event("timer")
        self.feed(driver, b"\xd0\x00")
        driver.do("tick ms=100000")
        self.assertEqual(self.out(driver), b"\xc0\x00")
        driver.do("tick ms=60000")
        driver.event("closed", by="keepalive")

    def test_connack_in_time(self):
        driver = self.begin(4)
        at = driver.event("timer").number("at-ms")
        driver.do(f"tick ms={at}")
        driver.event("connect-failed", kind="timeout")

    @across()
    def test_faults(self, ver, link):
        driver = self.begin(ver)
        self.out(driver)
        self.feed(driver, wire.connack(ver))
        driver.event("connected")
        self.feed(driver, b"\x00\x00")
        driver.event("closed", by="protocol")
        if ver == 5:
            self.assertEqual(self.out(driver), wire.disconnect(0x81))

    @each({"odd": ("feed hex=0",), "word": ("feed hex=xy",), "none": ("feed",),
           "ms": ("tick",), "sign": ("tick ms=-1",)})
    def test_bad(self, command):
        driver = self.begin(4)
        driver.refuse(command, "invalid")

    def test_only_without_a_transport(self):
        driver, _, _ = self.online(4)
        driver.refuse("feed hex=d000")
        driver.refuse("tick ms=1")
