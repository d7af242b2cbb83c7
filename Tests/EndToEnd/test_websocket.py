"""MQTT over WebSocket: against Mosquitto's, and against servers that have none, or a bad one."""

import base64
import hashlib
import os
import socket
import struct
import time

from harness.case import EndToEndTest
from harness.mqtt import CONNACK, PUBLISH, packet, text
from harness.processes import run
from harness.profiles import door, profile, relay, walk
from harness.servers import BadServer, Link, answer_garbage, say_nothing
from harness.waiting import free_port, wait_for

STATUS = "sandpiper/t1/status"


def says(state):
    """A test for messages: this state."""
    return lambda message: message.fields.get("state") == state


class OverMosquitto(EndToEndTest):
    """Mosquitto with a WebSocket listener for the agent, and one for the observer."""

    def setUp(self):
        super().setUp()
        self.port = free_port()
        self.mosquitto = self.broker(web_socket_port=self.port)
        self.observer = self.observe(self.mosquitto)
        self.url = f"ws://127.0.0.1:{self.port}/mqtt"

    def test_birth_will_and_orderly_stop(self):
        device = profile(door(), keep_alive="5s")
        agent = self.agent(device, self.url)
        birth = self.observer.wait_for(STATUS, says("online"), 15)
        mark = self.observer.mark()
        agent.kill()
        lost = self.observer.wait_for(STATUS, says("lost"), since=mark)
        self.assertEqual(lost.fields["session"], birth.fields["session"])
        agent = self.agent(device, self.url)
        self.observer.wait_for(STATUS, says("online"), 15, since=mark)
        self.assertEqual(agent.stop(), 0)
        self.observer.wait_for(STATUS, says("offline"), since=mark)
        later = self.observe(self.mosquitto, name="later")
        later.wait_for(STATUS, says("offline"))
        self.assertEqual(len([m for m in self.observer.since(mark, STATUS) if says("lost")(m)]), 1)

    def test_readings_and_commands(self):
        agent = self.agent(profile(door(), relay(), walk(every="50ms")), self.url)
        self.observer.wait_for("sandpiper/t1/diag", within=15)
        agent.set("door", "1")
        self.observer.wait_for("sandpiper/t1/state/door", lambda m: m.fields["v"] is True)
        for number in range(100):
            self.observer.publish(
                "sandpiper/t1/cmd/pump", {"v": number % 2 == 0, "id": str(number)})
        results = self.observer.wait_for_count("sandpiper/t1/result", 100)
        self.assertEqual([m.fields["id"] for m in results], [str(n) for n in range(100)])
        self.assertEqual({m.fields["result"] for m in results}, {"done"})
        self.observer.wait_for_count("sandpiper/t1/state/air", 40)
        numbers = [m.fields["seq"] for m in self.observer.since(0, "sandpiper/t1/state/air")]
        self.assertEqual(numbers, list(range(numbers[0], numbers[-1] + 1)))

    def test_long_frames_arrive(self):
        device = profile(*(walk(f"air{n}", "50ms") for n in range(20)))
        device["uplink"]["packet"] = "16KiB"
        link = Link(free_port(), self.port)
        self.addCleanup(link.close)
        self.agent(device, f"ws://127.0.0.1:{link.port}")
        self.observer.wait_for("sandpiper/t1/diag", within=15)
        link.fall_silent()
        time.sleep(3)
        link.heal()
        link.cut()
        history = self.observer.wait_for(
            "sandpiper/t1/history", lambda m: len(m.payload) > 4096, within=30)
        self.assertTrue(history.fields["historical"])

    def test_cut_link_is_taken_up_again_and_nothing_is_missing(self):
        link = Link(free_port(), self.port)
        self.addCleanup(link.close)
        agent = self.agent(profile(walk(every="100ms")), f"ws://127.0.0.1:{link.port}")
        self.observer.wait_for(STATUS, says("online"), 15)
        for _ in range(3):
            mark = self.observer.mark()
            link.cut()
            self.observer.wait_for(STATUS, says("online"), 15, since=mark)
        self.assertEqual(agent.stop(), 0)
        self.observer.wait_for(STATUS, says("offline"))
        numbers = set()
        for message in self.observer.since():
            if message.topic == "sandpiper/t1/state/air":
                numbers.add(message.fields["seq"])
            elif message.topic == "sandpiper/t1/history":
                numbers.update(r["seq"] for r in message.fields["readings"])
        self.assertEqual(sorted(numbers), list(range(1, max(numbers) + 1)))

    def test_idle_it_rests(self):
        agent = self.agent(profile(door()), self.url)
        self.observer.wait_for("sandpiper/t1/diag", within=15)
        before = agent.processor_seconds()
        time.sleep(2)
        self.assertLess(agent.processor_seconds() - before, 0.1)

    def test_plan_has_a_row_for_it_only_where_it_is_used(self):
        device = profile(door())
        self.assertNotIn("WebSocket", run("plan", self.write(device)).stdout)
        device["broker"]["url"] = "ws://broker.example"
        self.assertIn("WebSocket", run("plan", self.write(device)).stdout)


def read_request(connection):
    """The lines of a request for a WebSocket."""
    request = b""
    while not request.endswith(b"\r\n\r\n"):
        data = connection.recv(4096)
        if not data:
            raise EOFError
        request += data
    return request.decode("ascii").split("\r\n")


def accept(connection):
    """Reads a request and makes the connection a WebSocket; returns the request's lines."""
    lines = read_request(connection)
    key = next(line[19:] for line in lines if line.startswith("Sec-WebSocket-Key: "))
    digest = hashlib.sha1((key + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest()
    connection.sendall((
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        f"Sec-WebSocket-Accept: {base64.b64encode(digest).decode()}\r\n"
        "Sec-WebSocket-Protocol: mqtt\r\n\r\n").encode())
    return lines


def read_frame(stream):
    """The next frame of a client as (first byte, payload)."""
    first, second = stream.read(2)
    assert second & 0x80, "a client masks"
    length = second & 0x7F
    if length == 126:
        length, = struct.unpack(">H", stream.read(2))
    mask = stream.read(4)
    return first, bytes(byte ^ mask[n % 4] for n, byte in enumerate(stream.read(length)))


def frame(payload):
    """A server's frame of up to 125 bytes."""
    return bytes([0x82, len(payload)]) + payload


def answer(words):
    """A server that answers each request with these words, and closes."""
    def behaviour(connection):
        read_request(connection)
        connection.sendall(words.encode())
        connection.close()
    return behaviour


class WithoutWebSocket(EndToEndTest):
    """Servers that refuse, or do something else: said in the log, and tried again."""

    def told(self, behaviour, words, url="ws://127.0.0.1:{}/mqtt", attempts=2):
        """The agent says `words` in its log, stays alive, and tries again."""
        server = BadServer(free_port(), behaviour)
        self.addCleanup(server.close)
        device = profile(door())
        device["uplink"]["timeouts"]["webSocket"] = "1s"
        agent = self.agent(device, url.format(server.port))
        wait_for(lambda: words in agent.log(), 15, words)
        wait_for(lambda: len(server.connections) >= attempts, 20, "another attempt")
        self.assertTrue(agent.running, agent.log())
        self.assertEqual(agent.stop(), 0)

    def test_wrong_path_is_told_with_its_status(self):
        paths = []

        def only_mqtt(connection):
            paths.append(read_request(connection)[0].split()[1])
            connection.sendall(b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n")
            connection.close()

        self.told(only_mqtt, "upgrade-refused (no WebSocket there: HTTP status 404)",
                  "ws://127.0.0.1:{}/wrong?x=1")
        self.assertEqual(set(paths), {"/wrong?x=1"})

    def test_ordinary_web_server(self):
        self.told(answer("HTTP/1.1 200 OK\r\n\r\n<html>"), "HTTP status 200")

    def test_redirection_is_not_followed(self):
        self.told(answer("HTTP/1.1 301 Gone\r\nLocation: /x\r\n\r\n"), "HTTP status 301")

    def test_answer_to_another_key(self):
        self.told(answer(
            "HTTP/1.1 101 OK\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"
            "Sec-WebSocket-Protocol: mqtt\r\n\r\n"), "it does not answer our key")

    def test_garbage_instead_of_an_answer(self):
        self.told(answer_garbage, "upgrade-failed")

    def test_head_without_end(self):
        self.told(answer("HTTP/1.1 101 OK\r\n" + "X: y\r\n" * 2000), "the answer is too long")

    def test_no_answer(self):
        self.told(say_nothing, "upgrade-timed-out")

    def test_end_instead_of_an_answer(self):
        self.told(answer(""), "it closed the connection")

    def test_broker_without_websocket(self):
        mosquitto = self.broker()
        agent = self.agent(profile(door()), f"ws://127.0.0.1:{mosquitto.port}")
        wait_for(lambda: "upgrade-failed" in agent.log(), 10, "a line in the log")
        self.assertEqual(agent.stop(), 0)

    def test_garbage_behind_the_upgrade(self):
        def behaviour(connection):
            accept(connection)
            connection.sendall(bytes([0xFF]) + os.urandom(100))
            time.sleep(0.5)
        self.told(behaviour, "malformed-frame (WebSocket: a frame of an unknown kind)")

    def test_text_is_refused_with_1003(self):
        seen = []

        def behaviour(connection):
            lines = accept(connection)
            seen.append(lines[0])
            stream = connection.makefile("rb")
            connect = read_frame(stream)
            connection.sendall(bytes([0x81, 2]) + b"hi")
            seen.append((connect[0], connect[1][:1], *read_frame(stream)))
        self.told(behaviour, "malformed-frame (WebSocket: text where bytes were expected)")
        self.assertEqual(seen[0], "GET /mqtt HTTP/1.1")
        self.assertEqual(seen[1], (0x82, b"\x10", 0x88, struct.pack(">H", 1003)))

    def test_ping_is_answered_even_one_behind_the_upgrade_and_close_too(self):
        seen = []

        def behaviour(connection):
            read_too = connection.makefile("rb")
            self.upgrade_with(connection, bytes([0x89, 3]) + b"one")
            frames = [read_frame(read_too), read_frame(read_too)]
            connection.sendall(bytes([0x89, 0, 0x88, 2]) + struct.pack(">H", 1001))
            frames.append(read_frame(read_too))
            seen.append(sorted(frames[:2])[1:] + frames[2:])
        self.told(behaviour, "closed-by-broker (WebSocket status 1001)")
        self.assertEqual(seen[0], [(0x8A, b"one"), (0x88, struct.pack(">H", 1001))])

    def test_server_that_sends_and_does_not_read_makes_nobody_spin(self):
        def behaviour(connection):
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
            accept(connection)
            connection.recv(4096)
            connection.sendall(frame(packet(CONNACK, bytes(2))))
            topic = text("sandpiper/t1/cmd/pump")
            commands = b"".join(
                frame(packet(PUBLISH | 2, topic + struct.pack(">H", number) + b"1"))
                for number in range(1, 60_000))
            while True:
                connection.sendall(commands)

        server = BadServer(free_port(), behaviour)
        self.addCleanup(server.close)
        agent = self.agent(
            profile(door(), relay(), version="3.1.1"), f"ws://127.0.0.1:{server.port}",
            "--log", "error")

        self.wait_until_at_rest(agent, server)

    @staticmethod
    def upgrade_with(connection, more):
        """Accepts a request, with `more` in the same segment as the answer."""
        class Joined:
            """A connection whose sendall adds `more`."""
            recv = connection.recv

            @staticmethod
            def sendall(data):
                """Sends both at once."""
                connection.sendall(data + more)
        accept(Joined)
