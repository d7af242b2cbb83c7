"""SUBSCRIBE and UNSUBSCRIBE."""

from judge import wire
from judge.case import Case, across, each


class Subscribe(Case):
    """What is asked of the server, and what it says."""

    @across(links=("tcp", "ws", "tls"))
    def test_one_filter(self, ver, link):
        driver, _, peer = self.online(ver, link)
        for mid, qos in enumerate((0, 1, 2), 1):
            self.assertEqual(driver.do(f"sub topic=a/%2b/%23 qos={qos}")["mid"], str(mid))
            peer.expect(wire.subscribe(ver, mid, [("a/+/#", qos)]))
            peer.send(wire.suback(ver, mid, [qos]))
            driver.event("suback", mid=mid, rc=str(qos))

    @across()
    def test_several_filters(self, ver, link):
        driver, _, peer = self.online(ver, link)
        driver.do("sub topic=a topic=b topic=c qos=1")
        peer.expect(wire.subscribe(ver, 1, [("a", 1), ("b", 1), ("c", 1)]))
        failure = 0x87 if ver == 5 else 0x80
        peer.send(wire.suback(ver, 1, [1, 0, failure if ver > 3 else 2]))
        self.assertEqual(driver.event("suback", mid=1)["rc"], f"1,0,{failure if ver > 3 else 2}")
        driver.do("sub topic=a qos=0 topic=b qos=2")
        peer.expect(wire.subscribe(ver, 2, [("a", 0), ("b", 2)]))
        driver.do("unsub topic=a topic=b")
        peer.expect(wire.unsubscribe(ver, 3, ["a", "b"]))
        peer.send(wire.unsuback(ver, 3, [0, 17]))
        event = driver.event("unsuback", mid=3)
        self.assertEqual(event["rc"], "0,17" if ver == 5 else "0")

    @each({"nl": ("nl", 4), "rap": ("rap", 8), "rh1": ("rh=1", 16), "rh2": ("rh2", 32),
           "all": ("nl,rap,rh=2", 44), "escaped": ("nl%2crap", 12), "byte": ("0x2c", 44),
           "number": ("44", 44)})
    def test_options(self, text, byte):
        driver, _, peer = self.online(5)
        driver.do(f"sub topic=a qos=1 opts={text}")
        peer.expect(wire.subscribe(5, 1, [("a", byte | 1)]))

    def test_properties(self):
        driver, _, peer = self.online(5)
        props = [("subscription-identifier", 268_435_455), ("user-property", ("a", "b"))]
        driver.do("sub topic=a prop.subscription-identifier=268435455 prop.user-property=a:b")
        peer.expect(wire.subscribe(5, 1, [("a", 0)], props))
        peer.send(wire.suback(5, 1, [0], [("reason-string", "s"), ("user-property", ("x", "y"))]))
        event = driver.event("suback", mid=1)
        self.assertEqual(event.properties(), [("reason-string", "s"), ("user-property", "x:y")])
        driver.do("unsub topic=a prop.user-property=a:b")
        peer.expect(wire.unsubscribe(5, 2, ["a"], [("user-property", ("a", "b"))]))
        peer.send(wire.unsuback(5, 2, [0x11], [("reason-string", "u")]))
        event = driver.event("unsuback", mid=2, rc="17")
        self.assertEqual(event["prop.reason-string"], "u")

    @each({f"{ver}_{name}": (ver, command) for ver in (3, 4, 5) for name, command in {
        "hash": "sub topic=a%23", "hash2": "sub topic=%23/a", "plus": "sub topic=a%2b",
        "empty": "sub topic=", "none": "sub qos=1", "qos": "sub topic=a qos=3", "nul":
        "sub topic=a%00", "utf8": "sub topic=%ff", "unsub": "unsub topic=a%23", "unsubnone":
        "unsub", "options": "sub topic=a opts=bogus"}.items()})
    def test_refused(self, ver, command):
        driver, _, peer = self.online(ver)
        driver.refuse(command, "invalid")
        self.assertEqual(peer.fence(driver, ver), [])
        self.assertEqual(driver.do("sub topic=a")["mid"], "1")

    @each({"nl": ("sub topic=a opts=nl",), "id": ("sub topic=a prop.subscription-identifier=1",)})
    def test_no_options_before_5(self, command):
        driver, _, peer = self.online(4)
        driver.refuse(command, "invalid")
        self.assertEqual(peer.fence(driver, 4), [])

    @each({"zero": ("prop.subscription-identifier=0",),
           "large": ("prop.subscription-identifier=268435456",),
           "alien": ("prop.topic-alias=1",), "sharednl": ("opts=nl",)})
    def test_bad_in_5(self, keys):
        driver, _, peer = self.online(5)
        driver.refuse(f"sub topic=$share/g/a {keys}", "invalid")
        self.assertEqual(peer.fence(driver, 5), [])

    def test_shared(self):
        driver, _, peer = self.online(5)
        driver.do("sub topic=$share/group/a/%23 qos=1")
        peer.expect(wire.subscribe(5, 1, [("$share/group/a/#", 1)]))

    @each({"wildcard": ("wildcard-subscription-available", "topic=a/%23"),
           "plus": ("wildcard-subscription-available", "topic=%2b"),
           "shared": ("shared-subscription-available", "topic=$share/g/a"),
           "identifier": ("subscription-identifier-available",
                          "topic=a prop.subscription-identifier=5")})
    def test_what_the_server_has_not(self, limit, keys):
        driver, _, peer = self.online(5, props=[(limit, 0)])
        driver.refuse(f"sub {keys}")
        self.assertEqual(peer.fence(driver, 5), [])
        self.assertEqual(driver.do("sub topic=a")["mid"], "1")

    @across()
    def test_no_connection(self, ver, link):
        driver = self.driver()
        driver.do(f"new ver={ver} id=a")
        driver.refuse("sub topic=a", "no-conn")
        driver.refuse("unsub topic=a", "no-conn")

    @across()
    def test_unsolicited_answers_change_nothing(self, ver, link):
        driver, _, peer = self.online(ver, link)
        driver.do("sub topic=a")
        peer.packet()
        peer.send(wire.unsuback(ver, 1, [0]), wire.unsuback(ver, 9, [0]))
        self.assertEqual(peer.fence(driver, ver), [])
        self.assertFalse(driver.has("unsuback"))
        peer.send(wire.suback(ver, 1, [0]))
        driver.event("suback", mid=1)

    @across()
    def test_too_few_codes(self, ver, link):
        driver, _, peer = self.online(ver, link)
        driver.do("sub topic=a topic=b")
        peer.packet()
        peer.send(wire.suback(ver, 1, [0]))
        event = driver.event("closed", by="protocol")
        if ver == 5:
            self.assertEqual(event["reason"], "0x82")
        self.assertEqual(peer.end(), wire.disconnect(0x82) if ver == 5 else b"")
