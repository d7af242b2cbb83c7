"""The ways to a broker: TCP, TLS, WebSocket, Unix sockets, proxies, and how each of them fails."""

import socket
import ssl

from judge import wire
from judge.case import Case, across, certificates, each, server_context
from judge.driver import quote
from judge.proxy import Proxy
from judge.server import Server, decode_frame, encode_frame
from judge.wire import PUBACK, answer, publish


def path(name):
    """A file of the test CA as a value."""
    return quote(str(certificates() / name))


class Plain(Case):
    """TCP and Unix sockets."""

    def test_refused_port(self):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
            driver = self.driver()
            driver.do("new ver=4 id=a")
            for host in ("127.0.0.1", "localhost"):
                driver.do(f"connect host={host} port={port}")
                self.assertEqual(driver.event("connect-failed", kind="tcp")["rc"], "111")

    @each({"host": ("no-such-host.invalid",), "dots": ("a..b",), "long": ("a" * 300,)})
    def test_name_that_is_none(self, name):
        driver = self.driver()
        driver.do("new ver=4 id=a")
        reply = driver.ask(f"connect host={name} port=1883")
        if reply.kind == "ok":
            self.assertEqual(driver.event("connect-failed", 30)["kind"], "dns")

    @each({"empty": ("",), "blank": ("a%20b",), "break": ("a%0d%0aX%3a1",), "nul": ("a%00",)})
    def test_name_that_cannot_be(self, name):
        driver = self.driver()
        driver.do("new ver=4 id=a")
        driver.refuse(f"connect host={name} port=1883", "invalid")

    @each({"range": ("port=65536",), "word": ("port=x",), "sign": ("port=-1",)})
    def test_port_that_is_none(self, keys):
        driver = self.driver()
        driver.do("new ver=4 id=a")
        driver.refuse(f"connect host=localhost {keys}", "invalid")

    def test_ipv6(self):
        try:
            listener = socket.create_server(("::1", 0), family=socket.AF_INET6)
        except OSError:
            self.skipTest("no IPv6 here")
        self.addCleanup(listener.close)
        driver = self.driver()
        driver.do("new ver=4 id=a")
        driver.do(f"connect host=%3a%3a1 port={listener.getsockname()[1]}")
        listener.settimeout(10)
        listener.accept()[0].close()
        driver.event("connect-failed", kind="tcp")

    def test_unix_socket_that_is_not_there(self):
        driver = self.driver()
        driver.do("new ver=4 id=a")
        driver.do("transport kind=unix path=/nonexistent/socket")
        driver.do("connect")
        self.assertEqual(driver.event("connect-failed", kind="tcp")["rc"], "2")

    @each({"kind": ("kind=carrier-pigeon",), "path": ("kind=unix",), "proxy": ("proxy=ftp://x",),
           "header": ("kind=ws header=nonsense",), "break": ("kind=ws header=A:b%0d%0aC:d",),
           "long": ("kind=unix path=/" + "a" * 200,), "webpath": ("kind=ws path=/" + "a" * 600,),
           "relative": ("kind=ws path=mqtt",), "pathbreak": ("kind=ws path=/a%0d%0aX:y",),
           "headers": ("kind=ws header=A:" + "b" * 5000,), "host": ("kind=ws header=Host:x",)})
    def test_bad_transport(self, keys):
        driver = self.driver()
        driver.do("new ver=4 id=a")
        driver.refuse(f"transport {keys}", "invalid")

    @across()
    def test_ended_before_and_within_connack(self, ver, link):
        driver, server = self.driver(), self.server(link)
        self.prepare(driver, server, f"ver={ver} id=a")
        for cut in range(len(wire.connack(ver))):
            driver.do(f"connect host=localhost port={server.port}")
            peer = server.accept()
            peer.packet()
            peer.send(wire.connack(ver)[:cut])
            peer.close()
            driver.event("connect-failed", kind="tcp")


class Secure(Case):
    """TLS."""

    def fails(self, certificate, tls="", host="localhost", key="server.key"):
        driver = self.driver()
        server = self.server("tls", certificate=certificate, key=key)
        driver.do("new ver=4 id=a")
        driver.do(f"tls ca={path('ca.pem')} {tls}")
        driver.do(f"connect host={host} port={server.port}")
        try:
            server.accept()
        except (OSError, ssl.SSLError):
            pass
        driver.event("connect-failed", kind="tls")

    @each({name: (name + ".pem",) for name in (
        "expired", "not-yet-valid", "wrong-host", "self-signed", "wrong-purpose", "chain-alone")})
    def test_bad_certificate(self, certificate):
        self.fails(certificate)

    def test_another_authority(self):
        self.fails("other-server.pem")

    def test_no_authority_named(self):
        driver, server = self.driver(), self.server("tls")
        driver.do("new ver=4 id=a")
        driver.do("tls")
        driver.do(f"connect host=localhost port={server.port}")
        self.assertRaises(ssl.SSLError, server.accept)
        driver.event("connect-failed", kind="tls")

    @each({name: (name + ".pem",) for name in (
        "expired", "wrong-host", "self-signed", "other-server")})
    def test_insecure(self, certificate):
        driver, server = self.driver(), self.server("tls", certificate=certificate)
        driver.do("new ver=4 id=a")
        driver.do("tls insecure=1")
        driver.do(f"connect host=localhost port={server.port}")
        server.accept().login(4)
        driver.event("connected")

    def test_chain(self):
        driver, server = self.driver(), self.server("tls", certificate="chain.pem")
        self.prepare(driver, server, "ver=4 id=a")
        self.join(driver, server, 4)

    @each({
        "ca": "ca=/nonexistent", "empty": "ca=/dev/null", "notca": "ca=/etc/passwd",
        "cert": "cert=/nonexistent key=/nonexistent", "folder": "ca=/tmp"})
    def test_bad_file(self, *keys):
        driver = self.driver()
        driver.do("new ver=4 id=a")
        driver.refuse("tls " + "".join(keys), "tls")
        # What was there before stays.
        server = self.server()
        self.join(driver, server, 4)

    @each({
        "nokey": ("cert=client.pem",), "nocert": ("key=client.key",),
        "mismatch": ("cert=client.pem key=server.key",),
        "locked": ("cert=client.pem key=client-locked.key",),
        "wrong": ("cert=client.pem key=client-locked.key keypass=wrong",)})
    def test_bad_identity(self, keys):
        driver = self.driver()
        driver.do("new ver=4 id=a")
        words = [f"{word.split('=')[0]}={path(word.split('=')[1])}"
                 if not word.startswith("keypass") else word for word in keys.split(" ")]
        driver.refuse(f"tls ca={path('ca.pem')} {' '.join(words)}", "tls")

    @each({"plain": ("cert=client.pem key=client.key", ""),
           "both": ("cert=client-both.pem key=client-both.pem", ""),
           "locked": ("cert=client.pem key=client-locked.key", "passphrase")})
    def test_mutual(self, keys, secret):
        driver, server = self.driver(), self.server("tls", client_ca="ca.pem")
        words = [f"{word.split('=')[0]}={path(word.split('=')[1])}" for word in keys.split(" ")]
        driver.do("new ver=5 id=a")
        if secret:
            word = (certificates() / secret).read_text().strip()
            words.append(f"keypass={quote(word)}")
        driver.do(f"tls ca={path('ca.pem')} {' '.join(words)}")
        peer = self.join(driver, server, 5)
        self.assertTrue(peer.connection.getpeercert())

    def test_mutual_without_a_certificate(self):
        driver, server = self.driver(), self.server("tls", client_ca="ca.pem")
        self.prepare(driver, server, "ver=4 id=a")
        driver.do(f"connect host=localhost port={server.port}")
        try:
            server.accept()
        except (OSError, ssl.SSLError):
            pass
        driver.event("connect-failed", kind="tls")

    def test_alpn(self):
        driver, server = self.driver(), self.server("tls", alpn=["x", "mqtt"])
        driver.do("new ver=4 id=a")
        driver.do(f"tls ca={path('ca.pem')} alpn=mqtt")
        peer = self.join(driver, server, 4)
        self.assertEqual(peer.connection.selected_alpn_protocol(), "mqtt")

    def test_name_is_told(self):
        context = server_context()
        names = []
        context.sni_callback = lambda _, name, __: names.append(name)
        server = Server("tls", context)
        self.addCleanup(server.close)
        driver = self.driver()
        self.prepare(driver, server, "ver=4 id=a")
        self.join(driver, server, 4)
        self.assertEqual(names, ["localhost"])

    def test_an_address_as_name(self):
        driver, server = self.driver(), self.server("tls")
        self.prepare(driver, server, "ver=4 id=a")
        driver.do(f"connect host=127.0.0.1 port={server.port}")
        server.accept().login(4)
        driver.event("connected")

    @each({"1.2": (ssl.TLSVersion.TLSv1_2,), "1.3": (ssl.TLSVersion.TLSv1_3,)})
    def test_version(self, version):
        context = server_context()
        context.minimum_version = context.maximum_version = version
        server = Server("tls", context)
        self.addCleanup(server.close)
        driver = self.driver()
        self.prepare(driver, server, "ver=4 id=a")
        self.join(driver, server, 4)

    def test_old_version(self):
        context = server_context()
        context.minimum_version = context.maximum_version = ssl.TLSVersion.TLSv1_1
        server = Server("tls", context)
        self.addCleanup(server.close)
        driver = self.driver()
        self.prepare(driver, server, "ver=4 id=a")
        driver.do(f"connect host=localhost port={server.port}")
        self.assertRaises((OSError, ssl.SSLError), server.accept)
        driver.event("connect-failed", kind="tls")

    @each({"mqtt": (wire.connack(4),), "garbage": (b"\xff" * 50,), "http": (b"HTTP/1.1 400\r\n",),
           "nothing": (b"",)})
    def test_no_tls_there(self, data):
        driver, server = self.driver(), self.server()
        driver.do("new ver=4 id=a")
        driver.do(f"tls ca={path('ca.pem')}")
        driver.do(f"connect host=localhost port={server.port}")
        peer = server.raw()
        peer.connection.recv(5)
        peer.send(data)
        peer.connection.shutdown(socket.SHUT_WR)
        event = driver.event("connect-failed")
        self.assertIn(event["kind"], ("tls",) if data else ("tls", "tcp"))

    def test_cut_within_a_record(self):
        driver, server, peer = self.online(4, "tls")
        raw = peer.connection.unwrap if False else socket.socket(fileno=peer.connection.detach())
        raw.sendall(b"\x17\x03\x03\x00\x50abc")
        raw.close()
        driver.event("closed", by="peer")


class Web(Case):
    """WebSocket."""

    def connecting(self, keys="kind=ws path=/mqtt", ver=4):
        driver, server = self.driver(), self.server("ws")
        driver.do(f"new ver={ver} id=a")
        driver.do(f"transport {keys}")
        driver.do(f"connect host=localhost port={server.port}")
        return driver, server, server.raw()

    def test_request(self):
        driver, server, peer = self.connecting(
            "kind=ws path=/a/b%3fc%3dd header=X-One:1 header=Authorization:Bearer%20t")
        peer.upgrade()
        head = peer.request.decode()
        self.assertTrue(head.startswith("GET /a/b?c=d HTTP/1.1\r\n"), head)
        self.assertEqual(peer.header("Host"), f"localhost:{server.port}")
        self.assertEqual(peer.header("Upgrade").lower(), "websocket")
        self.assertEqual(peer.header("Connection").lower(), "upgrade")
        self.assertEqual(peer.header("Sec-WebSocket-Version"), "13")
        self.assertEqual(peer.header("Sec-WebSocket-Protocol"), "mqtt")
        self.assertEqual((peer.header("X-One"), peer.header("Authorization")), ("1", "Bearer t"))
        peer.login(4)
        driver.event("connected")

    def test_default_path(self):
        _, _, peer = self.connecting("kind=ws")
        self.assertIn(peer.read_request().split(b" ")[1], (b"/mqtt", b"/"))

    @each({"404": (b"HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n", "404"),
           "200": (b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok", "200"),
           "401": (b"HTTP/1.1 401 Unauthorized\r\n\r\n", "401"),
           "garbage": (b"\xff" * 30 + b"\r\n\r\n", None), "mqtt": (wire.connack(4) * 4, None),
           "key": (b"HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
                   b"Sec-WebSocket-Protocol: mqtt\r\nSec-WebSocket-Accept: AAAA\r\n\r\n", None)})
    def test_no_websocket_there(self, data, code):
        driver, _, peer = self.connecting()
        peer.read_request()
        peer.send(data)
        peer.connection.shutdown(socket.SHUT_WR)
        event = driver.event("connect-failed", kind="protocol")
        if code:
            self.assertEqual(event["rc"], code)

    @each({"cut": (10,), "none": (0,)})
    def test_answer_cut_off(self, count):
        driver, _, peer = self.connecting()
        peer.read_request()
        peer.send(b"HTTP/1.1 101 Switching"[:count])
        peer.close()
        self.assertIn(driver.event("connect-failed")["kind"], ("tcp", "protocol"))

    def test_frames_of_any_cut(self):
        driver, _, peer = self.online(4, "ws")
        data = publish(4, "a", "x" * 300) + publish(4, "b", "y")
        # A message of three frames, with a ping between; two packets in one; one in two messages.
        peer.connection.sendall(
            encode_frame(data[:100], 2, False) + encode_frame(b"p", 9)
            + encode_frame(data[100:150], 0, False) + encode_frame(data[150:], 0))
        driver.event("msg", topic="a")
        driver.event("msg", topic="b")
        self.assertEqual(peer.read_control(), (10, b"p"))
        packet = publish(4, "c", "z")
        peer.frame(packet[:3])
        peer.frame(b"")
        peer.frame(packet[3:])
        driver.event("msg", topic="c")
        for byte in encode_frame(publish(4, "d", "z")):
            peer.connection.sendall(bytes([byte]))
        driver.event("msg", topic="d")

    def test_pings_are_answered(self):
        driver, _, peer = self.online(4, "ws")
        for payload in (b"", b"x" * 125):
            peer.frame(payload, 9)
            self.assertEqual(peer.read_control(), (10, payload))
        peer.frame(b"unasked", 10)
        self.assertEqual(peer.fence(driver, 4), [])

    @each({"normal": (1000,), "away": (1001,), "other": (4000,), "none": (None,)})
    def test_the_server_closes(self, code):
        driver, _, peer = self.online(4, "ws")
        peer.frame(code.to_bytes(2, "big") + b"bye" if code else b"", 8)
        self.assertEqual(peer.read_control()[0], 8)
        peer.close()
        driver.event("closed", by="peer")

    @each({"text": (encode_frame(b"hello", 1), 1003), "reserved": (b"\xc2\x01x", 1002),
           "opcode": (encode_frame(b"", 3), 1002), "masked": (b"\x82\x81abcdx", 1002),
           "control": (b"\x09\x00", 1002), "longping": (encode_frame(b"x" * 126, 9), 1002),
           "continuation": (encode_frame(b"x", 0), 1002), "length": (b"\x82\x7f" + b"\xff" * 8, 1002),
           "interrupted": (encode_frame(b"x", 2, False) + encode_frame(b"x", 2), 1002),
           "minimal": (b"\x82\x7e\x00\x01x", 1002), "closelong": (b"\x88\x01x", 1002)})
    def test_bad_frames(self, data, code):
        driver, _, peer = self.online(4, "ws")
        peer.connection.sendall(data)
        driver.event("closed", by="protocol")
        opcode, payload = peer.read_control()
        self.assertEqual(opcode, 8)
        self.assertIn(int.from_bytes(payload[:2], "big"), (code, 1002))

    @across(versions=(4,), links=("ws", "wss"))
    def test_large_frames(self, ver, link):
        driver, _, peer = self.online(ver, link)
        peer.send(publish(ver, "a", bytes(3_000_000), 1, 5))
        self.assertEqual(len(driver.event("msg", 60).bytes("payload")), 3_000_000)
        peer.expect(answer(PUBACK, 5))

    def test_frames_are_masked_by_chance(self):
        driver, _, peer = self.online(4, "ws")
        masks = set()
        for _ in range(8):
            driver.do("pub topic=a")
            data = b""
            while not decode_frame(data):
                data += peer.connection.recv(100)
            masks.add(data[2:6])
        self.assertEqual(len(masks), 8)


class Proxied(Case):
    """HTTP CONNECT and SOCKS 5."""

    @each({f"{kind}_{link}_{'login' if login else 'open'}": (kind, link, login)
           for kind in ("http", "socks5") for link in ("tcp", "tls", "ws", "wss")
           for login in (None, "us er:pa:ss")})
    def test_through(self, kind, link, login):
        proxy = Proxy(kind, login)
        self.addCleanup(proxy.close)
        driver, server = self.driver(), self.server(link)
        driver.do("new ver=4 id=a")
        if server.context:
            driver.do(f"tls ca={path('ca.pem')}")
        name = "us%2520er:pa%253ass@" if login else ""
        way = "ws path=/mqtt" if link in ("ws", "wss") else "tcp"
        driver.do(f"transport kind={way} proxy={kind}://{name}127.0.0.1:{proxy.port}")
        peer = self.join(driver, server, 4)
        self.assertEqual(proxy.targets, [("localhost", server.port)])
        self.assertEqual(proxy.logins, [login] if login else [])
        driver.do("pub topic=a size=100000")
        peer.expect(publish(4, "a", "x" * 100_000))
        driver.do("disconnect")
        peer.expect(wire.disconnect())

    @each({"http": ("http", 403), "socks5": ("socks5", 2)})
    def test_refused(self, kind, code):
        proxy = Proxy(kind, refuses=code)
        self.addCleanup(proxy.close)
        driver = self.driver()
        driver.do("new ver=4 id=a")
        driver.do(f"transport kind=tcp proxy={kind}://127.0.0.1:{proxy.port}")
        driver.do("connect host=localhost port=1883")
        driver.event("connect-failed", kind="tcp")

    @each({f"{kind}_{name}": (kind, login) for kind in ("http", "socks5")
           for name, login in {"none": "", "wrong": "a:b@"}.items()})
    def test_login_refused(self, kind, login):
        proxy = Proxy(kind, "user:secret")
        self.addCleanup(proxy.close)
        driver = self.driver()
        driver.do("new ver=4 id=a")
        driver.do(f"transport kind=tcp proxy={kind}://{login}127.0.0.1:{proxy.port}")
        driver.do("connect host=localhost port=1883")
        driver.event("connect-failed", kind="tcp")
        self.assertNotIn(b"a:b", driver.complaints)

    @each({"http": ("http",), "socks5": ("socks5",)})
    def test_garbage(self, kind):
        driver, server = self.driver(), self.server()
        driver.do("new ver=4 id=a")
        driver.do(f"transport kind=tcp proxy={kind}://127.0.0.1:{server.port}")
        driver.do("connect host=localhost port=1883")
        peer = server.raw()
        peer.connection.recv(3)
        peer.send(b"\xff" * 100)
        driver.event("connect-failed")

    def test_no_proxy_there(self):
        server = self.server()
        server.listener.close()
        driver = self.driver()
        driver.do("new ver=4 id=a")
        driver.do(f"transport kind=tcp proxy=http://127.0.0.1:{server.port}")
        driver.do("connect host=localhost port=1883")
        driver.event("connect-failed", kind="tcp")
