"""What the device program takes: memory, disk, and nothing from the heap once it runs."""

import json
import re
import shutil
import socket
import struct
import subprocess
import time

from harness.case import EndToEndTest
from harness.processes import ROOT, device_program
from harness.profiles import door, profile, relay, walk
from harness.waiting import free_port, wait_for

# The agent itself takes 730 KB, and remote care 55 more; `doctor`, `status` and `init`, with their sentences,
# the rest.
SIZE_BOUND = 1_000_000
# Half of it is the C library, of which the kernel maps what happens to be in its cache: 200 KiB more or
# less. The agent's own, nobody else's, is bounded closely.
MEMORY_BOUND_KIB = 2816
OWN_MEMORY_BOUND_KIB = 384


def allocations(path):
    """What allocation-counter.c counts: {thread: (calls, bytes, frees)}."""
    rows = struct.iter_unpack("=QQQQ", path.read_bytes())
    return {row[0]: row[1:] for row in rows if row[0]}


class Footprint(EndToEndTest):
    """Measured on this machine's own build."""

    alone = True

    def counted_agent(self, points, url, **more):
        """An agent whose allocations are counted, and the file of the counts."""
        library, counts = self.folder / "counter.so", self.folder / "counts"
        subprocess.run(
            ["cc", "-O2", "-shared", "-fPIC", ROOT / "Tests/Tools/allocation-counter.c",
             "-o", library], check=True, stdin=subprocess.DEVNULL)
        return self.agent(
            profile(*points, **more), url, "--status", self.folder / "status", environment={
                "LD_PRELOAD": str(library), "ALLOCATION_COUNTER": str(counts)}), counts

    def ask_how_it_is(self):
        """The agent's status, from its socket."""
        with socket.socket(socket.AF_UNIX) as client:
            client.settimeout(10)
            client.connect(str(self.folder / "status"))
            with client.makefile() as answer:
                return json.load(answer)

    def test_nothing_is_allocated_after_start_over_thousands_of_messages(self):
        mosquitto = self.broker()
        self.expect_no_allocations(mosquitto, mosquitto.url)

    def test_nothing_is_allocated_over_a_websocket_either(self):
        port = free_port()
        self.expect_no_allocations(
            self.broker(web_socket_port=port), f"ws://127.0.0.1:{port}/mqtt")

    def expect_no_allocations(self, mosquitto, url):
        """Thousands of readings and hundreds of commands, and not one allocation."""
        observer = self.observe(mosquitto)
        points = [walk(f"air{n}", "20ms") for n in range(8)]
        agent, counts = self.counted_agent([door(event=True), relay(), *points], url)
        observer.wait_for("sandpiper/t1/diag", within=15)
        wait_for(lambda: len(observer.since()) > 200, 30, "the first messages")
        before, mark = allocations(counts), observer.mark()
        self.assertGreater(before[agent.pid][0], 0, "the counter sees the start-up")
        for number in range(500):
            observer.publish("sandpiper/t1/cmd/pump", {"v": number % 2 == 1, "id": str(number)})
            if number % 100 == 50:
                self.assertEqual(self.ask_how_it_is()["link"]["state"], "online")
            if number % 20 == 19:
                # A flood of commands loses answers, which is another matter.
                wait_for(
                    lambda: len(observer.since(mark, "sandpiper/t1/result")) > number - 20, 30,
                    "answers")
        wait_for(lambda: len(observer.since(mark)) > 5000, 90, "thousands of messages")
        self.assertEqual(len(observer.since(mark, "sandpiper/t1/result")), 500)
        self.assertEqual(allocations(counts), before)

    def test_what_nobody_has_a_right_to_ask_for_takes_no_memory(self):
        mosquitto = self.broker()
        observer = self.observe(mosquitto)
        key = "AtUQSxK1I8ilGLS5G4NPip1D3MWuFVziUwjYMO/wS/w="
        agent, counts = self.counted_agent(
            [door()], mosquitto.url, care={"keys": [key], "allow": ["status", "profile"]})
        observer.wait_for("sandpiper/t1/diag", within=15)
        signature = "A" * 86 + "=="
        forged = f'{signature}\n{{"n":1,"do":"status"}}'
        # What is verified first: with it OpenSSL takes what it keeps.
        for _ in range(4):
            observer.publish("sandpiper/t1/care", forged)
        time.sleep(0.2)
        before = allocations(counts)[agent.pid]
        flood = [forged, "nonsense", f'{signature}\n{" " * 9000}', f'{signature}\n{" " * 40000}']
        for number in range(400):
            observer.publish("sandpiper/t1/care", flood[number % 4])
        time.sleep(3)
        between = allocations(counts)[agent.pid]
        for _ in range(6):
            observer.publish("sandpiper/t1/care", forged)
            time.sleep(1.1)
        after = allocations(counts)[agent.pid]
        print(f"        400 forged requests at once: {between[0] - before[0]} allocations; "
              f"6 that are verified: {after[0] - between[0]}, {after[2] - between[2]} given back")
        # One of the flood may be verified, or two.
        self.assertLess(between[0] - before[0], 100)
        self.assertGreater(after[0], between[0], "OpenSSL verifies")
        self.assertEqual(after[0] - between[0], after[2] - between[2])
        self.assertNotIn("care/result", " ".join(m.topic for m in observer.since()))

    def test_the_main_thread_allocates_nothing_over_an_outage(self):
        mosquitto = self.broker()
        observer = self.observe(mosquitto)
        agent, counts = self.counted_agent(
            [door(), walk("air", "50ms")], f"mqtt://localhost:{mosquitto.port}")
        observer.wait_for("sandpiper/t1/diag", within=15)
        before = allocations(counts)[agent.pid]
        mosquitto.stop()
        time.sleep(3)
        self.assertIn("fault", self.ask_how_it_is()["link"])
        mosquitto.start()
        observer.wait_for(
            "sandpiper/t1/status", lambda m: m.fields.get("session") == 2, within=30)
        again = observer.mark()
        wait_for(lambda: len(observer.since(again)) > 20, 30, "readings after the outage")
        # The thread that resolves names is the C library's business, and counted apart.
        self.assertEqual(allocations(counts)[agent.pid], before)

    def test_connected_and_idle_it_stays_small(self):
        mosquitto = self.broker()
        observer = self.observe(mosquitto)
        agent = self.agent(ROOT / "devices/greenhouse.json", mosquitto.url)
        wait_for(lambda: any("/diag" in m.topic for m in observer.since()), 15, "diagnostics")
        time.sleep(2)
        own = agent.memory("RssAnon")
        print(f"        resident, connected and idle: {agent.memory()} KiB, of its own {own} KiB")
        self.assertLess(own, OWN_MEMORY_BOUND_KIB)
        self.assertLess(agent.memory(), MEMORY_BOUND_KIB)

    def test_the_table_of_sizes_is_of_these_programs(self):
        rows = re.findall(r"^\| `(\S+)` \|.*\| (\d+) KB \|$", (ROOT / "README.md").read_text(), re.M)
        self.assertIn("amd64", dict(rows))
        for target, size in rows:
            program = ROOT / ".build-deploy" / target / "sandpiper"
            if program.exists():
                # Small changes need no new table; what they add up to does.
                self.assertAlmostEqual(
                    program.stat().st_size / 1000, int(size), delta=int(size) / 50,
                    msg=f"{target}: deploy/build --sizes writes the table in README.md anew")

    def test_it_is_small_and_brings_no_runtime(self):
        for target in ["amd64", "amd64-13"]:
            program = device_program(target)[0]
            size = (ROOT / program).stat().st_size
            print(f"        {target}: {size} bytes")
            self.assertLess(size, SIZE_BOUND)
            needed = subprocess.run(
                ["readelf", "-d", program], capture_output=True, text=True, check=True).stdout
            self.assertNotRegex(needed, r"(?i)NEEDED.*(swift|foundation|icu)")
            texts = subprocess.run(
                ["strings", "-a", program], capture_output=True, text=True, check=True).stdout
            self.assertNotRegex(texts, r"(?i)libswift|foundation|swift_getTypeByMangledName")
        if shutil.which("ldd"):
            linked = subprocess.run(
                ["ldd", device_program()[0]], capture_output=True, text=True, check=True).stdout
            self.assertNotIn("swift", linked)
