"""Scenarios that any broker should pass, for `brokers`."""

import itertools
import time

from judge.driver import Driver, quote

_names = itertools.count(1)


class World:
    """A broker, a version and a link; makes clients, and ends them."""

    def __init__(self, broker, ver, link):
        self.broker, self.ver, self.link = broker, ver, link
        self.drivers = []
        self.name = f"j{next(_names)}"

    def client(self, keys="", commands=(), name=None, clean=1):
        """A client that is connected."""
        driver = Driver()
        self.drivers.append(driver)
        name = name or f"j{next(_names)}"
        driver.do(f"new ver={self.ver} id={name} clean={clean}{self.broker.login} {keys}")
        if self.link == "ws":
            driver.do(f"transport kind=ws path={self.broker.web_path}")
        for command in commands:
            driver.do(command)
        driver.do(f"connect host=127.0.0.1 port={self.broker.ports[self.link]}")
        driver.event("connected")
        return driver

    def subscriber(self, topic, qos=1, **options):
        """A client that has subscribed."""
        driver = self.client(**options)
        driver.do(f"sub topic={quote(topic)} qos={qos}")
        driver.event("suback")
        return driver

    def close(self):
        """Ends all clients."""
        for driver in self.drivers:
            driver.close()


def there_and_back(world, qos):
    """A message comes back as it was."""
    driver = world.subscriber(world.name, qos)
    data = bytes(range(256)) * 4
    mid = driver.do(f"pub topic={world.name} payload={quote(data)} qos={qos}")["mid"]
    driver.event("published", mid=mid, rc=0)
    assert driver.event("msg", topic=world.name, qos=qos).bytes("payload") == data
    driver.do("disconnect")
    driver.event("closed", by="local")


def quality_0(world):
    """QoS 0."""
    there_and_back(world, 0)


def quality_1(world):
    """QoS 1."""
    there_and_back(world, 1)


def quality_2(world):
    """QoS 2."""
    there_and_back(world, 2)


def large(world):
    """60 KB, as much as all of them take by default."""
    driver = world.subscriber(world.name)
    driver.do(f"pub topic={world.name} size=60000 qos=1")
    assert len(driver.event("msg", 30).bytes("payload")) == 60_000


def order(world):
    """Messages of each QoS keep their order."""
    driver = world.subscriber(world.name, 2)
    driver.write("".join(f"pub topic={world.name} payload={n} qos={n % 3}\n" for n in range(60)))
    last = [-1, -1, -1]
    for _ in range(60):
        event = driver.event("msg")
        qos, number = event.number("qos"), int(event["payload"])
        assert number > last[qos], event
        last[qos] = number


def retained(world):
    """A kept message comes to whoever subscribes later, until it is cleared."""
    driver = world.client()
    driver.do(f"pub topic={world.name} payload=kept qos=1 retain=1")
    driver.event("published")
    later = world.subscriber(world.name)
    later.event("msg", payload="kept", retain=1)
    driver.do(f"pub topic={world.name} payload= qos=1 retain=1")
    driver.event("published")
    third = world.subscriber(world.name)
    third.do(f"pub topic={world.name} payload=end qos=1")
    third.event("msg", payload="end")
    assert not third.has("msg")


def wildcards(world):
    """+ and # match what they should."""
    driver = world.subscriber(f"{world.name}/+/x/#")
    for topic, comes in (("a/x", 1), ("a/y", 0), ("a/x/b/c", 1), ("a/b/x", 0)):
        driver.do(f"pub topic={world.name}/{topic} payload={comes} qos=1")
    driver.event("msg", topic=f"{world.name}/a/x")
    driver.event("msg", topic=f"{world.name}/a/x/b/c")
    driver.do(f"pub topic={world.name}/e/x payload=1 qos=1")
    driver.event("msg", topic=f"{world.name}/e/x")
    assert not driver.has("msg")


def unsubscribed(world):
    """After UNSUBSCRIBE nothing more comes."""
    driver = world.subscriber(world.name)
    driver.do(f"unsub topic={world.name}")
    driver.event("unsuback")
    driver.do(f"pub topic={world.name} qos=1")
    driver.event("published")
    driver.do(f"sub topic={world.name}2 qos=1")
    driver.event("suback")
    driver.do(f"pub topic={world.name}2 qos=1")
    driver.event("msg", topic=f"{world.name}2")
    assert not driver.has("msg")


def will(world):
    """The will comes when a client is lost, and not when it leaves."""
    watcher = world.subscriber(world.name)
    lost = world.client(commands=[f"will topic={world.name} payload=lost qos=1"])
    lost.do("abort")
    watcher.event("msg", payload="lost")
    left = world.client(commands=[f"will topic={world.name} payload=left qos=1"])
    left.do("disconnect")
    left.event("closed")
    watcher.do(f"pub topic={world.name} payload=end qos=1")
    watcher.event("msg", payload="end")
    assert not watcher.has("msg")


def kept_session(world):
    """Messages wait for a client that is away."""
    keys = "prop.session-expiry-interval=600" if world.ver == 5 else ""
    driver = world.subscriber(world.name, 1, keys=keys, clean=0)
    driver.do("disconnect")
    driver.event("closed")
    other = world.client()
    for number in range(5):
        other.do(f"pub topic={world.name} payload={number} qos=1")
        other.event("published")
    driver.do("reconnect")
    event = driver.event("connected")
    assert world.ver == 3 or event["sp"] == "1", event
    for number in range(5):
        driver.event("msg", payload=number)


def keep_alive(world):
    """PINGREQ holds the connection."""
    driver = world.client("keepalive=1")
    time.sleep(3.2)
    assert driver.do("stat").number("pings") >= 2
    assert not driver.has("closed")


def comes_back(world):
    """Automatic reconnection, with what was published meanwhile."""
    driver = world.client(commands=["auto on=1 min-ms=50 max-ms=100 jitter=none"], name=world.name)
    driver.do(f"sub topic={world.name} qos=1")
    driver.event("suback")
    # Another client of the same name throws it out.
    other = world.client(name=world.name)
    driver.event("closed", by="peer")
    other.close()
    driver.event("connected")
    driver.do(f"pub topic={world.name} payload=back qos=1")
    driver.event("msg", payload="back")


def properties(world):
    """5.0: properties come through, request and response."""
    if world.ver < 5:
        return "5.0 only"
    driver = world.subscriber(world.name)
    driver.do(f"pub topic={world.name} qos=1 prop.user-property=a:b prop.content-type=c/t "
              "prop.response-topic=r prop.correlation-data=%00%01 prop.payload-format-indicator=1 "
              "prop.message-expiry-interval=100")
    event = driver.event("msg")
    assert event["prop.user-property"] == "a:b", event
    assert event.bytes("prop.correlation-data") == b"\0\1", event
    assert event["prop.response-topic"] == "r" and event["prop.content-type"] == "c/t", event
    return None


def options(world):
    """5.0: No Local, subscription identifiers."""
    if world.ver < 5:
        return "5.0 only"
    driver = world.client()
    driver.do(f"sub topic={world.name} qos=1 opts=nl prop.subscription-identifier=9")
    driver.event("suback")
    driver.do(f"pub topic={world.name} payload=own qos=1")
    driver.event("published")
    other = world.client()
    other.do(f"pub topic={world.name} payload=others qos=1")
    event = driver.event("msg")
    assert event["payload"] == "others" and event["prop.subscription-identifier"] == "9", event
    return None


def aliases(world):
    """5.0: topic aliases to the broker."""
    if world.ver < 5:
        return "5.0 only"
    driver = world.client()
    driver.do(f"sub topic={world.name}")
    driver.event("suback")
    reply = driver.ask(f"pub topic={world.name} payload=1 prop.topic-alias=1")
    if reply.kind == "err":
        return "it takes no aliases"
    driver.do("pub topic= payload=2 prop.topic-alias=1")
    driver.event("msg", payload=1)
    driver.event("msg", payload=2, topic=world.name)
    return None


SCENARIOS = [quality_0, quality_1, quality_2, large, order, retained, wildcards, unsubscribed, will,
             kept_session, keep_alive, comes_back, properties, options, aliases]
