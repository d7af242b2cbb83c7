"""The same client against Mosquitto, over all its links and in all versions."""

from judge.case import Case, certificates, each
from judge.driver import quote
from judge.mosquitto import Mosquitto

LINKS = ("tcp", "tls", "mutual", "ws", "wss", "unix")


class WithMosquitto(Case):
    """One broker for all scenarios of the class: topics and names are each scenario's own."""

    def setUp(self):
        super().setUp()
        self.broker = Mosquitto()
        self.addCleanup(self.broker.remove)
        self.broker.start()

    def client(self, ver, link, keys="", commands=(), host="localhost"):
        """A client that is connected."""
        driver = self.driver()
        driver.do(f"new ver={ver} {keys}")
        folder = certificates()
        if link in ("tls", "wss", "mutual"):
            more = ""
            if link == "mutual":
                more = (f" cert={quote(str(folder / 'client.pem'))}"
                        f" key={quote(str(folder / 'client.key'))}")
            driver.do(f"tls ca={quote(str(folder / 'ca.pem'))}{more}")
        if link in ("ws", "wss"):
            driver.do("transport kind=ws path=/mqtt")
        if link == "unix":
            driver.do(f"transport kind=unix path={quote(str(self.broker.socket))}")
        for command in commands:
            driver.do(command)
        port = self.broker.ports.get(link, 0)
        driver.do(f"connect host={host} port={port}")
        driver.event("connected")
        return driver


ALL = {f"{ver}_{link}": (ver, link) for ver in (3, 4, 5) for link in LINKS}


class Mosquittos(WithMosquitto):
    """Scenarios with a real broker."""

    @each(ALL)
    def test_there_and_back(self, ver, link):
        driver = self.client(ver, link, "id=one")
        driver.do("sub topic=t/%23 qos=2")
        driver.event("suback", rc="2")
        for qos in (0, 1, 2):
            # 2.0.11 sends some 40 KB a second over a WebSocket; 2.1 takes up to 2,000,000 bytes.
            for size in (0, 1, 200, 20_000) if link in ("ws", "wss") else (0, 1, 200, 1_900_000):
                mid = driver.do(f"pub topic=t/{qos} size={size} qos={qos}")["mid"]
                driver.event("published", mid=mid, qos=qos, rc=0)
                event = driver.event("msg", 30, topic=f"t/{qos}", qos=qos)
                self.assertEqual(event.bytes("payload"), b"x" * size)
        data = bytes(range(256))
        driver.do(f"pub topic=t/bytes payload={quote(data)} qos=1")
        self.assertEqual(driver.event("msg", topic="t/bytes").bytes("payload"), data)
        driver.do("unsub topic=t/%23")
        driver.event("unsuback")
        driver.do("disconnect")
        driver.event("closed", by="local")

    @each({f"{ver}": (ver,) for ver in (3, 4, 5)})
    def test_retained(self, ver):
        driver = self.client(ver, "tcp", "id=a")
        driver.do("pub topic=r payload=kept retain=1 qos=1")
        driver.event("published")
        driver.do("sub topic=r qos=1")
        driver.event("msg", topic="r", retain=1, payload="kept")
        driver.do("pub topic=r payload= retain=1 qos=1")
        driver.event("msg", topic="r", payload="")
        other = self.client(ver, "tcp", "id=b")
        other.do("sub topic=r")
        other.event("suback")
        self.assertFalse(other.has("msg"))

    @each({f"{ver}": (ver,) for ver in (3, 4, 5)})
    def test_will(self, ver):
        watcher = self.client(ver, "tcp", "id=watcher")
        watcher.do("sub topic=will qos=1")
        watcher.event("suback")
        dying = self.client(ver, "tcp", "id=dying",
                            ["will topic=will payload=gone qos=1 retain=1"])
        dying.do("abort")
        watcher.event("msg", topic="will", payload="gone")
        leaving = self.client(ver, "tcp", "id=leaving", ["will topic=will payload=left"])
        leaving.do("disconnect")
        leaving.event("closed", by="local")
        if ver == 5:
            leaving = self.client(5, "tcp", "id=l2", ["will topic=will payload=wanted"])
            leaving.do("disconnect reason=4")
            watcher.event("msg", topic="will", payload="wanted")
        watcher.do("pub topic=will payload=end")
        watcher.event("msg", topic="will", payload="end")
        self.assertFalse(watcher.has("msg"))

    @each({f"{ver}": (ver,) for ver in (3, 4, 5)})
    def test_kept_session(self, ver):
        keys = "id=kept clean=0" + (" prop.session-expiry-interval=100" if ver == 5 else "")
        driver = self.client(ver, "tcp", keys)
        driver.do("sub topic=q qos=2")
        driver.event("suback")
        driver.do("disconnect")
        driver.event("closed", by="local")
        other = self.client(ver, "tcp", "id=other")
        for number in range(20):
            other.do(f"pub topic=q payload={number} qos={1 + number % 2}")
        for number in range(20):
            other.event("published")
        driver.do("reconnect")
        driver.event("connected", sp=int(ver > 3))
        for number in range(20):
            driver.event("msg", payload=number)

    @each({f"{ver}": (ver,) for ver in (3, 4, 5)})
    def test_broker_restarts(self, ver):
        driver = self.client(ver, "tcp", "id=a", [
            "auto on=1 min-ms=50 max-ms=200 jitter=none"])
        driver.do("sub topic=t qos=1")
        driver.event("suback")
        self.broker.stop()
        driver.event("closed")
        for number in range(10):
            self.assertEqual(driver.do(f"pub topic=t payload={number} qos=1")["queued"], "1")
        self.broker.start()
        driver.event("connected")
        driver.event("suback")
        for number in range(10):
            driver.event("msg", payload=number)

    def test_login(self):
        good = self.client(4, "login", f"id=a user=judge pass={quote('pa ss:word')}")
        good.do("pub topic=a qos=1")
        good.event("published")
        for ver, code in ((3, 5), (4, 5), (5, 0x87)):
            driver = self.driver()
            driver.do(f"new ver={ver} id=a user=judge pass=wrong")
            driver.do(f"connect host=127.0.0.1 port={self.broker.ports['login']}")
            driver.event("connect-failed", kind="refused", rc=code)
            self.assertNotIn(b"wrong", driver.complaints)

    def test_taken_over(self):
        first = self.client(5, "tcp", "id=same")
        self.client(5, "tcp", "id=same")
        # 2.0.11 does not say DISCONNECT.
        first.event("closed", by="peer")

    def test_request_and_response(self):
        server, asker = self.client(5, "tcp", "id=s"), self.client(5, "ws", "id=q")
        server.do("sub topic=request qos=1")
        asker.do("sub topic=answer/q qos=1")
        server.event("suback")
        asker.event("suback")
        asker.do("pub topic=request payload=? qos=1 prop.response-topic=answer/q "
                 "prop.correlation-data=%00%01 prop.user-property=a:b prop.content-type=x/y")
        event = server.event("msg", topic="request")
        self.assertEqual(event.bytes("prop.correlation-data"), b"\0\1")
        self.assertEqual(event["prop.user-property"], "a:b")
        server.do(f"pub topic={event['prop.response-topic']} payload=! qos=1 "
                  "prop.correlation-data=%00%01")
        self.assertEqual(asker.event("msg", payload="!").bytes("prop.correlation-data"), b"\0\1")

    def test_subscription_options(self):
        driver = self.client(5, "tcp", "id=a")
        driver.do("pub topic=o payload=kept retain=1 qos=1")
        driver.event("published")
        driver.do("sub topic=o qos=1 opts=nl,rap,rh=2 prop.subscription-identifier=5")
        driver.event("suback", rc="1")
        driver.do("pub topic=o payload=own qos=1")
        driver.event("published")
        other = self.client(5, "tcp", "id=b")
        other.do("pub topic=o payload=others retain=1 qos=1")
        event = driver.event("msg")
        self.assertEqual((event["payload"], event["retain"]), ("others", "1"))
        self.assertEqual(event["prop.subscription-identifier"], "5")

    def test_topic_aliases(self):
        driver = self.client(5, "tcp", "id=a prop.topic-alias-maximum=10")
        driver.do("sub topic=a/%23")
        driver.event("suback")
        driver.do("pub topic=a/long/topic prop.topic-alias=1 payload=1")
        driver.do("pub topic= prop.topic-alias=1 payload=2")
        for payload in "12":
            driver.event("msg", topic="a/long/topic", payload=payload)

    def test_assigned_identifier(self):
        driver = self.driver()
        driver.do("new ver=5 clean=1")
        driver.do(f"connect host=localhost port={self.broker.ports['tcp']}")
        self.assertTrue(driver.event("connected")["prop.assigned-client-identifier"])

    def test_refusals_of_subscriptions_are_told(self):
        driver = self.client(4, "tcp", "id=a")
        driver.do("sub topic=$share/g/t qos=1")
        driver.event("suback")

    def test_many_messages_at_once(self):
        sender, taker = self.client(5, "tcp", "id=s"), self.client(5, "tcp", "id=r")
        taker.do("sub topic=m qos=2")
        taker.event("suback")
        total = 3_000
        sender.write("".join(f"pub topic=m payload={n} qos={n % 3}\n" for n in range(total)))
        last = {0: -1, 1: -1, 2: -1}
        for _ in range(total):
            event = taker.event("msg", 60)
            qos, number = event.number("qos"), int(event["payload"])
            self.assertGreater(number, last[qos])
            last[qos] = number

    def test_keep_alive_holds_the_connection(self):
        driver = self.client(4, "tcp", "id=a keepalive=1")
        import time
        time.sleep(3)
        driver.do("pub topic=a qos=1")
        driver.event("published")
        self.assertFalse(driver.has("closed"))
