"""`sandpiper status`: what an agent says of itself to whoever asks on its board."""

import errno
import json
import os
import re
import signal
import socket
import stat
import subprocess
import time

from harness.case import EndToEndTest
from harness.processes import ROOT, Agent, device_program, run
from harness.profiles import counter, door, profile, relay, walk
from harness.terminal import Terminal
from harness.waiting import free_port, wait_for


# How a broker's end looks: it closes, or resets what it had not read.
GONE = {"closed-by-broker", "connection-failed"}


def process_state(pid):
    """The letter that ps(1) shows."""
    with open(f"/proc/{pid}/stat", encoding="ascii") as stat_file:
        return stat_file.read().rpartition(")")[2].split()[0]


class Asked(EndToEndTest):
    """An agent that can be asked."""

    def setUp(self):
        super().setUp()
        self.socket = self.folder / "status"

    def asked_agent(self, device, url, *options, **settings):
        """A running agent with a socket to ask at, once that is there."""
        agent = self.agent(device, url, "--status", self.socket, *options, **settings)
        wait_for(self.socket.exists, 10, "the socket")
        return agent

    def ask(self, *options, socket_path=None):
        """What the command says, and how it ends."""
        return run("status", "--socket", socket_path or self.socket, *options)

    def status(self):
        """What the agent says."""
        done = self.ask("--json")
        self.assertIn(done.returncode, (0, 3), done.stdout + done.stderr)
        return json.loads(done.stdout)

    def online(self):
        """What the agent says once it is online."""
        def answer():
            status = self.status()
            return status if status["link"]["state"] == "online" else None

        return wait_for(answer, 15, "a connection", every=0.1)

    def point(self, name):
        """What the agent says of a point."""
        return next(point for point in self.status()["points"] if point["p"] == name)


class Status(Asked):
    """What is said, and to whom."""

    def test_it_says_what_the_agent_knows(self):
        mosquitto = self.broker()
        agent = self.asked_agent(
            profile(door(event=True), relay(), walk(unit="Cel"), journal={"size": "64KiB"},
                    budget={"flashPerDay": "1MiB"}), mosquitto.url)
        status = self.online()
        self.assertEqual((status["id"], status["base"], status["session"]), ("t1", "sandpiper", 1))
        self.assertEqual(
            status["version"], run("--version").stdout.split()[1])
        self.assertRegex(status["profile"], "^[0-9a-f]{16}$")
        self.assertLess(status["agentUptime"], 60)
        with open("/proc/uptime", encoding="ascii") as uptime:
            self.assertAlmostEqual(status["uptime"], float(uptime.read().split()[0]), delta=5)
        self.assertEqual(status["link"]["broker"], {
            "index": 0, "of": 1, "scheme": "mqtt", "tls": False, "host": "127.0.0.1",
            "port": mosquitto.port})
        self.assertEqual(status["link"]["protocol"], "5.0")
        self.assertNotIn("lastLoss", status["link"])
        self.assertEqual(status["journal"]["state"], "good")
        self.assertEqual(status["flash"], {"perDay": 1 << 20, "used": status["flash"]["used"]})
        plan = run("plan", "--simulate", self.folder / "profile.json").stdout
        self.assertEqual(status["memory"]["planned"], int(re.search(r"in all +(\d+)", plan)[1]))
        self.assertAlmostEqual(status["memory"]["residentKiB"], agent.memory(), delta=1024)
        self.assertIn("status under construction", plan)

        agent.set("door", 1)
        wait_for(lambda: self.point("door")["v"] is True, 10, "the door")
        self.assertEqual(self.point("door")["events"], 1)
        self.assertLess(self.point("door")["age"], 5)
        first = self.point("air")
        self.assertEqual((first["u"], first["q"], first["kind"]), ("Cel", "good", "sensor"))
        wait_for(lambda: self.point("air")["seq"] > first["seq"], 10, "another reading")
        self.assertLess(self.point("air")["age"], 2, "read each 200 ms")
        self.assertGreater(self.point("pump")["age"], 0)

    def test_the_screen_is_for_people(self):
        mosquitto = self.broker()
        self.asked_agent(profile(door(), walk(unit="Cel")), mosquitto.url)
        self.online()
        done = self.ask()
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, rf"(?m)^link +online for \d+ s at mqtt://127.0.0.1:{mosquitto.port}, MQTT 5.0")
        self.assertRegex(done.stdout, r"(?m)^door +off +good +\d+ s$")
        self.assertRegex(done.stdout, r"(?m)^air +[\d.]+ Cel +good +\d+ s$")

    def test_without_a_broker_it_says_so_and_ends_with_three(self):
        mosquitto = self.broker()
        self.asked_agent(profile(door(), walk()), mosquitto.url)
        self.online()
        mosquitto.stop()
        wait_for(lambda: self.status()["link"]["state"] != "online", 10, "the loss")
        wait_for(lambda: self.status()["link"].get("attempts", 0) >= 2, 20, "attempts")
        link = self.status()["link"]
        self.assertEqual(link["fault"], "connect-failed")
        self.assertIn(link["lastLoss"]["reason"], GONE)
        self.assertAlmostEqual(link["lastLoss"]["seconds"], link["seconds"], delta=0.1)
        done = self.ask()
        self.assertEqual(done.returncode, 3)
        self.assertRegex(done.stdout, r"(?m)^link +no connection for \d+ s to .*: connect-failed; failed attempts")
        wait_for(lambda: self.status()["waiting"]["telemetry"] > 3, 10, "readings that wait")
        mosquitto.start()
        again = self.online()
        self.assertIn(again["link"]["lastLoss"]["reason"], GONE)
        self.assertGreaterEqual(again["session"], 2)
        wait_for(lambda: self.status()["queue"]["unacknowledged"] < 3, 10, "an empty queue")
        self.assertEqual(self.ask().returncode, 0)

    def test_a_refusal_is_told_in_the_brokers_words(self):
        mosquitto = self.broker(settings=["allow_anonymous false"])
        self.asked_agent(profile(door()), mosquitto.url)
        wait_for(lambda: "fault" in self.status()["link"], 15, "a refusal")
        link = self.status()["link"]
        self.assertEqual((link["fault"], link["says"], link["standing"]),
                         ("refused", "not authorised", "refused"))
        self.assertIn("the broker refuses this device", self.ask().stdout)

    def test_with_nobody_there_it_says_what_to_do(self):
        done = self.ask()
        self.assertEqual(done.returncode, 1)
        self.assertIn("systemctl status sandpiper", done.stderr)
        self.assertEqual(len(done.stderr.splitlines()), 1)
        for wrong in [["--json", "--metrics"], ["--watch", "--json"], ["--socket", ""], ["x"],
                      ["--nothing"]]:
            self.assertEqual(run("status", *wrong).returncode, 2, wrong)

    def test_what_is_no_agent_is_told_apart(self):
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(self.socket))
            other.listen(1)
            command = subprocess.Popen(
                [*device_program(), "status", "--socket", self.socket], stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
            client, _ = other.accept()
            client.sendall(b'{"points": [')
            client.close()
            _, errors = command.communicate(timeout=10)
            self.assertEqual(command.returncode, 1)
            self.assertIn("no status of an agent", errors)
            # One that says nothing is not waited for for ever.
            began = time.monotonic()
            done = self.ask()
            self.assertEqual(done.returncode, 1)
            self.assertIn("does not answer", done.stderr)
            self.assertLess(time.monotonic() - began, 15)

    def test_only_user_and_group_may_ask(self):
        mosquitto = self.broker()
        old = os.umask(0o077)
        try:
            self.asked_agent(profile(door()), mosquitto.url)
        finally:
            os.umask(old)
        self.online()
        mode = self.socket.stat().st_mode
        self.assertTrue(stat.S_ISSOCK(mode))
        self.assertEqual(stat.S_IMODE(mode), 0o660)
        if os.geteuid() != 0:
            self.skipTest("only root can be somebody else")
        self.folder.chmod(0o755)
        os.chown(self.socket, 0, 4242)
        ask = [*device_program(), "status", "--socket", self.socket]
        for groups, code in [("--clear-groups", 1), ("--groups=4242", 0)]:
            done = subprocess.run(
                ["setpriv", "--reuid=4343", "--regid=4343", groups, *ask], capture_output=True,
                text=True, stdin=subprocess.DEVNULL, check=False)
            self.assertEqual(done.returncode, code, done.stderr)
            if code:
                self.assertIn("usermod -aG 4242 4343", done.stderr)

    def test_under_systemd_the_socket_is_in_the_runtime_folder(self):
        mosquitto = self.broker()
        folder = self.folder / "runtime"
        folder.mkdir()
        self.agent(profile(door()), mosquitto.url, environment={
            "RUNTIME_DIRECTORY": f"{folder}:/nowhere"})
        wait_for((folder / "status").exists, 10, "the socket")
        self.assertEqual(self.ask("--json", socket_path=folder / "status").returncode in (0, 3), True)

    def test_without_a_place_there_is_none_and_the_agent_runs(self):
        mosquitto = self.broker()
        observer = self.observe(mosquitto)
        agent = self.agent(profile(door()), mosquitto.url, environment={
            "RUNTIME_DIRECTORY": str(self.folder / "missing")})
        observer.wait_for("sandpiper/t1/state/door")
        self.assertIn("status socket", agent.log())

    def test_a_dead_agents_socket_is_replaced_a_live_ones_is_not(self):
        mosquitto = self.broker()
        first = self.asked_agent(profile(door()), mosquitto.url)
        self.online()
        second = self.start(Agent(
            self.folder / "..", self.folder / "profile.json", mosquitto.url,
            "--control", self.folder / "other", "--status", self.socket))
        self.assertEqual(second.wait(), 1)
        self.assertIn("another agent is asked there", second.log())
        self.assertEqual(self.ask().returncode, 0, "the first is still asked")
        first.kill()
        self.assertTrue(self.socket.exists())
        done = self.ask()
        self.assertEqual(done.returncode, 1)
        self.assertIn("nobody listens", done.stderr)
        third = self.asked_agent(self.folder / "profile.json", mosquitto.url)
        wait_for(lambda: self.ask().returncode == 0, 15, "the third agent's answer", every=0.1)
        third.stop()
        self.assertFalse(self.socket.exists(), "it goes with the agent")

    def test_after_a_reload_it_can_be_asked_again(self):
        mosquitto = self.broker()
        agent = self.asked_agent(profile(door()), mosquitto.url)
        before = self.online()
        self.write(profile(door(), walk()))
        agent.signal(signal.SIGHUP)

        def begun_anew():
            done = self.ask("--json")
            return done.returncode == 0 and json.loads(done.stdout)["profile"] != before["profile"]

        wait_for(begun_anew, 20, "the new profile", every=0.1)
        self.assertEqual([point["p"] for point in self.status()["points"]], ["door", "air"])


class HostileClients(Asked):
    """Those who do not read, who come in crowds, or go at once."""

    def setUp(self):
        super().setUp()
        self.mosquitto = self.broker()
        self.observer = self.observe(self.mosquitto)
        self.running = self.asked_agent(profile(walk("air", "50ms"), door()), self.mosquitto.url)
        self.online()
        self.clients = []
        self.addCleanup(lambda: [client.close() for client in self.clients])

    def connect(self):
        """A client of the socket; None where as many wait as may."""
        client = socket.socket(socket.AF_UNIX)
        client.setblocking(False)
        try:
            client.connect(str(self.socket))
        except BlockingIOError:
            client.close()
            return None
        self.clients.append(client)
        return client

    def expect_undisturbed(self, seconds=2.0):
        """Readings come at their usual pace, and who asks in order gets an answer."""
        mark = self.observer.mark()
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            began = time.monotonic()
            self.assertEqual(self.ask().returncode, 0)
            self.assertLess(time.monotonic() - began, 3)
        readings = self.observer.since(mark, "sandpiper/t1/state/air")
        pauses = [b.at - a.at for a, b in zip(readings, readings[1:])]
        self.assertGreater(len(readings), seconds * 10)
        self.assertLess(max(pauses), 1)

    def test_silent_clients_hold_up_nobody(self):
        for _ in range(20):
            self.connect()
        self.expect_undisturbed()

    def test_a_hundred_at_once_and_again_and_again(self):
        until = time.monotonic() + 3
        count = 0
        before = self.running.processor_seconds()
        while time.monotonic() < until:
            client = self.connect()
            count += 1
            if client and count % 3 == 0:
                client.close()
            if client and count % 3 == 1:
                try:
                    client.send(b"GET / HTTP/1.1\r\n\r\n")
                except OSError as error:
                    self.assertIn(error.errno, (errno.EPIPE, errno.ECONNRESET))
            if not client:
                time.sleep(0.001)
        self.assertGreater(count, 100)
        self.assertLess(self.running.processor_seconds() - before, 1.5)
        # Those that it keeps open are none: each was done with.
        wait_for(lambda: self.descriptors() < 20, 10, "its descriptors")
        for client in self.clients:
            client.close()
        self.expect_undisturbed(1)

    def descriptors(self):
        """How many descriptors the agent has open."""
        return len(os.listdir(f"/proc/{self.running.pid}/fd"))


class Metrics(Asked):
    """Read by Debian's python3-prometheus-client, as OpenMetrics and as the older text format."""

    @staticmethod
    def families(text, strict=True):
        """{name: family} of what was written."""
        # From Debian, and only here, so that the other tests run without.
        # pylint: disable=import-outside-toplevel
        from prometheus_client import parser
        from prometheus_client.openmetrics import parser as openmetrics
        read = openmetrics if strict else parser
        return {f.name: f for f in read.text_string_to_metric_families(text)}

    def test_they_are_openmetrics_text(self):
        mosquitto = self.broker()
        agent = self.asked_agent(
            profile(door(), counter(unit="L"), walk(unit="[degF]"), device="a_b-c",
                    journal={"size": "64KiB"}, budget={"flashPerDay": "1MiB"}), mosquitto.url)
        self.online()
        done = self.ask("--metrics")
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertTrue(done.stdout.endswith("\n# EOF\n"))
        families = self.families(done.stdout)
        values = {name: [(s.labels, s.value) for s in f.samples] for name, f in families.items()}
        self.assertEqual(values["sandpiper_connected"], [({}, 1)])
        self.assertEqual(values["sandpiper_connections"], [({}, 1)])
        self.assertEqual(families["sandpiper_connections"].type, "counter")
        self.assertEqual(families["sandpiper_uptime_seconds"].unit, "seconds")
        self.assertEqual(values["sandpiper_info"][0][0]["id"], "a_b-c")
        points = {labels["point"]: (labels["unit"], value)
                  for labels, value in values["sandpiper_point_value"]}
        self.assertEqual(points["door"], ("", 0))
        self.assertEqual(points["water"], ("L", 0))
        self.assertEqual(points["air"][0], "[degF]")
        self.assertTrue(5 < points["air"][1] < 35)
        self.assertEqual({labels["class"] for labels, _ in values["sandpiper_queue_records"]},
                         {"telemetry", "event", "counter", "state", "note", "answer"})
        self.assertEqual(values["sandpiper_journal_failing"], [({}, 0)])
        for name in ["journal_written_bytes", "flash_budget_bytes", "memory_planned_bytes",
                     "memory_resident_bytes", "records_acknowledged", "point_age_seconds"]:
            self.assertTrue(values[f"sandpiper_{name}"], name)
        # Each has its help, and none is of a kind that node exporter does not know.
        for family in families.values():
            self.assertIn(family.type, ("gauge", "counter"))
            self.assertTrue(family.documentation, family.name)
        older = self.families(done.stdout, strict=False)
        self.assertEqual(older["sandpiper_connected"].samples[0].value, 1)

        mosquitto.stop()
        wait_for(lambda: self.status()["link"]["state"] != "online", 10, "the loss")
        done = self.ask("--metrics")
        self.assertEqual(done.returncode, 0, "it is written without a connection, too")
        self.assertEqual(self.families(done.stdout)["sandpiper_connected"].samples[0].value, 0)
        loss = self.families(done.stdout)["sandpiper_last_loss_seconds"].samples[0]
        self.assertIn(loss.labels["reason"], GONE)
        self.assertEqual(self.families(done.stdout)["sandpiper_up"].samples[0].value, 1)

    def test_of_an_agent_that_is_dead_they_say_so(self):
        collected = self.folder / "sandpiper.prom"

        def collect():
            """What node exporter finds, by the recipe of the README."""
            subprocess.run(
                ["sh", "-c", f'"$@" > {collected}.tmp && mv {collected}.tmp {collected}', "sh",
                 *device_program(), "status", "--metrics", "--socket", self.socket],
                stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, check=False)
            return {name: [s.value for s in family.samples]
                    for name, family in self.families(collected.read_text()).items()}

        self.assertEqual(collect(), {"sandpiper_up": [0]}, "before the first start")
        mosquitto = self.broker()
        agent = self.asked_agent(profile(door()), mosquitto.url)
        self.online()
        values = collect()
        self.assertEqual((values["sandpiper_up"], values["sandpiper_connected"]), ([1], [1]))
        agent.kill()
        self.assertEqual(collect(), {"sandpiper_up": [0]})
        done = self.ask("--metrics")
        self.assertEqual(done.returncode, 0)
        self.assertIn("nobody listens", done.stderr)

    def test_losses_are_told_by_point_class_and_fate(self):
        small = profile(*[walk(f"air{n}", "10ms") for n in range(8)])
        small["uplink"]["outbox"] = "4KiB"
        self.asked_agent(small, f"mqtt://127.0.0.1:{free_port()}")
        wait_for(lambda: len(self.status()["losses"]) == 8, 30, "losses", every=0.2)
        families = self.families(self.ask("--metrics").stdout)
        told = set()
        for name, suffix in [("lost", "_total"), ("thinned", "")]:
            family = families[f"sandpiper_readings_{name}"]
            self.assertEqual({s.name for s in family.samples} - {family.name + suffix}, set())
            told |= {(s.labels["point"], s.labels["class"]) for s in family.samples if s.value > 0}
        self.assertEqual(told, {(f"air{n}", "telemetry") for n in range(8)})
        lost = families["sandpiper_readings_lost"]
        self.assertTrue({s.labels["fate"] for s in lost.samples} <= {"dropped", "expired"})
        self.assertEqual(families["sandpiper_readings_thinned"].type, "gauge")

    def test_no_total_falls_when_readings_that_were_merged_are_dropped(self):
        small = profile(*[walk(f"air{n}", "10ms") for n in range(8)])
        small["uplink"]["outbox"] = "4KiB"
        port = free_port()
        self.asked_agent(small, f"mqtt://127.0.0.1:{port}")
        totals = {}

        def thinned():
            families = self.families(self.ask("--metrics").stdout)
            for sample in [s for family in families.values() for s in family.samples]:
                if sample.name.endswith("_total"):
                    key = (sample.name, *sample.labels.values())
                    self.assertGreaterEqual(sample.value, totals.get(key, 0), key)
                    totals[key] = sample.value
            return sum(s.value for s in families["sandpiper_readings_thinned"].samples)

        wait_for(lambda: thinned() > 1000, 30, "readings that are merged", every=0.1)
        self.broker(port)
        # Once they are under way nothing can be merged with them any more, and new ones take their room.
        wait_for(lambda: thinned() < 500, 30, "their end", every=0.1)
        dropped = sum(value for key, value in totals.items() if "dropped" in key)
        self.assertGreater(dropped, 500)

    def test_odd_texts_are_escaped(self):
        odd = 'back\\slash "quoted"\nline'
        text = {"link": {"state": "online"}, "id": odd, "points": [
            {"p": "x", "v": 1e300, "u": odd, "q": "good"}, {"p": "y", "v": None, "q": "bad"},
            {"p": "z", "v": -0.5, "q": "good"}]}
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(self.socket))
            other.listen(1)
            command = subprocess.Popen(
                [*device_program(), "status", "--metrics", "--socket", self.socket],
                stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
            client, _ = other.accept()
            client.sendall(json.dumps(text).encode())
            client.close()
            output, _ = command.communicate(timeout=10)
        families = self.families(output)
        self.assertEqual(families["sandpiper_info"].samples[0].labels["id"], odd)
        values = {s.labels["point"]: s for s in families["sandpiper_point_value"].samples}
        self.assertEqual(values["x"].value, 1e300)
        self.assertEqual(values["x"].labels["unit"], odd)
        self.assertEqual(values["z"].value, -0.5)
        self.assertNotIn("y", values)


class Watch(Asked):
    """The live view, in a terminal and elsewhere."""

    def test_in_a_terminal_it_stays_in_place_and_gives_the_terminal_back(self):
        mosquitto = self.broker()
        agent = self.asked_agent(
            profile(door(), *[walk(f"air{n}") for n in range(30)]), mosquitto.url)
        self.online()
        shown = Terminal(rows=20, columns=60)
        self.addCleanup(shown.close)
        before = shown.settings()
        watch = shown.start(
            [*device_program(), "status", "--watch", "--socket", self.socket], cwd=ROOT,
            env={"TERM": "xterm"})
        self.addCleanup(watch.kill)
        shown.read_until(lambda text: "online for" in text and "lines more" in text)
        self.assertIn("\x1b[?1049h\x1b[?25l", shown.text)
        agent.set("door", 1)
        shown.read_until(lambda text: re.search(r"door +on", text))
        # All but the last, which may not be there as a whole yet.
        for picture in shown.text.split("\x1b[H")[1:-1]:
            rows = re.sub("\x1b\\[[^a-zA-Z]*[a-zA-Z]|\r", "", picture).split("\n")
            self.assertEqual(len(rows), 20)
            self.assertLess(max(map(len, rows)), 60)
        # An agent that ends is not the end of the view.
        agent.stop()
        shown.read_until(lambda text: "sandpiper: no agent" in text.rpartition("\x1b[H")[2])
        watch.send_signal(signal.SIGINT)
        self.assertEqual(watch.wait(10), 0)
        shown.read_until(lambda text: text.endswith("\x1b[?25h\x1b[?1049l"))
        self.assertEqual(shown.settings(), before)

    def watch(self, **environment):
        """One in a terminal, which it has begun to write to."""
        shown = Terminal()
        self.addCleanup(shown.close)
        watch = shown.start(
            [*device_program(), "status", "--watch", "--socket", self.socket], env=environment)
        self.addCleanup(watch.kill)
        shown.read_until(lambda text: "sandpiper" in text)
        return shown, watch

    def test_a_terminal_that_nobody_knows_gets_no_escapes(self):
        for environment in [{}, {"TERM": ""}, {"TERM": "dumb"}]:
            shown, watch = self.watch(**environment)
            shown.read_until(lambda text: text.count("no agent can be asked") > 1)
            self.assertNotIn("\x1b", shown.text)
            watch.send_signal(signal.SIGINT)
            self.assertEqual(watch.wait(10), 0)

    def test_what_stops_or_quits_it_gives_the_terminal_back(self):
        begun, ended = "\x1b[?1049h\x1b[?25l", "\x1b[?25h\x1b[?1049l"
        shown, watch = self.watch(TERM="xterm")
        watch.send_signal(signal.SIGTSTP)
        shown.read_until(lambda text: text.endswith(ended))
        wait_for(lambda: process_state(watch.pid) == "T", 10, "a stop")
        watch.send_signal(signal.SIGCONT)
        shown.read_until(lambda text: "no agent" in (text.split(begun) + ["", ""])[2])
        watch.send_signal(signal.SIGQUIT)
        self.assertEqual(watch.wait(10), 0)
        shown.read_until(lambda text: text.endswith(ended))

    def test_an_agent_that_stands_still_holds_up_no_end(self):
        with socket.socket(socket.AF_UNIX) as other:
            other.bind(str(self.socket))
            other.listen(0)
            shown = Terminal()
            self.addCleanup(shown.close)
            watch = shown.start(
                [*device_program(), "status", "--watch", "--socket", self.socket],
                env={"TERM": "xterm"})
            self.addCleanup(watch.kill)
            # It waits for the first that never answers.
            client, _ = other.accept()
            self.addCleanup(client.close)
            began = time.monotonic()
            watch.send_signal(signal.SIGINT)
            self.assertEqual(watch.wait(10), 0)
            self.assertLess(time.monotonic() - began, 2)

    def test_elsewhere_it_writes_without_escapes_until_nobody_reads(self):
        mosquitto = self.broker()
        self.asked_agent(profile(door()), mosquitto.url)
        self.online()
        watch = subprocess.Popen(
            [*device_program(), "status", "--watch", "--socket", self.socket],
            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
        self.addCleanup(watch.kill)
        seen = ""
        while seen.count("online for") < 2:
            line = watch.stdout.readline()
            self.assertTrue(line)
            seen += line
        self.assertNotIn("\x1b", seen)
        watch.stdout.close()
        self.assertEqual(watch.wait(10), 0)
