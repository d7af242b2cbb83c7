"""The workbench: what deploy/demo shows, and its broker alone."""

import re
import shutil
import signal
import subprocess

from harness.case import EndToEndTest
from harness.mqtt import Observer
from harness.processes import ROOT, Process
from harness.waiting import free_port, listening, wait_for

LAB = ROOT / ".build/debug/sandpiper-lab"
AGENT = ROOT / ".build/debug/sandpiper"


class Lab(EndToEndTest):
    """sandpiper-lab as swift build leaves it."""

    def setUp(self):
        super().setUp()
        if not LAB.exists():
            self.skipTest("swift build has not been run")

    def test_demo_shows_live_telemetry_and_ends_at_control_c(self):
        demo = self.start(Process([LAB, "demo", "devices/demo.json"], self.folder / "demo"))
        wait_for(lambda: re.search("online", demo.log()), 30, "a birth")
        wait_for(lambda: re.search("state/", demo.log()), 30, "telemetry")
        by_hand = re.search(r"by hand: (/\S+/sandpiper set /\S+/control door 1)$", demo.log(), re.M)
        self.assertEqual(subprocess.run(by_hand[1], shell=True, timeout=10, check=False).returncode, 0)
        demo.signal(signal.SIGINT)
        self.assertIn(demo.wait(15), [0, -signal.SIGINT, 130])

    def lab_broker(self, *options):
        """The workbench's broker; returns its process and its port."""
        port = free_port()
        broker = self.start(
            Process([LAB, "broker", "--port", port, *options], self.folder / "broker"))
        wait_for(lambda: listening(port), 15, "the broker")
        return broker, port

    def test_broker_names_the_port_that_is_taken(self):
        _, taken = self.lab_broker()
        done = subprocess.run(
            [LAB, "broker", "--port", str(free_port()), "--ws-port", str(taken)], capture_output=True, text=True,
            timeout=20, check=False)
        self.assertEqual((done.returncode, done.stderr), (
            1, f"sandpiper-lab: cannot serve at 127.0.0.1 port {taken}: listen: Address already in use\n"))

    def observer(self, port):
        """An observer that has subscribed to everything."""
        observer = Observer(port)
        self.addCleanup(observer.close)
        return observer.wait_until_subscribed()

    def subscriber(self, port, name, *options):
        """A running mosquitto_sub of 5.0 that has subscribed; what it gets is in its log."""
        # Into a file it would write only when a buffer is full.
        client = self.start(Process(
            ["stdbuf", "-oL", "mosquitto_sub", "-p", port, "-V", "5", "-i", name, "-d", *options],
            self.folder / name))
        wait_for(lambda: "Subscribed" in client.log(), 10, "a subscription")
        return client

    def publish(self, port, topic, payload, *options):
        """One message by mosquitto_pub of 5.0."""
        subprocess.run(
            [shutil.which("mosquitto_pub"), "-p", str(port), "-V", "5", "-q", "1", "-t", topic,
             "-m", payload, *options], check=True, stdin=subprocess.DEVNULL, timeout=10)

    def test_broker_serves_mosquittos_clients(self):
        _, port = self.lab_broker()
        observer = self.observer(port)
        for qos in "012":
            subprocess.run(
                [shutil.which("mosquitto_pub"), "-p", str(port), "-q", qos, "-r", "-t", f"t/{qos}",
                 "-m", "hello"], check=True, stdin=subprocess.DEVNULL, timeout=10)
            self.assertEqual(observer.wait_for(f"t/{qos}").payload, b"hello")

    def test_broker_hands_on_the_properties_of_5(self):
        _, port = self.lab_broker()
        old = self.observer(port)
        new = self.subscriber(
            port, "new", "-t", "t/#", "-q", "1", "-D", "subscribe", "subscription-identifier", "42",
            "-F", "[%t %p ct=%C D=%D E=%E F=%F R=%R S=%S user=%P]")
        self.publish(
            port, "t/1", "hello", "-D", "publish", "content-type", "text/plain",
            "-D", "publish", "response-topic", "r/1", "-D", "publish", "correlation-data", "abc",
            "-D", "publish", "user-property", "b", "2", "-D", "publish", "user-property", "a", "1",
            "-D", "publish", "message-expiry-interval", "100",
            "-D", "publish", "payload-format-indicator", "1")
        wait_for(
            lambda: "[t/1 hello ct=text/plain D=abc E=100 F=1 R=r/1 S=42 user=b:2 a:1]"
            in new.log(), 10, "the message")
        self.assertEqual(old.wait_for("t/1").payload, b"hello")

    def test_broker_shares_messages_of_5_among_a_group(self):
        _, port = self.lab_broker()
        members = [
            self.subscriber(port, f"member{n}", "-t", "$share/g/t/#", "-q", "1", "-F", "[%p]")
            for n in range(3)]
        for number in range(6):
            self.publish(port, "t/x", str(number))
        for number, member in enumerate(members):
            wait_for(lambda m=member, n=number: f"[{n + 3}]" in m.log(), 10, "a share")
            self.assertEqual(re.findall(r"\[(\d)\]", member.log()), [str(number), str(number + 3)])

    def test_broker_keeps_a_session_of_5_for_its_expiry_and_delays_its_will(self):
        broker, port = self.lab_broker("--verbose")
        observer = self.observer(port)
        client = self.subscriber(
            port, "kept", "-c", "-x", "3", "-t", "t/#", "-q", "1", "--will-topic", "will",
            "--will-payload", "gone", "-D", "will", "will-delay-interval", "1")
        client.kill()
        wait_for(lambda: "kept disconnected" in broker.log(), 10, "the end")
        self.publish(port, "t/x", "waiting")
        self.assertEqual(observer.since(0, "will"), [])
        lost = observer.wait_for("t/x")
        self.assertGreater(observer.wait_for("will").at - lost.at, 0.5)
        again = self.subscriber(
            port, "kept", "-c", "-x", "1", "-t", "t/#", "-q", "1", "-F", "[%p]")
        wait_for(lambda: "[waiting]" in again.log(), 10, "what waited")
        again.stop()
        wait_for(lambda: "kept: the session has ended" in broker.log(), 10, "the session's end")

    def test_broker_tells_clients_of_5_that_it_goes(self):
        broker, port = self.lab_broker()
        client = self.subscriber(port, "told", "-t", "t")
        self.assertEqual(broker.stop(), 0)
        wait_for(lambda: "Received DISCONNECT (139)" in client.log(), 10, "DISCONNECT")

    def test_broker_serves_the_agent_over_websocket(self):
        web_socket_port = free_port()
        _, port = self.lab_broker("--ws-port", web_socket_port)
        observer = self.observer(port)
        agent = self.start(Process(
            [AGENT, "run", "--simulate", "--broker", f"ws://127.0.0.1:{web_socket_port}/mqtt",
             "devices/greenhouse.json"], self.folder / "agent"))
        topic = "sandpiper/greenhouse/status"
        observer.wait_for(topic, lambda m: m.fields["state"] == "online", 20)
        self.assertEqual(agent.stop(), 0)
        observer.wait_for(topic, lambda m: m.fields["state"] == "offline")

    def swarm(self, *arguments):
        """What it ends with, and what it says."""
        done = subprocess.run(
            [LAB, "swarm", *arguments], cwd=ROOT, capture_output=True, text=True, timeout=120,
            stdin=subprocess.DEVNULL)
        return done.returncode, done.stdout, done.stderr

    def test_swarm_says_what_became_of_each_promise(self):
        code, said, _ = self.swarm("devices/smallest.json", "--seeds", "2")
        self.assertEqual(code, 0, said)
        self.assertRegex(said, r"2 lives of 1 day in .*\n.* faults, .*\n.* readings made, ")
        self.assertIn("every promise was kept", said)
        numbers = re.search(r"(\d+) readings made, (\d+) delivered, (\d+) given up and counted, (\d+) taken by",
                            said)
        made, *parts = map(int, numbers.groups())
        self.assertEqual(made, sum(parts), said)

    def test_swarm_prints_one_life_line_by_line(self):
        code, said, _ = self.swarm("devices/smallest.json", "--log", "--seed", "3")
        self.assertEqual(code, 0)
        self.assertIn("1 lives of 1 day", said)
        self.assertGreater(len(said.splitlines()), 50)

    def test_swarm_names_what_is_wrong(self):
        for arguments, wanted, words in [
                (["no.json"], 1, "no.json: "),
                (["README.md"], 6, "README.md:1:1: error: "),
                (["devices/smallest.json", "--link", "string"], 64, "lte-edge"),
                (["devices/smallest.json", "--seeds", "0"], 64, "--seeds from 1"),
                (["devices/smallest.json", "--seed", str(2**64 - 1)], 64, "--seed is too large")]:
            with self.subTest(arguments):
                code, _, complaint = self.swarm(*arguments)
                self.assertEqual(code, wanted, complaint)
                self.assertIn(words, complaint)
