"""`sandpiper-lab pub` and `sub`, against Mosquitto and its own clients, in both directions."""

import json
import os
import select
import signal
import subprocess
import time

from judge import wire
from judge.case import Case, certificates, each
from judge.driver import program
from judge.mosquitto import Mosquitto, free_port

class Sub:
    """A subscriber that runs; ours, or Mosquitto's."""

    def __init__(self, command, ours):
        self.child = subprocess.Popen(
            [*command, "-d"], bufsize=0, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            stdin=subprocess.DEVNULL)
        self.ours = ours
        self.said = b""
        stream = self.child.stderr if ours else self.child.stdout
        mark = b"sub: subscribed" if ours else b"Subscribed (mid"
        deadline = time.monotonic() + 20
        while mark not in self.said:
            ready, _, _ = select.select([stream], [], [], deadline - time.monotonic())
            more = os.read(stream.fileno(), 65536) if ready else b""
            if not more:
                self.close()
                raise AssertionError(f"not subscribed: {self.said!r}")
            self.said += more

    def out(self, within=20):
        """What came on standard output, once it has ended."""
        out, more = self.child.communicate(timeout=within)
        self.said += more
        return out

    def close(self):
        """Ends it."""
        if self.child.poll() is None:
            self.child.kill()
            self.child.communicate()


class PubSub(Case):
    """One broker for each scenario."""

    def setUp(self):
        super().setUp()
        self.broker = Mosquitto()
        self.addCleanup(self.broker.remove)
        self.broker.start()
        self.port = str(self.broker.ports["tcp"])

    def where(self, link="tcp"):
        """The options that lead to the broker."""
        folder = certificates()
        port = ["-p", str(self.broker.ports.get(link, 0))]
        return {"tcp": port, "tls": [*port, "--cafile", str(folder / "ca.pem")],
                "mutual": [*port, "--cafile", str(folder / "ca.pem"),
                           "--cert", str(folder / "client.pem"),
                           "--key", str(folder / "client.key")],
                "ws": [*port, "--ws"], "wss": [*port, "--ws", "--cafile", str(folder / "ca.pem")],
                "unix": ["--unix", str(self.broker.socket)]}[link]

    def run_pub(self, *arguments, link="tcp", data=b"", ours=True, status=0):
        """Publishes; what was said on standard error."""
        command = [program(), "pub"] if ours else ["mosquitto_pub"]
        done = subprocess.run(
            [*command, *self.where(link), *arguments], input=data, capture_output=True, timeout=60,
            check=False)
        self.assertEqual(done.returncode, status, done.stderr)
        self.assertEqual(done.stdout, b"")
        return done.stderr

    def sub(self, *arguments, link="tcp", ours=True):
        """A subscriber that has subscribed."""
        # Mosquitto's keeps lines back unless a terminal reads them.
        command = [program(), "sub"] if ours else ["stdbuf", "-oL", "mosquitto_sub"]
        sub = Sub([*command, *self.where(link), *arguments], ours)
        self.addCleanup(sub.close)
        return sub

    @each({f"{link}_{ver}": (link, ver) for link in ("tcp", "tls", "mutual", "ws", "wss", "unix")
           for ver in ("31", "311", "5")})
    def test_every_link(self, link, ver):
        sub = self.sub("-t", "t/#", "-v", "-C", "4", "-q", "2", "-V", ver, link=link)
        for qos in "012":
            self.run_pub("-t", f"t/{qos}", "-m", "häl lo", "-q", qos, "-V", ver, link=link)
        self.run_pub("-t", "t/n", "-n", "-V", ver, link=link)
        self.assertEqual(sub.out().decode(),
                         "t/0 häl lo\nt/1 häl lo\nt/2 häl lo\nt/n (null)\n")
        self.assertEqual(sub.child.returncode, 0)

    @each({"theirs": (False, True), "ours": (True, False)})
    def test_both_directions(self, pub_ours, sub_ours):
        sub = self.sub("-t", "t", "-q", "2", "-C", "3", "-V", "5", "-F", "%t|%q|%r|%l|%p|%P|%C",
                       ours=sub_ours)
        for qos in "012":
            self.run_pub("-t", "t", "-m", "x y", "-q", qos, "-V", "5", "-D", "publish",
                         "user-property", "k", "v w", "-D", "PUBLISH", "content-type", "c/t",
                         ours=pub_ours)
        lines = [line for line in sub.out().decode().split("\n") if line.startswith("t|")]
        self.assertEqual(lines, [f"t|{qos}|0|3|x y|k:v w|c/t" for qos in "012"])

    def test_same_output_as_mosquitto_sub(self):
        form = ("%% %t %p %q %r %l %x %X %m|%A|%C|%D|%E|%F|%P|%R|%S|%10t|%-10t|%3.3t|%08l|%-5l|"
                "\\t\\n\\\\\\e[0m @Y @@")
        ours = self.sub("-V", "5", "-q", "1", "-t", "a/+", "-C", "3", "-F", form, "-D", "subscribe",
                        "subscription-identifier", "7")
        theirs = self.sub("-V", "5", "-q", "1", "-t", "a/+", "-C", "3", "-F", form, "-D",
                          "subscribe", "subscription-identifier", "7", ours=False)
        for payload in ("{\"a\":1}", "[1,2]", "true"):
            self.run_pub("-t", "a/b", "-q", "1", "-m", payload, "-D", "publish",
                         "user-property", "k", "v", "-D", "publish", "user-property", "l", "w",
                         "-D", "publish", "response-topic", "r", "-D", "publish",
                         "correlation-data", "cd", "-D", "publish", "message-expiry-interval",
                         "99", "-D", "publish", "payload-format-indicator", "1")
        ours, theirs = (sub.out().decode() for sub in (ours, theirs))
        # Mosquitto's tells its debugging there, too.
        kept = [row for row in theirs[theirs.index("% a/b"):].splitlines()
                if not row.startswith("Client ")]
        self.assertEqual(ours.splitlines(), kept)

    def test_json(self):
        sub = self.sub("-V", "5", "-q", "1", "-t", "t", "-C", "2", "-F", "%j")
        text = "a\"b\\c\n\t\x01é😀"
        self.run_pub("-V", "5", "-t", "t", "-q", "1", "-m", text, "-D", "publish",
                     "content-type", "\"")
        self.run_pub("-t", "t", "-s", data=b"\xff\x00")
        first, second = (json.loads(line) for line in sub.out().decode().splitlines())
        self.assertEqual((first["topic"], first["qos"], first["retain"], first["payload"]),
                         ("t", 1, 0, text))
        self.assertEqual(first["properties"], {"content-type": "\""})
        self.assertEqual(first["payloadlen"], len(text.encode()))
        self.assertEqual(second["payload"], "\ufffd\0")

    def test_json_that_is_none(self):
        sub = self.sub("-t", "t", "-C", "2", "-F", "%J")
        self.run_pub("-t", "t", "-m", "no")
        self.run_pub("-t", "t", "-m", "{\"x\": [1]}")
        out = sub.out().decode()
        self.assertEqual(json.loads(out)["payload"], {"x": [1]})
        self.assertIn(b"no JSON", sub.said)

    def test_binary_unchanged(self):
        data = os.urandom(300_000) + bytes(range(256))
        sub = self.sub("-t", "t", "-N", "-C", "1")
        self.run_pub("-t", "t", "-s", data=data)
        self.assertEqual(sub.out(), data)

    def test_large_file(self):
        path = self.broker.folder / "data"
        data = os.urandom(1 << 20) * 20
        path.write_bytes(data)
        sub = self.sub("-t", "t", "-N", "-C", "1", "-q", "1")
        self.run_pub("-t", "t", "-q", "1", "-f", str(path))
        self.assertEqual(sub.out(60), data)

    @each({f"{qos}": (qos,) for qos in "012"})
    def test_lines(self, qos):
        sub = self.sub("-t", "t", "-C", "3000", "-q", qos)
        lines = [f"line {number}".encode() for number in range(2998)] + [b"", b"no end"]
        self.run_pub("-t", "t", "-l", "-q", qos, data=b"\n".join(lines))
        self.assertEqual(sub.out(60), b"\n".join(lines) + b"\n")

    def test_lines_of_a_file(self):
        path = self.broker.folder / "lines"
        path.write_bytes(b"one\ntwo\n")
        sub = self.sub("-t", "t", "-C", "2")
        with open(path, "rb") as stream:
            done = subprocess.run([program(), "pub", *self.where(), "-t", "t", "-l"], stdin=stream,
                                  timeout=20, check=False)
        self.assertEqual((done.returncode, sub.out()), (0, b"one\ntwo\n"))

    def test_repeat(self):
        sub = self.sub("-t", "t", "-C", "5")
        since = time.monotonic()
        self.run_pub("-t", "t", "-m", "x", "--repeat", "5", "--repeat-delay", "0.1")
        self.assertGreater(time.monotonic() - since, 0.35)
        self.assertEqual(sub.out(), b"x\n" * 5)

    def test_retained(self):
        self.run_pub("-t", "r/1", "-m", "kept", "-r", "-q", "1")
        sub = self.sub("-t", "r/#", "-F", "%r %p", "-C", "1")
        self.assertEqual(sub.out(), b"1 kept\n")
        sub = self.sub("-t", "r/#", "-R", "-C", "1")
        self.run_pub("-t", "r/2", "-m", "new")
        self.assertEqual(sub.out(), b"new\n")
        sub = self.sub("-t", "r/#", "--retained-only")
        self.run_pub("-t", "r/2", "-m", "new")
        self.assertEqual(sub.out(), b"kept\n")

    def test_filtered_out(self):
        sub = self.sub("-t", "f/#", "-T", "f/no/#", "-T", "f/+/x", "-C", "2", "-v")
        for topic in ("f/no", "f/no/a", "f/a/x", "f/yes", "f/y/y"):
            self.run_pub("-t", topic, "-m", "m")
        self.assertEqual(sub.out(), b"f/yes m\nf/y/y m\n")

    def test_time_is_over(self):
        since = time.monotonic()
        sub = self.sub("-t", "t", "-W", "1")
        sub.out()
        self.assertTrue(0.9 < time.monotonic() - since < 4)
        self.assertEqual(sub.child.returncode, 27)

    def test_ends_when_subscribed(self):
        done = subprocess.run([program(), "sub", *self.where(), "-t", "t", "-U", "u", "-E"],
                              timeout=20, capture_output=True, check=False)
        self.assertEqual((done.returncode, done.stderr), (0, b""))

    @each({"int": (signal.SIGINT,), "term": (signal.SIGTERM,)})
    def test_interrupted(self, number):
        watcher = self.sub("-t", "will", "-t", "end", "-v", "-C", "1")
        sub = self.sub("-t", "t", "--will-topic", "will", "--will-payload", "lost")
        sub.child.send_signal(number)
        sub.out()
        self.assertEqual(sub.child.returncode, 0)
        # DISCONNECT was said: there is no will.
        self.run_pub("-t", "end", "-m", "x")
        self.assertEqual(watcher.out(), b"end x\n")

    @each({"311": ("311",), "5": ("5",)})
    def test_will(self, ver):
        watcher = self.sub("-t", "will", "-F", "%r %q %p", "-C", "1", "-q", "2")
        sub = self.sub("-t", "t", "-V", ver, "--will-topic", "will", "--will-payload", "lost",
                       "--will-qos", "1", "--will-retain")
        sub.child.kill()
        self.assertEqual(watcher.out(), b"0 1 lost\n")

    @each({"311": ("311", []), "5": ("5", []), "x": ("5", ["-x", "100"])})
    def test_kept_session(self, ver, more):
        sub = self.sub("-t", "q", "-q", "1", "-c", "-i", "keeper", "-V", ver, "-E", *more)
        sub.out()
        self.run_pub("-t", "q", "-q", "1", "-m", "waited")
        done = subprocess.run(
            [program(), "sub", *self.where(), "-t", "q", "-q", "1", "-c", "-i", "keeper", "-V", ver,
             "-C", "1", *more], timeout=20, capture_output=True, check=False)
        self.assertEqual(done.stdout, b"waited\n")

    def test_connects_again(self):
        sub = self.sub("-t", "t", "-C", "1", "-q", "1")
        self.broker.stop()
        self.broker.start()
        deadline = time.monotonic() + 20
        while self.run_pub("-t", "t", "-m", "back", "-q", "1") is not None:
            if sub.child.poll() is not None or time.monotonic() > deadline:
                break
            time.sleep(0.2)
        self.assertEqual(sub.out(), b"back\n")
        self.assertIn(b"connecting again", sub.said)

    def test_url(self):
        port = self.broker.ports["login"]
        sub = Sub([program(), "sub", "-L", f"mqtt://judge:pa%20ss%3aword@127.0.0.1:{port}/u/%23",
                   "-t", "u/x", "-C", "1", "-v"], True)
        self.addCleanup(sub.close)
        done = subprocess.run(
            [program(), "pub", "-L", f"mqtt://judge:pa%20ss%3aword@localhost:{port}/u/x", "-m", "m"],
            timeout=20, check=False)
        self.assertEqual((done.returncode, sub.out()), (0, b"u/x m\n"))

    def test_login(self):
        secret = self.broker.folder / "secret"
        secret.write_text(self.broker.secret + "\nrest\n")
        where = ["-p", str(self.broker.ports["login"]), "-t", "t", "-m", "x", "-q", "1"]

        def pub(*arguments):
            return subprocess.run([program(), "pub", *where, *arguments], timeout=20,
                                  capture_output=True, check=False)
        done = pub("-u", "judge", "--password-file", str(secret))
        self.assertEqual((done.returncode, done.stderr), (0, b""))
        done = pub("-u", "judge", "-P", self.broker.secret)
        self.assertEqual(done.returncode, 0)
        self.assertIn(b"--password-file", done.stderr)
        for arguments in (["-u", "judge", "-P", "wrong"], []):
            done = pub(*arguments)
            self.assertEqual(done.returncode, 1)
            self.assertIn(b"not authorised", done.stderr)
            self.assertNotIn(b"wrong", done.stderr)

    def test_nobody_there(self):
        for command in (["pub", "-t", "t", "-m", "x"], ["sub", "-t", "t"]):
            port = free_port()
            done = subprocess.run([program(), *command, "-p", str(port)], timeout=20,
                                  capture_output=True, check=False)
            self.assertEqual((done.returncode, done.stdout), (1, b""))
            self.assertEqual(
                done.stderr, f"sandpiper-lab: localhost:{port}: connect-failed (Connection refused)\n".encode())
            done = subprocess.run([program(), *command, "-p", str(free_port()), "--quiet"],
                                  timeout=20, capture_output=True, check=False)
            self.assertEqual((done.returncode, done.stderr), (1, b""))

    def test_nobody_reads(self):
        done = subprocess.run(
            f"'{program()}' sub -p {self.port} -t t -d 2>{self.broker.folder}/said | head -n 1 & "
            f"until grep -q 'sub: subscribed' {self.broker.folder}/said; do sleep 0.05; done; "
            f"for n in 1 2 3 4; do mosquitto_pub -p {self.port} -t t -m $n; sleep 0.1; done; wait",
            shell=True, timeout=20, capture_output=True, check=False)
        self.assertEqual(done.stdout, b"1\n")


class Usage(Case):
    """Wrong command lines get one clear error, and status 64 or 1; none is sent anywhere."""

    @each({name: (words,) for name, words in {
        "cafile": "sub -t t --cafile /nonexistent", "file": "pub -t t -f /nonexistent", "secret":
        "pub -t t -m x -u u --password-file /nonexistent", "signingkey":
        "care send --device d --signing-key /nonexistent status"}.items()})
    def test_unreadable_files_are_named_in_one_line(self, words):
        done = subprocess.run([program(), *words.split(" ")], timeout=20, capture_output=True,
                              stdin=subprocess.DEVNULL, check=False)
        self.assertEqual((done.returncode, done.stdout), (1, b""), done)
        self.assertRegex(done.stderr, rb"^sandpiper-lab: .*/nonexistent.*\n$")

    @each({name: (words,) for name, words in {
        "topic": "pub -m x", "message": "pub -t t", "twice": "pub -t t -m x -n", "wildcard":
        "pub -t a/# -m x", "qos": "pub -t t -m x -q 3", "version": "pub -t t -m x -V 4", "port":
        "pub -t t -m x -p 70000", "password": "pub -t t -m x -P p", "expiry": "pub -t t -m x -x 5",
        "keptunnamed": "sub -t t -c", "filter": "sub -t a#", "none": "sub", "count":
        "sub -t t -C 0", "time": "sub -t t -W 0", "format": "sub -t t -F %z", "both":
        "sub -t t -R --retained-only", "will": "sub -t t --will-payload x", "willtopic":
        "sub -t t --will-topic a/#", "property": "pub -t t -m x -D publish nonsense 5",
        "propertycommand": "pub -t t -m x -D puback reason-string x", "propertyvalue":
        "pub -t t -m x -D publish payload-format-indicator 2", "propertyplace":
        "pub -t t -m x -D publish receive-maximum 2", "propertyfew":
        "pub -t t -m x -D publish user-property k", "propertyversion":
        "pub -t t -m x -V 311 -D publish content-type c", "url": "sub -L http://x/t", "url2":
        "sub -L mqtt://h:x/t", "key":
        "sub -t t --key /nonexistent", "proxy": "sub -t t --proxy ftp://x",
        "header": "sub -t t --ws --header nonsense", "unix": "sub -t t --unix /x --ws",
        "repeat": "pub -t t -l --repeat 5", "unknown": "sub -t t --nonsense"}.items()})
    def test_refused(self, words):
        done = subprocess.run([program(), *words.split(" ")], timeout=20, capture_output=True,
                              stdin=subprocess.DEVNULL, check=False)
        self.assertEqual(done.returncode, 64, done)
        self.assertIn(b"Error: ", done.stderr)
        self.assertEqual(done.stdout, b"")

    def test_arguments_that_look_like_options(self):
        server = self.server()
        child = subprocess.Popen(
            [program(), "pub", "-p", str(server.port), "-t", "-t", "-m", "-5", "-i", "-i"],
            stderr=subprocess.PIPE)
        peer = server.accept()
        peer.expect(wire.connect(4, "-i"))
        peer.send(wire.connack(4))
        peer.expect(wire.publish(4, "-t", "-5"), wire.disconnect())
        self.assertEqual(peer.end(), b"")
        peer.close()
        self.assertEqual(child.wait(10), 0)
        child.stderr.close()

    def test_what_the_broker_does_not_take(self):
        server = self.server()
        child = subprocess.Popen(
            [program(), "pub", "-V", "5", "-p", str(server.port), "-t", "t", "-m", "x", "-q", "1"],
            stderr=subprocess.PIPE)
        peer = server.accept()
        peer.login(5)
        peer.packet()
        peer.send(wire.answer(wire.PUBACK, 1, 0x87))
        peer.expect(wire.disconnect())
        peer.close()
        self.assertIn(b"135", child.communicate(timeout=10)[1])
        self.assertEqual(child.returncode, 1)

    def test_subscriptions_that_are_refused(self):
        server = self.server()
        child = subprocess.Popen([program(), "sub", "-p", str(server.port), "-t", "t"],
                                 stderr=subprocess.PIPE)
        peer = server.accept()
        peer.login(4)
        peer.packet()
        peer.send(wire.suback(4, 1, [0x80]))
        peer.expect(wire.disconnect())
        peer.close()
        self.assertIn(b"does not grant", child.communicate(timeout=10)[1])
        self.assertEqual(child.returncode, 1)

    def test_help(self):
        for command in ("pub", "sub"):
            done = subprocess.run([program(), command, "--help"], timeout=20, capture_output=True,
                                  check=False)
            self.assertEqual(done.returncode, 0)
            self.assertIn(b"--will-topic", done.stdout)
