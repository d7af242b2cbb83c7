"""The ways to the broker: TLS, secure WebSockets, Unix sockets, proxies."""

import base64

from harness.case import EndToEndTest
from harness.processes import Mosquitto
from harness.profiles import door, profile
from harness.proxies import HTTPProxy, SOCKSProxy
from harness.waiting import free_port, wait_for

STATUS = "sandpiper/t1/status"


def says(state):
    """A test for messages: this state."""
    return lambda message: message.fields.get("state") == state


class Links(EndToEndTest):
    """Mosquitto with a listener of each kind, and an observer at the plain one."""

    def setUp(self):
        super().setUp()
        self.ca = self.certificates()
        self.ports = {name: free_port() for name in ["tls", "mutual", "wss", "expired"]}
        self.socket = self.folder / "broker.sock"
        settings = ["allow_anonymous true"]
        for name, port in self.ports.items():
            certificate = "expired.pem" if name == "expired" else "server.pem"
            settings += [
                f"listener {port} 127.0.0.1", f"certfile {self.ca}/{certificate}",
                f"keyfile {self.ca}/server.key"]
            if name == "mutual":
                settings += [f"cafile {self.ca}/ca.pem", "require_certificate true"]
            if name == "wss":
                settings.append("protocol websockets")
        settings.append(f"listener 0 {self.socket}")
        self.mosquitto = self.start(Mosquitto(self.folder, settings=settings))
        self.observer = self.observe(self.mosquitto)

    def device(self, url, tls=None, **more):
        """A profile with a broker at `url`."""
        device = profile(door())
        device["broker"] |= {"url": url, **more}
        if tls is not None:
            device["broker"]["tls"] = {"ca": f"{self.ca}/ca.pem", **tls}
        return device

    def lives(self, url, tls=None, **more):
        """The agent comes online over `url`, and says a proper farewell there. Returns its log."""
        mark = self.observer.mark()
        agent = self.agent(self.device(url, tls, **more), url)
        self.observer.wait_for(STATUS, says("online"), 15, since=mark)
        agent.set("door", "1")
        self.observer.wait_for(
            "sandpiper/t1/state/door", lambda m: m.fields["v"] is True, since=mark)
        self.assertEqual(agent.stop(), 0)
        self.observer.wait_for(STATUS, says("offline"), since=mark)
        self.assertEqual([m for m in self.observer.since(mark, STATUS) if says("lost")(m)], [])
        return agent.log()

    def told(self, words, url, tls=None, **more):
        """The agent says `words` in its log, and lives."""
        agent = self.agent(self.device(url, tls, **more), url)
        wait_for(lambda: words in agent.log(), 15, words)
        self.assertTrue(agent.running, agent.log())
        self.assertEqual(agent.stop(), 0)
        return agent.log()

    def test_tls(self):
        log = self.lives(f"mqtts://localhost:{self.ports['tls']}", {})
        self.assertIn("TLSv1.3, TLS_", log)

    def test_mutual_tls(self):
        self.lives(
            f"mqtts://localhost:{self.ports['mutual']}",
            {"cert": f"{self.ca}/client.pem", "key": f"{self.ca}/client-locked.key",
             "keyPassphraseFile": f"{self.ca}/passphrase"})

    def test_certificate_that_is_required_and_not_there(self):
        self.told("tls-certificate-required (", f"mqtts://localhost:{self.ports['mutual']}", {})

    def test_secure_websocket(self):
        self.lives(f"wss://localhost:{self.ports['wss']}/mqtt", {})

    def test_unix_socket(self):
        log = self.lives(f"unix://{self.socket}")
        self.assertIn(f"online at {self.socket}, session 1", log)

    def test_missing_unix_socket(self):
        self.told(f"no connection to {self.socket}x: connect-failed (No such file or directory)",
                  f"unix://{self.socket}x")

    def test_authority_that_is_not_trusted(self):
        url = f"mqtts://localhost:{self.ports['tls']}"
        self.told("tls-unknown-authority (", url, {"ca": f"{self.ca}/other-ca.pem"})

    def test_expired_certificate(self):
        self.told("tls-certificate-expired (", f"mqtts://localhost:{self.ports['expired']}", {})

    def test_insecure_takes_anything_and_says_so_loudly(self):
        log = self.lives(f"mqtts://127.0.0.1:{self.ports['expired']}", {"insecure": True})
        self.assertIn("/broker/tls/insecure: any certificate of anybody is taken", log)

    def test_missing_file_is_named(self):
        path = f"{self.ca}/nowhere.pem"
        url = f"mqtts://localhost:{self.ports['tls']}"
        self.assertIn(path, self.told("tls-file-unreadable (", url, {"ca": path}))

    def test_tls_at_the_plain_port(self):
        self.told("is this the port for TLS?", f"mqtts://localhost:{self.mosquitto.port}", {})

    def test_no_tls_at_its_port(self):
        port = self.ports["tls"]
        self.told(f"no connection to localhost:{port}: ", f"mqtt://localhost:{port}")

    def test_http_proxy_with_login(self):
        login = base64.b64encode(b"ann:proxy-secret").decode()
        proxy = HTTPProxy(login)
        self.addCleanup(proxy.close)
        password = self.folder / "proxy-password"
        password.write_text("proxy-secret\n")
        options = {"proxy": f"http://ann@127.0.0.1:{proxy.port}"}
        url = f"mqtt://localhost:{self.mosquitto.port}"
        log = self.lives(url, None, proxyPasswordFile=str(password), **options)
        self.assertEqual(proxy.requests, [f"CONNECT localhost:{self.mosquitto.port} HTTP/1.1"])
        self.assertNotIn("proxy-secret", log)

    def test_http_proxy_that_wants_a_login(self):
        proxy = HTTPProxy("secret")
        self.addCleanup(proxy.close)
        self.told("proxy-login-refused (", f"mqtt://localhost:{self.mosquitto.port}",
                  proxy=f"http://127.0.0.1:{proxy.port}")

    def test_secure_websocket_through_a_socks_proxy(self):
        proxy = SOCKSProxy()
        self.addCleanup(proxy.close)
        options = {"proxy": f"socks5://127.0.0.1:{proxy.port}"}
        self.lives(f"wss://localhost:{self.ports['wss']}/mqtt", {}, **options)
        self.assertEqual(proxy.requests, [f"3 localhost:{self.ports['wss']}"])

    def test_proxy_that_is_not_there(self):
        self.told("proxy-connect-failed (Connection refused)",
                  f"mqtt://localhost:{self.mosquitto.port}", proxy="http://127.0.0.1:1")
