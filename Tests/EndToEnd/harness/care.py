"""Whoever cares for an agent, and the agent that can be cared for."""

import json
import subprocess

from harness.case import EndToEndTest
from harness.processes import ROOT
from harness.profiles import door, profile

LAB = ROOT / ".build/debug/sandpiper-lab"
CARE = "sandpiper/t1/care"
RESULT = CARE + "/result"
STATUS = "sandpiper/t1/status"
ALL = ["status", "log", "restart", "profile"]


class CareTest(EndToEndTest):
    """An agent with a key, and somebody who has its other half."""

    def setUp(self):
        super().setUp()
        if not LAB.exists():
            self.skipTest("swift build has not been run")
        self.mosquitto = self.broker(settings=self.settings(), queue=1000)
        self.observer = self.observe(self.mosquitto)
        self.key = self.keygen("key.pem")

    def settings(self):
        """What the broker asks of its clients."""
        return ["allow_anonymous true"]

    def keygen(self, name):
        """A key of that name in the test's folder; its public half."""
        return self.lab("care", "keygen", self.folder / name).stdout.strip()

    def lab(self, *arguments, status=0):
        """Runs the workbench to its end, which has to be of this status."""
        done = subprocess.run(
            [LAB, *map(str, arguments)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
            timeout=60, check=False)
        self.assertEqual(done.returncode, status, done.stdout + done.stderr)
        return done

    def profile(self, *, line="GPIO17", allow=None, keys=None, url=None, **more):
        """A profile that can be cared for."""
        result = profile(
            door(line), keep_alive="5s",
            care={"keys": keys or [self.key], "allow": allow or ALL}, **more)
        result["broker"]["url"] = url or self.mosquitto.url
        return result

    def begin(self, **more):
        """The agent, online with such a profile as the installed one."""
        self.installed = self.write(self.profile(**more), "installed.json")
        mark = self.observer.mark()
        runner = self.agent(self.installed, None)
        self.wait_until_online(mark)
        return runner

    def wait_until_online(self, mark, within=15):
        """Returns once a birth was heard after the mark, and the agent had time to subscribe."""
        self.observer.wait_for(
            STATUS, lambda m: m.fields["state"] == "online" and not m.retain, within, mark)
        self.observer.wait_for("sandpiper/t1/diag", within=within, since=mark)

    def send(self, *arguments, key="key.pem", status=0):
        """Sends a request; the answers. A profile holds when it has been online for half of `--within`."""
        if arguments[0] == "profile" and "--within" not in arguments:
            arguments += ("--within", "10s")
        done = self.lab(
            "care", "send", "-h", "127.0.0.1", "-p", self.mosquitto.port, "--device", "t1",
            "--signing-key", self.folder / key, *arguments, status=status)
        return [json.loads(line) for line in done.stdout.splitlines()]

    def proposed(self, name="proposed.json", **more):
        """A file with such a profile."""
        return self.write(self.profile(**more), name)

    def results(self, answers):
        """What answers say."""
        return [answer["result"] for answer in answers]

    def profile_hash(self):
        """The hash of the profile that the device runs, as its last status says."""
        return self.observer.since(0, STATUS)[-1].fields["profile"]
