"""The durable outbox: what outlives the client's process."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from judge.case import Case, across, each
from judge.driver import ROOT, quote
from judge.wire import PUBACK, PUBCOMP, PUBLISH, PUBREC, PUBREL, answer, publish

FAILING_MEDIUM = ROOT / "Tests/EndToEnd/harness/failing_medium.c"
SYNCS = {"always": ("always",), "batch": ("batch",)}


class Store(Case):
    """Messages in a file."""

    def setUp(self):
        super().setUp()
        self.folder = Path(tempfile.mkdtemp(prefix="judge-store-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.path = self.folder / "store"

    def keeping(self, server, ver=5, keys="", new="id=a"):
        """A client with the store, that is about to connect."""
        driver = self.driver()
        self.prepare(driver, server, f"ver={ver} {new}",
                     f"store path={quote(str(self.path))} {keys}")
        return driver

    def killed_and_back(self, driver, server):
        """Kills a client; what the next one on its journal says to the server."""
        self.kill(driver)
        return self.join(self.keeping(server), server, 5)

    def kill(self, driver):
        """kill -9."""
        os.kill(driver.child.pid, signal.SIGKILL)
        driver.end()

    def bodies(self, peer, count, ver=5):
        """Payloads of so many messages at QoS 1, each acknowledged."""
        got = []
        for _ in range(count):
            data = peer.packet()
            self.assertEqual(data[0] & 0xF0, PUBLISH)
            self.assertEqual(data[0] & 8, 0, "no DUP: a new session")
            got.append(payload(data, ver))
            peer.send(answer(PUBACK, packet_id(data)))
        return got

    @across()
    def test_offline_and_killed(self, ver, link):
        server = self.server(link)
        driver = self.keeping(server, ver)
        for number in range(1, 51):
            reply = driver.do(f"pub topic=t payload={number} qos=1")
            self.assertEqual((reply["mid"], reply["queued"]), (str(number), "1"))
        self.kill(driver)
        driver = self.keeping(server, ver)
        self.assertEqual(driver.event("store", state="recovered")["n"], "50")
        self.assertEqual(driver.do("stat")["stored"], "50")
        # New ones behind those of before.
        self.assertEqual(driver.do("pub topic=t payload=51 qos=1")["mid"], "51")
        peer = self.join(driver, server, ver)
        self.assertEqual(self.bodies(peer, 51, ver), [str(n) for n in range(1, 52)])
        for mid in range(1, 52):
            driver.event("published", mid=mid)
        self.assertEqual(driver.do("stat")["stored"], "0")

    @each(SYNCS)
    def test_what_is_settled_does_not_come_again(self, sync):
        server = self.server()
        driver = self.keeping(server, 5, f"sync={sync} batch-ms=50")
        peer = self.join(driver, server, 5)
        for number in range(3):
            driver.do(f"pub topic=t payload={number} qos=1")
        self.bodies(peer, 3)
        driver.do("pub topic=t payload=two qos=2")
        mid = packet_id(peer.packet())
        peer.send(answer(PUBREC, mid))
        peer.expect(answer(PUBREL, mid))
        peer.send(answer(PUBCOMP, mid))
        driver.event("published", qos=2)
        driver.do("quit")
        driver.end()
        driver = self.keeping(server)
        self.assertEqual(driver.do("stat")["stored"], "0")

    def test_unanswered_at_quality_2_begins_anew(self):
        server = self.server()
        driver = self.keeping(server)
        peer = self.join(driver, server, 5)
        driver.do("pub topic=t payload=x qos=2")
        peer.send(answer(PUBREC, packet_id(peer.packet())))
        peer.packet()
        self.killed_and_back(driver, server).expect(publish(5, "t", "x", 2, 1))

    def test_killed_while_draining(self):
        server = self.server()
        driver = self.keeping(server, 5, "window=8")
        for number in range(200):
            driver.do(f"pub topic=t payload={number} qos=1")
        got = []
        for _ in range(8):
            peer = self.join(driver, server, 5)
            got.append(self.bodies(peer, 20))
            self.kill(driver)
            peer.close()
            driver = self.keeping(server, 5, "window=8")
        peer = self.join(driver, server, 5)
        left = int(driver.do("stat")["stored"])
        got.append(self.bodies(peer, left))
        everything = [body for run in got for body in run]
        seen = list(dict.fromkeys(everything))
        self.assertEqual(seen, [str(number) for number in range(200)])
        # At each kill: those under way, and those whose end was not written yet.
        self.assertLessEqual(len(everything) - 200, 8 * (8 + 16))
        for run in got:
            self.assertEqual(run, sorted(run, key=int), "in order within each connection")

    def test_window_bounds_what_is_under_way(self):
        server = self.server()
        driver = self.keeping(server, 5, "window=3")
        for number in range(10):
            driver.do(f"pub topic=t payload={number} qos=1")
        peer = self.join(driver, server, 5)
        first = [peer.packet() for _ in range(3)]
        self.assertTrue(peer.timed_out(0.3))
        peer.send(answer(PUBACK, packet_id(first[0])))
        self.assertEqual(payload(peer.packet(), 5), "3")

    def test_full_refuses(self):
        driver = self.keeping(self.server(), 5, "max-msgs=3")
        for number in range(3):
            driver.do(f"pub topic=t payload={number} qos=1")
        driver.refuse("pub topic=t payload=3 qos=1", "queue-full")
        self.assertEqual(driver.do("stat")["stored"], "3")

    def test_full_drops_the_oldest(self):
        server = self.server()
        driver = self.keeping(server, 5, "max-msgs=3 drop=oldest")
        for number in range(5):
            driver.do(f"pub topic=t payload={number} qos=1 ref=r{number}")
        driver.event("dropped", why="full", ref="r0")
        driver.event("dropped", why="full", ref="r1")
        self.assertEqual(driver.do("stat")["displaced"], "2")
        self.kill(driver)
        driver = self.keeping(server, 5, "max-msgs=3 drop=oldest")
        peer = self.join(driver, server, 5)
        self.assertEqual(self.bodies(peer, 3), ["2", "3", "4"])

    @each({"refuse": ("newest",), "oldest": ("oldest",)})
    def test_full_of_bytes(self, drop):
        server = self.server()
        driver = self.keeping(server, 5, f"max-bytes=65536 drop={drop}")
        taken = [number for number in range(200)
                 if driver.ask(f"pub topic={number} size=1000 qos=1").kind == "ok"]
        stored = int(driver.do("stat")["stored"])
        self.assertGreater(stored, 35)
        self.assertEqual(os.path.getsize(self.path), 65536)
        if drop == "newest":
            self.assertEqual(taken, list(range(stored)))
        else:
            self.assertEqual(taken, list(range(200)))
        peer = self.killed_and_back(driver, server)
        got = [int(topic(peer_packet(peer))) for _ in range(stored)]
        self.assertEqual(got, taken[:stored] if drop == "newest" else taken[-stored:])

    def test_message_that_never_fits(self):
        driver = self.keeping(self.server(), 5, "max-bytes=65536")
        driver.refuse("pub topic=t size=20000 qos=1", "oversize")
        driver.do("pub topic=t size=13000 qos=1")

    def test_expiry(self):
        server = self.server()
        driver = self.keeping(server)
        driver.do("pub topic=t payload=1 qos=1 expiry=1 ref=one")
        driver.do("pub topic=t payload=2 qos=1 expiry=1")
        driver.do("pub topic=t payload=3 qos=1 expiry=100")
        driver.do("pub topic=t payload=4 qos=1 prop.message-expiry-interval=100 "
                  "prop.content-type=c")
        self.kill(driver)
        time.sleep(1.3)
        driver = self.keeping(server)
        driver.event("dropped", why="expired")
        driver.event("dropped", why="expired")
        self.assertEqual(driver.do("stat")["expired"], "2")
        peer = self.join(driver, server, 5)
        self.assertEqual(payload(peer.packet(), 5), "3")
        data = peer.packet()
        left = [value for value in range(96, 100) if publish(
            5, "t", "4", 1, packet_id(data),
            props=[("content-type", "c"), ("message-expiry-interval", value)]) == data]
        self.assertEqual(len(left), 1, data)

    def test_too_large_for_the_server(self):
        server = self.server()
        driver = self.keeping(server)
        driver.do("pub topic=t size=100 qos=1 ref=large")
        driver.do("pub topic=t payload=small qos=1")
        peer = self.join(driver, server, 5, [("maximum-packet-size", 50)])
        self.assertEqual(self.bodies(peer, 1), ["small"])
        driver.event("dropped", why="oversize", ref="large")
        driver.event("published")
        driver.do("quit")
        driver.end()
        self.assertEqual(self.keeping(server).do("stat")["stored"], "0")

    @across((4, 5))
    def test_poison(self, ver, link):
        server = self.server(link)
        driver = self.keeping(server, ver, new="id=a clean=1")
        driver.do("auto on=1 min-ms=10 max-ms=20 jitter=none")
        for number in range(10):
            driver.do(f"pub topic=t payload={number} qos=1 ref=r{number}")
        driver.do(f"connect host=localhost port={server.port}")
        got = []
        for _ in range(6):
            peer = server.accept()
            peer.login(ver)
            while len(got) < 9:
                data = peer.packet()
                if payload(data, ver) == "4":
                    peer.close()
                    break
                got.append(payload(data, ver))
                peer.send(answer(PUBACK, packet_id(data)))
            else:
                break
        driver.event("dropped", why="poison", ref="r4")
        self.assertEqual(list(dict.fromkeys(got)), [str(n) for n in range(10) if n != 4])
        driver.event("published", ref="r9")
        self.assertEqual(driver.do("stat")["poison"], "1")

    def test_alias_is_not_kept(self):
        server = self.server()
        driver = self.keeping(server)
        peer = self.join(driver, server, 5, [("topic-alias-maximum", 5)])
        driver.do("pub topic=t payload=x qos=1 prop.topic-alias=1")
        peer.packet()
        self.killed_and_back(driver, server).expect(publish(5, "t", "x", 1, 1))

    def test_one_client_at_a_time(self):
        server = self.server()
        self.keeping(server)
        other = self.driver()
        other.do("new id=b")
        other.refuse(f"store path={quote(str(self.path))}", "busy")
        other.do("pub topic=t qos=1")

    def test_medium_that_is_not_there(self):
        server = self.server()
        self.path = self.folder / "later" / "store"
        driver = self.keeping(server)
        driver.event("store", state="failed")
        driver.do("pub topic=t payload=1 qos=1")
        self.path.parent.mkdir()
        driver.event("store", state="restored")
        driver.do("pub topic=t payload=2 qos=1")
        peer = self.killed_and_back(driver, server)
        self.assertEqual(self.bodies(peer, 2), ["1", "2"])

    @each({"full": ("write 28", "No space"), "read_only": ("write 30", "read-only"),
           "broken": ("write 5", "Input/output"), "sync": ("sync 5", "Input/output")})
    def test_medium_that_fails_meanwhile(self, fault, why):
        library, state = self.folder / "failing.so", self.folder / "state"
        subprocess.run(
            ["cc", "-O2", "-shared", "-fPIC", FAILING_MEDIUM, "-o", library], check=True,
            stdin=subprocess.DEVNULL)
        server = self.server()
        driver = self.driver(LD_PRELOAD=str(library), FAILING_MEDIUM=str(state))
        self.prepare(driver, server, "ver=5 id=a", f"store path={quote(str(self.path))}")
        numbers = iter(range(1000))
        for _ in range(5):
            driver.do(f"pub topic=t payload={next(numbers)} qos=1")
        state.write_text(fault)
        for _ in range(5):
            driver.do(f"pub topic=t payload={next(numbers)} qos=1")
        said = driver.event("store", state="failed")["why"]
        self.assertIn("full" if why == "No space" else why, said)
        self.assertEqual(driver.do("stat")["store-fault"], "1")
        state.unlink()
        driver.event("store", state="restored")
        for _ in range(5):
            driver.do(f"pub topic=t payload={next(numbers)} qos=1")
        peer = self.killed_and_back(driver, server)
        self.assertEqual(self.bodies(peer, 15), [str(number) for number in range(15)])

    def test_failing_medium_holds_nothing_up(self):
        library, state = self.folder / "failing.so", self.folder / "state"
        subprocess.run(
            ["cc", "-O2", "-shared", "-fPIC", FAILING_MEDIUM, "-o", library], check=True,
            stdin=subprocess.DEVNULL)
        server = self.server()
        driver = self.driver(LD_PRELOAD=str(library), FAILING_MEDIUM=str(state))
        self.prepare(driver, server, "ver=5 id=a", f"store path={quote(str(self.path))}")
        for number in range(5):
            driver.do(f"pub topic=t payload={number} qos=1")
        state.write_text("sync 5")
        peer = self.join(driver, server, 5)
        for number in range(5, 10):
            driver.do(f"pub topic=t payload={number} qos=1")
        self.assertEqual(self.bodies(peer, 10), [str(number) for number in range(10)])
        state.unlink()
        driver.event("store", state="restored")
        driver.do("quit")
        driver.end()
        self.assertEqual(self.keeping(server).do("stat")["stored"], "0")

    def test_damaged_file_is_left_alone(self):
        data = os.urandom(1 << 20)
        self.path.write_bytes(data)
        server = self.server()
        driver = self.keeping(server)
        driver.event("store", state="failed")
        driver.do("pub topic=t payload=1 qos=1")
        peer = self.join(driver, server, 5)
        self.assertEqual(self.bodies(peer, 1), ["1"])
        driver.do("quit")
        driver.end()
        self.assertEqual(self.path.read_bytes(), data)

    def test_bit_rot_costs_what_it_hits(self):
        server = self.server()
        driver = self.keeping(server)
        for number in range(300):
            driver.do(f"pub topic=t payload={number:05} qos=1")
        self.kill(driver)
        data = bytearray(self.path.read_bytes())
        place = data.index(b"00123")
        data[place] ^= 0xFF
        self.path.write_bytes(data)
        driver = self.keeping(server)
        self.assertEqual(driver.do("stat")["stored"], "299")
        peer = self.join(driver, server, 5)
        self.assertEqual(
            self.bodies(peer, 299), [f"{n:05}" for n in range(300) if n != 123])

    @each({"path": ("",), "drop": ("path=/tmp/x drop=some",), "sync": ("path=/tmp/x sync=no",),
           "bytes": ("path=/tmp/x max-bytes=100",), "messages": ("path=/tmp/x max-msgs=0",),
           "folder": ("path=/tmp",)})
    def test_bad_settings(self, keys):
        driver = self.driver()
        driver.refuse("store path=/tmp/x", "no-client")
        driver.do("new id=a")
        driver.refuse(f"store {keys}", "invalid")


def packet_id(data):
    """The identifier of a PUBLISH above QoS 0."""
    at = 1 + sum(1 for _ in _length(data))
    at += 2 + int.from_bytes(data[at:at + 2], "big")
    return int.from_bytes(data[at:at + 2], "big")


def _length(data):
    for digit in data[1:]:
        yield digit
        if not digit & 128:
            return


def topic(data):
    """The topic of a PUBLISH."""
    at = 1 + sum(1 for _ in _length(data))
    return data[at + 2:at + 2 + int.from_bytes(data[at:at + 2], "big")].decode()


def payload(data, ver):
    """The payload of a PUBLISH above QoS 0, with less than 128 bytes of properties."""
    at = 1 + sum(1 for _ in _length(data))
    at += 4 + int.from_bytes(data[at:at + 2], "big")
    return data[at + (1 + data[at] if ver == 5 else 0):].decode()


def peer_packet(peer):
    """The next message, acknowledged."""
    data = peer.packet()
    peer.send(answer(PUBACK, packet_id(data)))
    return data
