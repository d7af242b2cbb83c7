"""The base of all end-to-end tests."""

import json
import shutil
import subprocess
import tempfile
import time
import unittest
from pathlib import Path

from harness.mqtt import Observer
from harness.processes import ROOT, Agent, Mosquitto
from harness.waiting import wait_for


class EndToEndTest(unittest.TestCase):
    """A test with a folder of its own, whose processes end with it."""

    # True: runs while no other test does, because it measures.
    alone = False
    # True: has a system of its own, which keeps a processor busy; one such test runs at a time, beside others.
    own_machine = False
    # True: runs only with --long.
    long = False
    # The runner's --long.
    take_time = False

    def setUp(self):
        self.folder = Path(tempfile.mkdtemp(prefix="sandpiper-"))
        self.addCleanup(shutil.rmtree, self.folder, ignore_errors=True)
        self.processes = []
        self.evidence = ""
        self.addCleanup(self._end_all)

    def _end_all(self):
        for process in self.processes:
            process.kill()
        self.evidence = "\n".join(
            f"--- {process.log_path.name} of {' '.join(process.command[:3])} ...\n"
            + "\n".join(process.log().splitlines()[-60:]) for process in self.processes)

    def start(self, process):
        """Starts a process that ends with the test."""
        self.processes.append(process)
        return process.start()

    def broker(self, port=None, **options):
        """A running Mosquitto."""
        return self.start(Mosquitto(self.folder, port, **options))

    def observe(self, broker, **options):
        """An observer that has subscribed to everything."""
        observer = Observer(broker.port, **options)
        self.addCleanup(observer.close)
        return observer.wait_until_subscribed()

    def write(self, profile, name="profile.json"):
        """The path of a file with that profile."""
        path = self.folder / name
        path.write_text(profile if isinstance(profile, str) else json.dumps(profile, indent=2))
        return path

    def certificates(self):
        """A folder with an authority of the test's own, and what it has issued (Tests/Tools/test-ca)."""
        folder = self.folder / "ca"
        subprocess.run([ROOT / "Tests/Tools/test-ca", folder], check=True, capture_output=True)
        return folder

    def agent(self, profile, url, *options, **settings):
        """A running agent. `profile`: a path, or what to write to a file."""
        path = profile if isinstance(profile, Path) else self.write(profile)
        return self.start(Agent(self.folder, path, url, *options, **settings))

    def wait_until_at_rest(self, agent, server):
        """Waits until an agent that a server floods takes no processor time any more: all buffers
        between the two are full then, and nothing can be done. It is still there, and connected."""
        def rests():
            before = agent.processor_seconds()
            time.sleep(1)
            is_flooded = server.connections and time.monotonic() - server.connections[0] > 3
            return is_flooded and agent.processor_seconds() - before < 0.1

        wait_for(rests, 25, "rest")
        self.assertEqual(len(server.connections), 1)
        self.assertTrue(agent.running, agent.log())
