"""CONNECT and CONNACK: what is sent, byte for byte, and what is made of the answer."""

from judge import wire
from judge.case import Case, across, each
from judge.driver import quote

CONNECT_PROPERTIES = [
    ("session-expiry-interval", 3600), ("receive-maximum", 10), ("maximum-packet-size", 100_000),
    ("topic-alias-maximum", 5), ("request-response-information", 1),
    ("request-problem-information", 0), ("user-property", ("k", "v")),
    ("user-property", ("k", "w")), ("authentication-method", "PLAIN"),
    ("authentication-data", b"\x00a\xff")]

WILL_PROPERTIES = [
    ("will-delay-interval", 5), ("payload-format-indicator", 1), ("message-expiry-interval", 60),
    ("content-type", "text/plain"), ("response-topic", "answer/to"),
    ("correlation-data", b"\x00\x01"), ("user-property", ("a", "b"))]


def listing(properties):
    """Properties as the line protocol has them."""
    out = ""
    for name, value in properties:
        if isinstance(value, tuple):
            value = f"{quote(value[0])}:{quote(value[1])}"
        elif not isinstance(value, int):
            value = quote(value)
        out += f" prop.{name}={value}"
    return out


LOGINS = {
    "none": ("", None, None), "user": ("user=u", "u", None), "both": ("user=u pass=p", "u", "p"),
    "empty": ("user= pass=", "", ""), "emptyuser": ("user= pass=x", "", "x"),
    "emptypass": ("user=u pass=", "u", ""), "bytes": ("user=%c3%a4 pass=%00%ff%20%3d%25",
                                                    "ä", b"\x00\xff =%")}


class Connect(Case):
    """CONNECT has what was asked for, in the order given, and nothing more."""

    def judge(self, ver, link, new, wanted, *commands):
        driver, server = self.driver(), self.server(link)
        self.prepare(driver, server, f"ver={ver} {new}", *commands)
        driver.do(f"connect host=localhost port={server.port}")
        peer = server.accept()
        peer.expect(wanted)
        peer.send(wire.connack(ver))
        event = driver.event("connected")
        self.assertEqual((event["rc"], event["sp"]), ("0", "0"))
        self.assertEqual(peer.fence(driver, ver), [])

    @across(links=("tcp", "tls", "ws", "wss", "unix"))
    def test_smallest(self, ver, link):
        self.judge(ver, link, "id=abc keepalive=30", wire.connect(ver, "abc", keepalive=30))

    @each({f"{name}_{ver}": (ver, *login) for name, login in LOGINS.items() for ver in (3, 4, 5)})
    def test_login(self, ver, keys, user, secret):
        self.judge(ver, "tcp", f"id=a {keys}", wire.connect(ver, "a", user=user, secret=secret))

    @each({f"{ver}_{qos}_{retain}_{clean}": (ver, qos, retain, clean) for ver in (3, 4, 5)
           for qos in (0, 1, 2) for retain in (0, 1) for clean in (0, 1)})
    def test_will(self, ver, qos, retain, clean):
        self.judge(
            ver, "tcp", f"id=a clean={clean} keepalive=0 user=u pass=p",
            wire.connect(ver, "a", clean, 0, "u", "p", ("w/t", b"\x00\xff", qos, retain, ())),
            f"will topic=w/t payload=%00%ff qos={qos} retain={retain}")

    @across()
    def test_will_of_no_bytes(self, ver, link):
        self.judge(ver, link, "id=a", wire.connect(ver, "a", will=("w", b"", 0, 0, ())),
                   "will topic=w payload=")

    @across()
    def test_will_cleared(self, ver, link):
        self.judge(ver, link, "id=a", wire.connect(ver, "a"), "will topic=w payload=x",
                   "will-clear")

    @across()
    def test_last_will_counts(self, ver, link):
        self.judge(ver, link, "id=a", wire.connect(ver, "a", will=("v", b"y", 1, 0, ())),
                   "will topic=w payload=x qos=2 retain=1", "will topic=v payload=y qos=1")

    def test_properties_in_the_order_given(self):
        for order in (CONNECT_PROPERTIES, CONNECT_PROPERTIES[::-1]):
            driver, server = self.driver(), self.server()
            self.prepare(driver, server, f"ver=5 id=a{listing(order)}")
            driver.do(f"connect host=localhost port={server.port}")
            server.accept().expect(wire.connect(5, "a", props=order))

    def test_will_properties_in_the_order_given(self):
        for order in (WILL_PROPERTIES, WILL_PROPERTIES[::-1]):
            self.judge(5, "tcp", "id=a",
                       wire.connect(5, "a", will=("w", "x", 1, 1, order)),
                       f"will topic=w payload=x qos=1 retain=1{listing(order)}")

    @across()
    def test_no_client_identifier(self, ver, link):
        if ver == 3:
            # 3.1 wants 1 to 23 characters, but says nothing of what a client is to do about it.
            return
        self.judge(ver, link, "clean=1", wire.connect(ver, ""))

    @each({"3": (3,), "4": (4,)})
    def test_no_client_identifier_for_a_kept_session(self, ver):
        driver = self.driver()
        driver.refuse(f"new ver={ver} clean=0", "invalid")

    def test_no_client_identifier_for_a_kept_session_in_5(self):
        self.judge(5, "tcp", "clean=0", wire.connect(5, "", clean=0))

    @across()
    def test_keep_alive_of_all_sizes(self, ver, link):
        for seconds in (0, 1, 65_535):
            self.judge(ver, link, f"id=a keepalive={seconds}",
                       wire.connect(ver, "a", keepalive=seconds))

    @across()
    def test_long_identifier_and_login(self, ver, link):
        name = "n" * (23 if ver == 3 else 60_000)
        self.judge(ver, link, f"id={name} user={'u' * 65_535} pass={'p' * 65_535}",
                   wire.connect(ver, name, user="u" * 65_535, secret="p" * 65_535))

    def test_new_forgets_the_client_before(self):
        driver, server = self.driver(), self.server()
        driver.do("new ver=5 id=a user=u prop.receive-maximum=3")
        driver.do("will topic=w payload=x")
        driver.do("new ver=4 id=b")
        driver.do(f"connect host=localhost port={server.port}")
        server.accept().expect(wire.connect(4, "b"))

    @each({
        "level": "ver=6", "level2": "ver=2", "keepalive": "ver=4 keepalive=65536", "sign":
        "keepalive=-1", "word": "keepalive=x", "clean": "clean=2", "name": "ver=4 id=a%00b",
        "utf8": "id=%ff", "surrogate": "id=%ed%a0%80", "user": "user=%c0%80",
        "long": "id=" + "a" * 65_536, "propertiesbefore5": "ver=4 id=a prop.receive-maximum=5",
        "unknown": "ver=5 prop.nonsense=5", "misplaced": "ver=5 prop.topic-alias=5",
        "zero": "ver=5 prop.receive-maximum=0", "large": "ver=5 prop.receive-maximum=65536",
        "twice": "ver=5 prop.receive-maximum=5 prop.receive-maximum=5",
        "range": "ver=5 prop.request-problem-information=2", "pair": "ver=5 prop.user-property=a",
        "data": "ver=5 prop.authentication-data=x", "secret": "ver=4 id=a pass=x"})
    def test_refused(self, *keys):
        self.driver().refuse("new " + "".join(keys), "invalid")

    def test_secret_alone_is_right_in_5(self):
        self.judge(5, "tcp", "id=a pass=x", wire.connect(5, "a", secret="x"))

    @each({
        "wildcard": "topic=a/%23", "plus": "topic=%2b", "none": "payload=x", "empty": "topic=",
        "qos": "topic=w qos=3", "nul": "topic=a%00", "utf8": "topic=%ff",
        "long": "topic=w payload=" + "x" * 65_536})
    def test_will_refused(self, *keys):
        driver = self.driver()
        driver.do("new ver=4 id=a")
        driver.refuse("will " + "".join(keys), "invalid")


CODES = {3: range(1, 6), 4: range(1, 6), 5: [
    0x80, 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x8C, 0x90, 0x95, 0x97, 0x99,
    0x9A, 0x9B, 0x9C, 0x9D, 0x9F]}

CONNACK_PROPERTIES = [
    ("session-expiry-interval", 7), ("receive-maximum", 9), ("maximum-qos", 1),
    ("retain-available", 0), ("maximum-packet-size", 5_000),
    ("assigned-client-identifier", "ä b"), ("topic-alias-maximum", 3), ("reason-string", "well"),
    ("user-property", ("a:b", "c=d")), ("user-property", ("e", "")),
    ("wildcard-subscription-available", 0), ("subscription-identifier-available", 0),
    ("shared-subscription-available", 0), ("server-keep-alive", 11),
    ("response-information", "i"), ("server-reference", "other")]


def said(name, value):
    """A property's value as an event tells it, decoded."""
    if isinstance(value, tuple):
        return f"{value[0]}:{value[1]}"
    return str(value)


class ConnAck(Case):
    """What the server's answer leads to."""

    @each({f"{ver}_{code}": (ver, code) for ver, codes in CODES.items() for code in codes})
    def test_refused(self, ver, code):
        driver, server = self.driver(), self.server()
        self.prepare(driver, server, f"ver={ver} id=a")
        driver.do(f"connect host=localhost port={server.port}")
        peer = server.accept()
        peer.login(ver, code)
        event = driver.event("connect-failed")
        self.assertEqual((event["kind"], event["rc"]), ("refused", str(code)))
        self.assertEqual(peer.end(), b"")
        self.assertFalse(driver.has("connected"))

    def test_properties_of_success(self):
        driver, server = self.driver(), self.server()
        self.prepare(driver, server, "ver=5 id=")
        driver.do(f"connect host=localhost port={server.port}")
        server.accept().login(5, 0, 0, CONNACK_PROPERTIES)
        event = driver.event("connected")
        names = [name for name, _ in event.properties()]
        self.assertEqual(names, [name for name, _ in CONNACK_PROPERTIES])
        for name, value in CONNACK_PROPERTIES[:8]:
            self.assertEqual(event[f"prop.{name}"], said(name, value))
        pairs = [value for name, value in event.properties() if name == "user-property"]
        self.assertEqual(pairs, ["a%3ab:c%3dd", "e:"])

    def test_properties_of_refusal(self):
        driver, server = self.driver(), self.server()
        self.prepare(driver, server, "ver=5 id=a")
        driver.do(f"connect host=localhost port={server.port}")
        server.accept().login(5, 0x9D, 0, [
            ("reason-string", "moved"), ("server-reference", "b.example:1883")])
        event = driver.event("connect-failed", kind="refused", rc=0x9D)
        self.assertEqual(event["prop.reason-string"], "moved")
        self.assertEqual(event["prop.server-reference"], "b.example:1883")

    @each({"3": (3,), "4": (4,), "5": (5,)})
    def test_session_present(self, ver):
        if ver == 3:
            return
        driver, server = self.driver(), self.server()
        self.prepare(driver, server, f"ver={ver} id=a clean=0")
        driver.do(f"connect host=localhost port={server.port}")
        server.accept().login(ver, 0, 1)
        driver.event("connected", sp=1)

    @each({"4": (4,), "5": (5,)})
    def test_session_present_where_none_may_be(self, ver):
        driver, server = self.driver(), self.server()
        self.prepare(driver, server, f"ver={ver} id=a clean=1")
        driver.do(f"connect host=localhost port={server.port}")
        peer = server.accept()
        peer.login(ver, 0, 1)
        driver.event("connect-failed", kind="protocol")
        peer.end()

    def test_a_server_of_3_refuses_5(self):
        driver, server = self.driver(), self.server()
        self.prepare(driver, server, "ver=5 id=a")
        driver.do(f"connect host=localhost port={server.port}")
        peer = server.accept()
        peer.packet()
        peer.send(bytes([0x20, 2, 0, 1]))
        driver.event("connect-failed", kind="refused", rc=1)

    @each({f"{ver}_{name}": (ver, data) for ver in (3, 4, 5) for name, data in {
        "garbage": b"\xff" * 20, "http": b"HTTP/1.1 400 Bad Request\r\n\r\n",
        "pingresp": b"\xd0\x00", "publish": wire.publish(4, "a"), "suback": wire.suback(4, 1, [0]),
        "flags": b"\x21\x02\x00\x00", "length": b"\x20\xff\xff\xff\xff\x01", "zero": b"\x00\x00",
        "short": b"\x20\x01\x00", "reserved": b"\x20\x02\x02\x00", "code": b"\x20\x03\x00\x07\x00",
        "client": wire.connect(4, "x")}.items() if (ver, name) != (3, "reserved")})
    def test_nonsense_instead(self, ver, data):
        driver, server = self.driver(), self.server()
        self.prepare(driver, server, f"ver={ver} id=a")
        driver.do(f"connect host=localhost port={server.port}")
        peer = server.accept()
        peer.packet()
        peer.send(data)
        driver.event("connect-failed", kind="protocol")
        peer.end()
        self.again(driver)

    @across()
    def test_one_byte_at_a_time(self, ver, link):
        driver, server = self.driver(), self.server(link)
        self.prepare(driver, server, f"ver={ver} id=a")
        driver.do(f"connect host=localhost port={server.port}")
        peer = server.accept()
        peer.packet()
        for byte in wire.connack(ver):
            peer.send(bytes([byte]))
        driver.event("connected")

    @across()
    def test_closed_instead(self, ver, link):
        driver, server = self.driver(), self.server(link)
        self.prepare(driver, server, f"ver={ver} id=a")
        driver.do(f"connect host=localhost port={server.port}")
        peer = server.accept()
        peer.packet()
        peer.close()
        driver.event("connect-failed", kind="tcp")
        self.again(driver)

    @across()
    def test_message_right_behind_it(self, ver, link):
        driver, server = self.driver(), self.server(link)
        self.prepare(driver, server, f"ver={ver} id=a")
        driver.do(f"connect host=localhost port={server.port}")
        peer = server.accept()
        peer.login(ver, more=wire.publish(ver, "a", "x", 1, 7))
        driver.event("msg", mid=7, topic="a", payload="x", qos=1)
        peer.expect(wire.answer(wire.PUBACK, 7))

    def again(self, driver):
        """After a failure the client serves as before."""
        server = self.server()
        driver.do("new ver=4 id=z")
        driver.do(f"connect host=localhost port={server.port}")
        server.accept().login(4)
        driver.event("connected")
