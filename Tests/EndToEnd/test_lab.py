"""The workbench: what deploy/demo shows, and its broker alone."""

import re
import shutil
import signal
import subprocess

from harness.case import EndToEndTest
from harness.mqtt import Observer
from harness.processes import ROOT, Process
from harness.waiting import free_port, listening, wait_for

LAB = ROOT / ".build/debug/sandpiper-lab"


class Lab(EndToEndTest):
    """sandpiper-lab as swift build leaves it."""

    def setUp(self):
        super().setUp()
        if not LAB.exists():
            self.skipTest("swift build has not been run")

    def test_demo_shows_live_telemetry_and_ends_at_control_c(self):
        demo = self.start(Process([LAB, "demo", "devices/greenhouse.json"], self.folder / "demo"))
        wait_for(lambda: re.search("online", demo.log()), 30, "a birth")
        wait_for(lambda: re.search("state/", demo.log()), 30, "telemetry")
        demo.signal(signal.SIGINT)
        self.assertIn(demo.wait(15), [0, -signal.SIGINT, 130])

    def test_broker_serves_mosquittos_clients(self):
        port = free_port()
        self.start(Process([LAB, "broker", "--port", port], self.folder / "broker"))
        wait_for(lambda: listening(port), 15, "the broker")
        observer = Observer(port)
        self.addCleanup(observer.close)
        observer.wait_until_subscribed()
        for qos in "012":
            subprocess.run(
                [shutil.which("mosquitto_pub"), "-p", str(port), "-q", qos, "-r", "-t", f"t/{qos}",
                 "-m", "hello"], check=True, stdin=subprocess.DEVNULL, timeout=10)
            self.assertEqual(observer.wait_for(f"t/{qos}").payload, b"hello")
