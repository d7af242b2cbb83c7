"""`sandpiper run PROFILE --simulate --scenario FILE`: a scenario in real time, against a real broker."""

import os
import re
import shutil
import signal
import subprocess
from datetime import datetime

from harness.case import EndToEndTest
from harness.processes import ROOT, Process, device_program
from harness.waiting import free_port, wait_for

LAB = ROOT / ".build/release/sandpiper-lab"
PROFILE = {
    "device": {"id": "mast", "diagnostics": "0s"},
    "broker": {"url": "mqtt://localhost", "keepAlive": "5s"},
    "uplink": {"backoff": {"min": "250ms", "max": "1s"}},
    "points": {
        "door": {"kind": "input", "line": "GPIO17", "event": True,
                 "simulate": {"on": "200ms", "off": "300ms"}},
        "air": {"kind": "sensor", "simulated": True, "every": "500ms",
                "simulate": {"wave": "sine", "period": "1m", "noise": 1}}}}


class Scenario(EndToEndTest):
    def setUp(self):
        super().setUp()
        if not LAB.exists():
            self.skipTest("swift build -c release has not been run")

    def play(self, url, scenario, *options, profile=None):
        """The device program on its way through a scenario, with the workbench on its PATH."""
        command = [*device_program(), "run", self.write(profile or PROFILE), "--simulate", "--broker", url,
                   "--scenario", self.write(scenario, "scenario.json"), *options]
        path = f"{LAB.parent}:{os.environ['PATH']}"
        return self.start(Process(command, self.folder / "run.log", {"PATH": path}))

    @staticmethod
    def numbers(observer):
        """Of each series of readings the numbers that came, run by run: each begins at 1 again, and all
        that it has said comes before what the next says."""
        runs = [{}]
        for message in observer.messages:
            parts = message.topic.split("/")[2:]
            if parts[0] == "status" and message.fields.get("reason") == "started":
                runs.append({})
            readings = message.fields.get("readings", [])
            if parts[0] in ("state", "event"):
                readings = [message.json | {"p": parts[1], "k": parts[0]}]
            for reading in readings:
                series = reading["p"], reading.get("k", "state")
                runs[-1].setdefault(series, set()).add(reading["seq"])
        return runs[1:]

    def test_a_cut_is_lived_through_and_a_kill_is_told_by_the_will(self):
        broker = self.broker()
        observer = self.observe(broker)
        run = self.play(broker.url, {"length": "11s", "events": [
            {"at": "3s", "do": "cut"},
            {"at": "3500ms", "do": "hold", "point": "door", "value": 1, "for": "2s"},
            {"at": "5s", "do": "heal"},
            {"at": "7s", "do": "kill", "for": "1s"}]})
        self.assertEqual(run.wait(30), 0, run.log())
        states = [message.json["state"] for message in observer.messages
                  if message.topic.endswith("/status")]
        self.assertEqual(states, ["online", "lost", "online", "stopping", "offline"])
        # The cut: nothing came for two seconds, and nothing is missing.
        killed = next(message.at for message in observer.messages if message.fields.get("state") == "lost")
        times = [message.at for message in observer.messages
                 if "/state/" in message.topic and message.at < killed]
        self.assertGreater(max(later - earlier for earlier, later in zip(times, times[1:])), 1.5)
        first, second = self.numbers(observer)
        for series in ("door", "state"), ("door", "event"), ("air", "state"):
            for run_of_agent in first, second:
                came = run_of_agent[series]
                self.assertEqual(came, set(range(min(came), max(came) + 1)))
        self.assertEqual(min(first["air", "state"]), 1)
        # The input was stuck, which otherwise changes twice in half a second.
        edges = [datetime.fromisoformat(message.json["t"].rstrip("Z")) for message in observer.messages
                 if message.topic.endswith("/event/door")]
        stuck = max(later - earlier for earlier, later in zip(edges, edges[1:]))
        self.assertGreater(stuck.total_seconds(), 1.5)
        for line in ("cut", "hold door for 2 s", "hold: over", "heal", "kill for 1 s", "kill: over",
                     "the scenario is over", "stopped"):
            self.assertRegex(run.log(), rf"(?m)^ +\d+\.\d{{3}}  {line}$")

    def test_a_power_cut_is_noticed_by_the_broker_alone(self):
        broker = self.broker()
        observer = self.observe(broker)
        run = self.play(broker.url, {"length": "20s", "events": [
            {"at": "1s", "do": "power-cut", "for": "16s"}]})
        lost = wait_for(lambda: next((message for message in observer.messages
                                      if message.fields.get("state") == "lost"), None), 20, "the will")
        online = next(message for message in observer.messages if message.fields.get("state") == "online")
        # 1.5 keep-alives, and what Mosquitto adds; a closed connection would have been told at once.
        self.assertGreater(lost.at - online.at, 6)
        self.assertEqual(run.wait(30), 0, run.log())
        self.assertEqual(observer.messages[-1].fields["state"], "offline")

    def test_a_signal_stops_it_in_order_whatever_is_wrong(self):
        broker = self.broker()
        observer = self.observe(broker)
        run = self.play(broker.url, {"length": "1d", "events": [{"at": "1s", "do": "cut"}]})
        wait_for(lambda: re.search("  cut$", run.log(), re.M), 20, "the cut")
        run.signal(signal.SIGINT)
        self.assertEqual(run.wait(10), 0, run.log())
        self.assertEqual(observer.messages[-1].fields["state"], "offline")

    def test_the_way_is_the_profiles_with_its_login(self):
        accounts = self.folder / "accounts"
        accounts.touch(0o600)
        subprocess.run(["mosquitto_passwd", "-b", accounts, "ann", "a secret"], check=True,
                       stdin=subprocess.DEVNULL)
        port = free_port()
        broker = self.broker(web_socket_port=port, settings=[
            "allow_anonymous false", f"password_file {accounts}"])
        password = self.folder / "password"
        login = {"user": "ann", "passwordFile": str(password)}
        run = self.play(
            f"ws://127.0.0.1:{port}/mqtt",
            {"length": "8s", "events": [{"at": "4s", "do": "reset"}]},
            profile=PROFILE | {"broker": PROFILE["broker"] | login})
        wait_for(lambda: "password file" in run.log(), 10, "a complaint")
        password.write_text("a secret\n")
        self.assertEqual(run.wait(30), 0, run.log())
        self.assertEqual(re.findall("online, session (.*)", run.log()), ["1", "2"])
        self.assertEqual(broker.log().count("as mast"), 2)

    def test_what_cannot_be_played_is_told_with_its_line(self):
        broker = self.broker()
        scenario = '{"length": "1s", "events": [\n  {"do": "restart"},\n  {"do": "slow"}]}'
        run = self.play(broker.url, scenario)
        self.assertEqual(run.wait(20), 0, run.log())
        self.assertRegex(
            run.log(), r'scenario\.json:2:3: warning: /events/0: not played: "restart" needs a broker')
        self.assertEqual(run.log().count("not played"), 1)

    def test_without_the_workbench_it_says_what_to_do(self):
        lonely = self.folder / "sandpiper"
        shutil.copy(device_program()[0], lonely)
        done = subprocess.run(
            [lonely, "run", self.write(PROFILE), "--simulate", "--scenario", "half-open"],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, env={"PATH": "/usr/bin:/bin"},
            timeout=20, check=False)
        self.assertEqual((done.returncode, done.stderr.count("\n")), (1, 1))
        self.assertIn("swift build -c release --product sandpiper-lab", done.stderr)
        done = subprocess.run(
            [lonely, "run", self.write(PROFILE), "--scenario", "half-open"], stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=20, check=False)
        self.assertEqual(done.returncode, 2)
        self.assertIn("goes with --simulate", done.stderr)
