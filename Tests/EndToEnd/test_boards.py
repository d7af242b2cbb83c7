"""The programs for boards of other processors, under qemu's user-mode emulation on a simulated board."""

import subprocess
import time

from harness.case import EndToEndTest
from harness.processes import device_program, run
from harness.profiles import door, profile, relay, walk
from harness.waiting import free_port
from test_outage import readings

STATUS = "sandpiper/t1/status"


class Pi64(EndToEndTest):
    """AArch64, as on a Raspberry Pi 3, 4, 5 or Zero 2."""

    target = "pi-64"

    def test_one_day_in_short(self):
        mosquitto = self.broker()
        observer = self.observe(mosquitto, persistent=True)
        agent = self.agent(
            profile(door(), relay(), walk("air", "500ms")), mosquitto.url, target=self.target)
        birth = observer.wait_for(STATUS, lambda m: m.fields["state"] == "online", 30)
        self.assertIn(birth.fields["version"], run("--version", target=self.target).stdout)
        for name in ["door", "pump", "air"]:
            state = observer.wait_for(f"sandpiper/t1/state/{name}", within=20)
            self.assertEqual(state.fields["q"], "good")
        self.assertTrue(0 < observer.wait_for("sandpiper/t1/state/air").fields["v"] < 40)

        agent.set("door", 1)
        observer.wait_for("sandpiper/t1/state/door", lambda m: m.fields["v"] is True)
        observer.publish("sandpiper/t1/cmd/pump", {"v": True, "id": "pi", "for": "20s"})
        result = observer.wait_for("sandpiper/t1/result").fields
        self.assertEqual((result["id"], result["result"], result["v"]), ("pi", "done", True))

        mosquitto.stop()
        time.sleep(3)
        mark = observer.mark()
        mosquitto.start()
        birth = observer.wait_for(STATUS, lambda m: m.fields["state"] == "online", 30, mark)
        self.assertGreater(birth.fields["away"]["seconds"], 2)
        observer.wait_for("sandpiper/t1/history", within=20, since=mark)

        self.assertEqual(agent.stop(20), 0)
        observer.wait_for(STATUS, lambda m: m.fields["state"] == "offline", since=mark)
        numbers = {number for name, number, _ in readings(observer.since()) if name == "air"}
        self.assertEqual(numbers, set(range(min(numbers), max(numbers) + 1)))

    def test_kill_leads_to_the_will(self):
        mosquitto = self.broker()
        observer = self.observe(mosquitto)
        agent = self.agent(profile(door()), mosquitto.url, target=self.target)
        observer.wait_for(STATUS, lambda m: m.fields["state"] == "online", 30)
        agent.kill()
        observer.wait_for(STATUS, lambda m: m.fields["state"] == "lost", 3)

    def test_readings_and_commands_over_a_websocket(self):
        port = free_port()
        mosquitto = self.broker(web_socket_port=port)
        self.expect_a_life(mosquitto, profile(relay(), walk("air", "100ms")), f"ws://127.0.0.1:{port}")

    def test_readings_and_commands_over_tls(self):
        folder, port = self.certificates(), free_port()
        mosquitto = self.broker(settings=[
            "allow_anonymous true", f"listener {port} 127.0.0.1", f"certfile {folder}/server.pem",
            f"keyfile {folder}/server.key"])
        device = profile(relay(), walk("air", "100ms"))
        device["broker"]["tls"] = {"ca": f"{folder}/ca.pem"}
        agent = self.expect_a_life(mosquitto, device, f"mqtts://localhost:{port}")
        self.assertIn("TLSv1.3, TLS_", agent.log())

    def expect_a_life(self, mosquitto, device, url):
        """Online at `url`, readings, a command, and an orderly stop."""
        observer = self.observe(mosquitto)
        agent = self.agent(device, url, target=self.target)
        observer.wait_for("sandpiper/t1/diag", within=30)
        observer.publish("sandpiper/t1/cmd/pump", {"v": True, "id": "pi"})
        self.assertEqual(observer.wait_for("sandpiper/t1/result").fields["result"], "done")
        observer.wait_for_count("sandpiper/t1/state/air", 20)
        self.assertEqual(agent.stop(20), 0)
        observer.wait_for(STATUS, lambda m: m.fields["state"] == "offline")
        return agent

    def test_broken_profile_is_refused(self):
        done = run("check", self.write('{"device": {"id": 12}}'), target=self.target)
        self.assertEqual(done.returncode, 6, done.stdout + done.stderr)


class Pi64Debian13(Pi64):
    """The same with libgpiod 2 and a younger OpenSSL."""

    target, long = "pi-64-13", True


class Pi32(Pi64):
    """ARMv7 with hard floats, as with a 32-bit Debian 12 on a Raspberry Pi 2, 3 or 4."""

    target = "pi-32"


class Pi32Debian13(Pi64):
    """The same with Debian 13, where times have 64 bits in OpenSSL too."""

    target, long = "pi-32-13", True


class PiZero(Pi64):
    """ARMv6, static, as on a Raspberry Pi Zero or 1."""

    target = "pi-zero"


class RISCV64(Pi64):
    """64-bit RISC-V with Debian 13."""

    target = "riscv64"


class SelfTest(EndToEndTest):
    """Packets, sessions, journals and numbers are what they have to be (Tests/SelfTest)."""

    def expect_it_passes(self, target):
        """It runs to its end, and every fact holds."""
        done = subprocess.run(
            device_program(target, "self-test"), stdin=subprocess.DEVNULL, capture_output=True,
            text=True, timeout=60, check=False)
        self.assertEqual(done.returncode, 0, done.stdout[-2000:] + done.stderr)
        self.assertRegex(done.stdout, r"^[1-9]\d{3} passed, 0 failed\n$")

    def test_passes_on_x86_64(self):
        self.expect_it_passes("amd64")

    def test_passes_on_64_bit_arm(self):
        self.expect_it_passes("pi-64")

    def test_passes_on_armv7(self):
        self.expect_it_passes("pi-32")

    def test_passes_on_armv6(self):
        self.expect_it_passes("pi-zero")

    def test_passes_on_risc_v(self):
        self.expect_it_passes("riscv64")
