"""`sandpiper doctor`: what is broken is named with what mends it, and nothing is changed."""

import json
import os
import subprocess

from harness.case import EndToEndTest
from harness.machine import Machine
from harness.mqtt import CONNACK, CONNECT, PUBLISH, SUBACK, SUBSCRIBE, packet, read_packet
from harness.processes import ROOT, Mosquitto, run
from harness.profiles import door, profile, relay, walk
from harness.servers import BadServer, say_nothing
from harness.waiting import free_port, wait_for

PUBREC = 0x50
BAD_PROFILE = 6
PASSWORD = "correct-horse-battery-staple"
THERMOMETER = ("air", {"kind": "sensor", "thermal": "cpu-thermal", "unit": "Cel"})
DYNAMIC_SECURITY = "/usr/lib/x86_64-linux-gnu/mosquitto_dynamic_security.so"


class Doctor(EndToEndTest):
    """What the findings of one run are."""

    def setUp(self):
        super().setUp()
        self.state = self.folder / "state"
        self.state.mkdir(exist_ok=True)
        self.findings = []
        self.code = None

    def examine(self, device, *options, machine=None, user=0):
        """Runs the doctor over a profile."""
        path = self.write(device)
        path.chmod(0o644)
        arguments = ["doctor", "--json", "--state", self.state, *options, path]
        done = machine.run(*arguments, user=user) if machine else run(*arguments, within=90)
        self.take(done)
        return done

    def take(self, done):
        """Reads the findings."""
        self.evidence = done.stdout + done.stderr
        self.findings = [json.loads(line) for line in done.stdout.splitlines()]
        self.code = done.returncode
        for finding in self.findings:
            self.assertEqual("fix" in finding, finding["level"] != "fine", finding)

    def expect(self, area, text, fix, level="broken"):
        """There is a finding whose text and fix match these."""
        of_area = [f for f in self.findings if f["area"] == area]
        for finding in of_area:
            if finding["level"] == level and text in finding["text"] and fix in finding.get("fix", ""):
                return
        self.fail(f"no {level} finding with {text!r} and {fix!r} among\n"
                  + "\n".join(map(str, of_area)) + "\n" + self.evidence)

    def expect_levels(self, *levels):
        """No finding is of another level."""
        others = [f for f in self.findings if f["level"] not in levels]
        self.assertEqual(others, [])

    def machine(self):
        """A machine that is made up."""
        if os.geteuid() != 0:
            self.skipTest("only root may make up a machine")
        return Machine(self.folder)

    def accounts(self, *rules, queue=1000):
        """A Mosquitto that knows ann, who may do what the rules say."""
        accounts, rights = self.folder / "accounts", self.folder / "rights"
        accounts.touch(0o600)
        subprocess.run(
            ["mosquitto_passwd", "-b", str(accounts), "ann", PASSWORD], check=True,
            stdin=subprocess.DEVNULL)
        rights.write_text("\n".join(["user ann", *rules]) + "\n")
        rights.chmod(0o600)
        (self.folder / "password").write_text(PASSWORD + "\n")
        return self.start(Mosquitto(self.folder, settings=[
            "allow_anonymous false", f"password_file {accounts}", f"acl_file {rights}"], queue=queue))

    def device(self, *points, user=True, **more):
        """A profile that logs in as ann."""
        wanted = profile(*points, **more)
        if user:
            wanted["broker"] |= {"user": "ann", "passwordFile": str(self.folder / "password")}
        return wanted

    def certificates(self):
        """Certificates of every kind."""
        folder = self.folder / "ca"
        subprocess.run([ROOT / "Tests/Tools/test-ca", folder], check=True, capture_output=True)
        return folder

    def secured(self, folder, *certificates):
        """A Mosquitto with a listener for each certificate; their URLs."""
        ports = [free_port() for _ in certificates]
        settings = ["allow_anonymous true"]
        for port, certificate in zip(ports, certificates):
            settings += [f"listener {port} 127.0.0.1", f"certfile {folder}/{certificate}",
                         f"keyfile {folder}/server.key"]
        self.start(Mosquitto(self.folder, settings=settings))
        return [f"mqtts://localhost:{port}" for port in ports]


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


class Healthy(Doctor):
    """Nothing is broken, and nobody notices the doctor."""

    def test_good_setup_is_fine_in_all(self):
        machine = self.machine()
        machine.put_thermometer("cpu-thermal", 48.5)
        mosquitto = self.accounts("topic readwrite sandpiper/t1/#")
        device = self.device(THERMOMETER, journal={"size": "64KiB"})
        agent = self.agent(device, mosquitto.url)
        wait_for(lambda: "online" in agent.log(), 15, "a session")
        self.assertEqual(agent.stop(), 0)
        before = (self.state / "t1.journal").read_bytes()
        self.examine(device, "--broker", mosquitto.url, machine=machine)
        self.expect_levels("fine")
        self.assertEqual(self.code, 0)
        for area, text in [
                ("profile", "good"), ("memory", "budget"), ("board", "needs none"),
                ("sensors", "says 48.5"), ("clock", "kept by"), ("clock", "rtc-ds1307"),
                ("storage", "can be written"), ("journal", "is good"), ("broker", "reached at"),
                ("broker", "accepts t1-doctor, with MQTT 5.0"), ("broker", "grants"),
                ("broker", "takes messages on all 5 topics"), ("broker", '"offline"')]:
            self.expect(area, text, "", "fine")
        self.assertNotIn(PASSWORD, self.evidence)
        self.assertEqual((self.state / "t1.journal").read_bytes(), before)

    def test_agent_that_runs_and_who_subscribes_notice_nothing(self):
        mosquitto = self.broker()
        device = profile(walk("air", "60s"), relay())
        agent = self.agent(device, mosquitto.url)
        observer = self.observe(mosquitto)
        observer.wait_for("sandpiper/t1/diag", within=15)
        mark = observer.mark()
        self.examine(device, "--broker", mosquitto.url)
        self.expect("broker", '"online"', "", "fine")
        self.expect("broker", "takes messages on all 7 topics", "", "fine")
        observer.publish("sandpiper/t1/cmd/pump", "true")
        observer.wait_for("sandpiper/t1/result", since=mark)
        # The agent's own messages are never empty.
        empty = [(m.topic, m.retain) for m in observer.since(mark) if not m.payload]
        self.assertEqual(empty, [("sandpiper/t1/doctor", False)])
        self.assertEqual(agent.log().count("online, session"), 1)
        self.assertNotIn("another client", agent.log())

    def test_machine_alone_is_examined_without_a_profile(self):
        done = run("doctor", "--json")
        self.take(done)
        self.assertEqual({f["area"] for f in self.findings}, {"board", "sensors", "clock", "storage"})

    def test_people_get_lines_and_a_count(self):
        done = run("doctor", "--offline", self.write(profile(door())))
        self.assertEqual(done.returncode, 1, done.stdout)
        self.assertRegex(done.stdout, r"(?m)^board +broken +this board has no GPIO chip")
        self.assertRegex(done.stdout, r"(?m)^ +to do: load the chip's driver")
        self.assertRegex(done.stdout.splitlines()[-1], r"^\d+ broken, \d+ worth knowing, \d+ fine$")
        self.assertNotRegex(done.stdout, r"(?m)^broker ")

    def test_wrong_command_line_ends_with_2(self):
        for arguments in [["--fast"], ["a.json", "b.json"], ["--broker", "http://b", "a.json"]]:
            self.assertEqual(run("doctor", *arguments).returncode, 2)


class Faults(Doctor):
    """One fault at a time."""

    def test_wrong_profile(self):
        text = json.dumps(profile(door())).replace('"kind"', '"kidn"')
        self.examine(text)
        self.assertEqual(self.code, BAD_PROFILE)
        self.expect("profile", 'did you mean "kind"?', "correct the file")
        self.expect("profile", "/points/door", "correct the file")

    def test_missing_profile(self):
        self.take(run("doctor", "--json", self.folder / "nowhere.json"))
        self.assertEqual(self.code, BAD_PROFILE)
        self.expect("profile", "No such file", "the path of the right one")

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

    def test_budget_that_does_not_suffice(self):
        self.examine(profile(walk(), budget={"memory": "8KiB"}), "--offline")
        self.assertEqual(self.code, 1)
        self.expect("memory", "budget.memory is 8192", "raise budget.memory to ")

    def test_no_chip_for_the_lines_of_the_profile(self):
        self.examine(profile(door()), "--offline", machine=self.machine())
        self.expect("board", "no GPIO chip", "load the chip's driver")

    def test_journal_that_is_damaged_or_none(self):
        mosquitto = self.broker()
        device = profile(walk("air", "50ms"), journal={"size": "64KiB", "after": "1s", "every": "1s"})
        agent = self.agent(device, mosquitto.url)
        wait_for(lambda: "online" in agent.log(), 15, "a session")
        mosquitto.stop()
        path = self.state / "t1.journal"
        wait_for(lambda: path.exists() and len(run("journal", "--json", path).stdout.splitlines()) > 200,
                 40, "records")
        self.examine(device, "--offline")
        self.expect("journal", "is good", "", "fine")
        self.expect("journal", "an agent has it", "", "fine")
        agent.kill()
        whole = path.read_bytes()
        broken = bytearray(whole)
        for place in range(9000, 9400):
            broken[place] ^= 0xFF
        path.write_bytes(broken)
        self.examine(device, "--offline")
        self.assertEqual(self.code, 1)
        self.expect("journal", "is damaged", "the agent sends what can be read")
        path.write_bytes(whole + bytes(4096))
        self.examine(device, "--offline")
        self.expect("journal", "has 69632 bytes, journal.size says 65536", "give journal.size")
        path.write_bytes(os.urandom(65536))
        self.examine(device, "--offline")
        self.expect("journal", "not a journal", f"sudo mv {path} {path}.bad")

    def test_place_of_the_journal_that_is_missing_or_read_only(self):
        machine = self.machine()
        device = profile(walk(), journal={"size": "64KiB"})
        self.state.rmdir()
        self.examine(device, "--offline", machine=machine)
        self.expect("journal", "there is no such folder", f"sudo install -d -o root {self.state}")
        self.state.mkdir()
        machine.make_read_only(self.state)
        self.examine(device, "--offline", machine=machine)
        self.expect("journal", "is mounted read-only", "sudo mount -o remount,rw")
        self.expect("storage", "is mounted read-only", "sudo mount -o remount,rw")

    def test_folder_that_belongs_to_somebody_else(self):
        self.examine(profile(walk()), "--offline", machine=self.machine(), user=65534)
        self.expect("storage", "may not be written by user nobody",
                    f"sudo chown nobody {self.state}")

    def test_chip_that_may_not_be_opened(self):
        machine = self.machine()
        groups = "root:x:0:\ngpio:x:997:{}\nnogroup:x:65534:\n"
        for owner, mode, members, fix in [
                ("gpio", "660", "ann", "sudo usermod -aG gpio nobody, then log in anew"),
                ("gpio", "660", "ann,nobody", "log in anew, restart the service"),
                ("root", "600", "", "sudo chgrp gpio /dev/gpiochip0; sudo chmod 660 /dev/gpiochip0")]:
            with self.subTest(fix):
                machine.put_chip(owner, mode, groups.format(members))
                self.examine(profile(door()), "--offline", machine=machine, user=65534)
                self.assertEqual(self.code, 1)
                self.expect(
                    "board", f"/dev/gpiochip0 may not be opened: user nobody is not allowed to; it is "
                    f"of group {owner}, mode {mode}", fix)

    def test_clock_that_nobody_has_set(self):
        machine = self.machine()
        machine.lose_clock()
        machine.set_clock(-1_700_000_000, synced=False)
        self.examine(profile(walk()), "--offline", machine=machine)
        self.expect("clock", "the clock is not set", "systemd-timesyncd")
        self.expect("clock", "no hardware clock", "add a clock", "worth-knowing")
        machine.set_clock(0)
        self.examine(profile(walk()), "--offline", machine=machine)
        self.expect("clock", "no time service keeps it", "systemd-timesyncd", "worth-knowing")

    def test_sensor_that_is_not_there(self):
        machine = self.machine()
        machine.put_thermometer("gpu-thermal", 50)
        self.examine(profile(THERMOMETER), "--offline", machine=machine)
        self.expect("sensors", 'this board has no "thermal": "cpu-thermal"', "sandpiper lines")

    def test_flash_that_is_worn(self):
        machine = self.machine()
        for life, spare, level in [("0x0b", "0x03", "broken"), ("0x0a", "0x02", "worth-knowing")]:
            machine.wear(self.state, life, spare)
            self.examine(profile(walk()), "--offline", machine=machine)
            self.expect("storage", "flash", "replace the medium", level)
        machine.wear(self.state, "0x03", "0x01")
        self.examine(profile(walk()), "--offline", machine=machine)
        self.expect("storage", "used up to 30 %", "", "fine")


class BrokenMachine(Doctor):
    """All faults at once."""

    def test_ten_faults_are_each_named_with_their_fix(self):
        machine = self.machine()
        machine.put_chip("gpio", "660", "root:x:0:\ngpio:x:997:\n")
        machine.lose_clock()
        machine.set_clock(-1_700_000_000, synced=False)
        machine.wear(self.state, "0x0b", "0x03")
        machine.make_read_only(self.state)
        (self.folder / "damaged").write_bytes(os.urandom(65536))
        (self.folder / "damaged").chmod(0o666)
        closed = free_port()
        mosquitto = self.broker()
        device = profile(
            door(), THERMOMETER, budget={"memory": "8KiB"},
            journal={"size": "64KiB", "file": str(self.folder / "damaged")})
        device["broker"] = {"urls": [
            "mqtt://no-such-host.invalid", f"mqtt://127.0.0.1:{closed}", mosquitto.url]}
        self.examine(device, machine=machine, user=65534)
        self.assertEqual(self.code, 1)
        self.expect("memory", "budget.memory is 8192", "raise budget.memory")
        self.expect("board", "may not be opened", "sudo usermod -aG gpio nobody")
        self.expect("sensors", 'no "thermal"', "sandpiper lines")
        self.expect("clock", "the clock is not set", "install a time service")
        self.expect("storage", "mounted read-only", "remount,rw")
        self.expect("storage", "past its expected life", "replace the medium")
        self.expect("journal", "not a journal", "sudo mv")
        self.expect("broker", "name: name-not-resolved", "getent hosts")
        self.expect("broker", "Connection refused", "nobody listens there")
        self.expect("broker", "accepts t1-doctor", "", "fine")
