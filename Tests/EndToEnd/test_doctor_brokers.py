"""`sandpiper doctor` and brokers: which step fails, what the device may not do there, and what mends it."""

import json

from harness.doctor import Doctor
from harness.mqtt import CONNACK, CONNECT, PUBLISH, SUBACK, SUBSCRIBE, packet, read_packet
from harness.processes import Mosquitto
from harness.profiles import profile, walk
from harness.servers import BadServer, say_nothing
from harness.waiting import free_port

PUBREC = 0x50
DYNAMIC_SECURITY = "/usr/lib/x86_64-linux-gnu/mosquitto_dynamic_security.so"


class EagerBroker:
    """Speaks enough of MQTT 5.0 for the doctor, and hands messages at QoS 2 on before they are released,
    which the standard allows. `topics` has all that was published."""

    def __init__(self, port):
        self.topics = []
        self.url = f"mqtt://127.0.0.1:{port}"
        self._server = BadServer(port, self._serve)

    def close(self):
        """Stops listening and closes everything."""
        self._server.close()

    def _serve(self, connection):
        stream = connection.makefile("rb")
        while True:
            first, body = read_packet(stream)
            if first == CONNECT:
                connection.sendall(packet(CONNACK, bytes(3)))
            elif first == SUBSCRIBE:
                connection.sendall(packet(SUBACK, body[:2] + bytes(2)))
            elif first & 0xF0 == PUBLISH:
                end = 2 + int.from_bytes(body[:2], "big")
                self.topics.append(body[2:end].decode())
                connection.sendall(packet(PUBLISH, body[:end] + bytes(1)))
                connection.sendall(packet(PUBREC, body[end:end + 2]))


class SendingBroker:
    """Refuses whoever comes, and sends him on to another server: `code` is a reason of MQTT 5.0."""

    def __init__(self, port, code, reference):
        self.url = f"mqtt://127.0.0.1:{port}"
        word = b"\x1c" + len(reference).to_bytes(2, "big") + reference.encode()
        self._answer = packet(CONNACK, bytes([0, code, len(word)]) + word)
        self._server = BadServer(port, self._serve)

    def close(self):
        """Stops listening and closes everything."""
        self._server.close()

    def _serve(self, connection):
        read_packet(connection.makefile("rb"))
        connection.sendall(self._answer)
        connection.recv(1)


class References(Doctor):
    """Brokers that name another server."""

    def sends(self, code, reference, port=None):
        """One of them."""
        broker = SendingBroker(port or free_port(), code, reference)
        self.addCleanup(broker.close)
        return broker

    def test_the_server_that_devices_are_sent_on_to_is_visited(self):
        mosquitto = self.broker()
        second = self.sends(0x9D, f"127.0.0.1:{mosquitto.port}")
        first = self.sends(0x9C, second.url)
        self.examine(profile(walk()), "--offline")
        others = [f for f in self.findings if f["level"] == "broken"]
        self.examine(profile(walk()), "--broker", first.url)
        place = second.url.removeprefix("mqtt://")
        self.expect("broker", f"sends devices on to {place}", "", "fine")
        self.expect("broker", f"{place}: sends devices on to 127.0.0.1:{mosquitto.port}", "", "fine")
        self.expect("broker", f"127.0.0.1:{mosquitto.port}: accepts t1-doctor", "", "fine")
        self.expect("broker", f"127.0.0.1:{mosquitto.port}: takes messages", "", "fine")
        self.assertEqual([f for f in self.findings if f["level"] == "broken"], others)

    def test_a_circle_and_a_reference_that_the_agent_does_not_follow_are_broken(self):
        port = free_port()
        circle = self.sends(0x9C, f"127.0.0.1:{port}", port)
        self.examine(profile(walk()), "--broker", circle.url)
        self.expect("broker", "sends devices on to", "round in a circle")
        self.assertEqual(self.evidence.count("sends devices on to"), 4)
        device = profile(walk())
        device["broker"] |= {"url": circle.url, "followReference": False}
        self.examine(device)
        self.expect("broker", "sends devices on to", "followReference")
        self.assertEqual(self.evidence.count("sends devices on to"), 1)


class BrokerFaults(Doctor):
    """One fault at a time, at a broker or on the way there."""

    def test_name_that_does_not_resolve(self):
        self.examine(profile(walk()), "--broker", "mqtt://no-such-host.invalid")
        self.assertEqual(self.code, 1)
        self.expect("broker", "name: name-not-resolved", "getent hosts no-such-host.invalid")

    def test_port_where_nobody_listens(self):
        port = free_port()
        self.examine(profile(walk()), "--broker", f"mqtt://127.0.0.1:{port}")
        self.expect("broker", "TCP: connect-failed (Connection refused)",
                    f"nobody listens there: is the broker running, and is 127.0.0.1:{port}")

    def test_broker_that_says_nothing_is_given_up_in_time(self):
        server = BadServer(free_port(), say_nothing)
        self.addCleanup(server.close)
        self.examine(profile(walk(), reply="1s"), "--broker", f"mqtt://127.0.0.1:{server.port}")
        self.expect("broker", "CONNECT as t1-doctor: no-answer-to-connect", "is it an MQTT broker")

    def test_wrong_authority_and_expired_certificate_and_wrong_name(self):
        folder = self.certificates()
        other, expired, name, good = self.secured(
            folder, "other-server.pem", "expired.pem", "wrong-host.pem", "server.pem")
        device = profile(walk())
        device["broker"]["tls"] = {"ca": f"{folder}/ca.pem"}
        self.examine(device, "--broker", other)
        self.expect("broker", "TLS: tls-", "broker.tls.ca")
        self.examine(device, "--broker", expired)
        self.expect("broker", "days ago", "a new certificate")
        self.assertRegex(self.evidence, r"tls-certificate-expired.*it ended \d+ days ago")
        self.examine(device, "--broker", name)
        self.expect("broker", "tls-host-mismatch", "broker.tls.host")
        self.examine(device, "--broker", good)
        self.assertRegex(self.evidence, r'"fine".*TLSv1.3, .*certificate ends in \d+ days')
        device["broker"]["tls"] = {"ca": f"{folder}/no-such.pem"}
        self.examine(device, "--broker", good)
        self.expect("broker", "tls-file-unreadable", "broker.tls.ca")

    def test_certificate_of_ours_that_is_missing_or_not_trusted(self):
        folder, port = self.certificates(), free_port()
        self.start(Mosquitto(self.folder, settings=[
            "allow_anonymous true", f"listener {port} 127.0.0.1", f"certfile {folder}/server.pem",
            f"keyfile {folder}/server.key", f"cafile {folder}/ca.pem", "require_certificate true"]))
        device = profile(walk())
        device["broker"]["tls"] = {"ca": f"{folder}/ca.pem"}
        self.examine(device, "--broker", f"mqtts://localhost:{port}")
        self.expect("broker", "CONNECT as t1-doctor: tls-certificate-required", "broker.tls.cert")
        device["broker"]["tls"] |= {
            "cert": f"{folder}/other-client.pem", "key": f"{folder}/client.key"}
        self.examine(device, "--broker", f"mqtts://localhost:{port}")
        self.expect("broker", "tls-certificate-refused", "see broker.tls.cert")
        device["broker"]["tls"] |= {"cert": f"{folder}/client.pem"}
        self.examine(device, "--broker", f"mqtts://localhost:{port}")
        self.expect("broker", "our certificate ends in", "", "fine")
        self.expect("broker", "takes messages on all", "", "fine")

    def test_socket_and_websocket_that_are_there_or_not(self):
        port, path = free_port(), self.folder / "broker.sock"
        mosquitto = self.start(Mosquitto(self.folder, web_socket_port=port, settings=[
            "allow_anonymous true", f"listener 0 {path}"]))
        for url in [f"unix://{path}", f"ws://127.0.0.1:{port}/mqtt"]:
            self.examine(profile(walk()), "--broker", url)
            self.expect("broker", "takes messages on all", "", "fine")
        self.examine(profile(walk()), "--broker", f"unix://{path}.no")
        self.expect("broker", f"{path}.no: socket: connect-failed (No such file", "nobody listens")
        self.examine(profile(walk()), "--broker", f"ws://127.0.0.1:{mosquitto.port}/mqtt")
        self.expect("broker", "WebSocket: upgrade-failed", "does a WebSocket listener")

    def test_wrong_password(self):
        mosquitto = self.accounts()
        (self.folder / "password").write_text("wrong-secret\n")
        self.examine(self.device(walk()), "--broker", mosquitto.url)
        self.expect("broker", "CONNECT as t1-doctor: refused, not authorised", "see the login")
        self.assertNotIn("wrong-secret", self.evidence)
        (self.folder / "password").unlink()
        self.examine(self.device(walk()), "--broker", mosquitto.url)
        self.expect("broker", "cannot be read: No such file", "broker.passwordFile")

    def expect_refused_topics(self, queue):
        """Three of the topics are named that a device of two sensors may not publish on."""
        mosquitto = self.accounts(
            "topic readwrite sandpiper/t1/doctor", "topic readwrite sandpiper/t1/status",
            "topic write sandpiper/t1/diag", "topic write sandpiper/t1/state/air", queue=queue)
        self.examine(self.device(walk("air"), walk("soil")), "--broker", mosquitto.url)
        self.expect(
            "broker",
            "refuses messages on sandpiper/t1/history, sandpiper/t1/outage, sandpiper/t1/state/soil",
            "let the device write sandpiper/t1/#")
        self.assertNotIn("what is published is not known", self.evidence)

    def test_topics_that_may_not_be_published_on(self):
        self.expect_refused_topics(queue=1000)

    def test_topics_for_which_the_broker_closes_the_connection(self):
        self.expect_refused_topics(queue=0)

    def test_topics_that_may_not_be_read(self):
        mosquitto = self.accounts("topic write sandpiper/t1/#")
        self.examine(self.device(walk(), reply="2s"), "--broker", mosquitto.url)
        self.expect("broker", "would hear no command", "let the device read sandpiper/t1/#",
                    "worth-knowing")

    def test_subscription_that_is_refused(self):
        rights = self.folder / "rights.json"
        rights.write_text(json.dumps({"defaultACLAccess": {
            "publishClientSend": True, "publishClientReceive": True, "subscribe": False,
            "unsubscribe": True}}))
        mosquitto = self.start(Mosquitto(self.folder, settings=[
            "allow_anonymous true", f"plugin {DYNAMIC_SECURITY}", f"plugin_opt_config_file {rights}"]))
        self.examine(profile(walk()), "--broker", mosquitto.url)
        self.expect("broker", "refuses a subscription to sandpiper/t1/status",
                    "let the device read sandpiper/t1/#")

    def test_broker_of_3_1_1_does_not_tell_who_may_publish(self):
        mosquitto = self.broker()
        self.examine(profile(walk(), version="3.1.1"), "--broker", mosquitto.url)
        self.expect("broker", "before MQTT 5.0 brokers do not tell", "broker's log", "worth-knowing")

    def test_broker_that_hands_on_what_is_not_released_is_asked_for_no_topic_of_the_profile(self):
        broker = EagerBroker(free_port())
        self.addCleanup(broker.close)
        self.examine(profile(walk()), "--broker", broker.url)
        self.expect("broker", "hands messages on before they are released", "broker's log",
                    "worth-knowing")
        self.assertEqual(broker.topics, ["sandpiper/t1/doctor"])

    def test_many_topics_are_asked_for_in_turns(self):
        mosquitto = self.broker()
        self.examine(profile(*[walk(f"air{n}") for n in range(60)]), "--broker", mosquitto.url)
        self.expect("broker", "takes messages on all 64 topics", "", "fine")
