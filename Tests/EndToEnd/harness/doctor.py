"""The base of the tests of `sandpiper doctor`: what it finds, and what to set before it."""

import json
import os
import subprocess

from harness.case import EndToEndTest
from harness.machine import Machine
from harness.processes import ROOT, Mosquitto, run
from harness.profiles import profile
from harness.waiting import free_port

PASSWORD = "correct-horse-battery-staple"


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
