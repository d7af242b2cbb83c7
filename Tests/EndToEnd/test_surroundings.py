"""What the agent is started in: a log that nobody reads, descriptors that are closed."""

import fcntl
import os

from harness.case import EndToEndTest
from harness.processes import Agent, Process, run
from harness.profiles import door, profile, relay

RESULT = "sandpiper/t1/result"


class Surroundings(EndToEndTest):
    """An agent with a pump that goes on as if nothing were the matter."""

    def setUp(self):
        super().setUp()
        self.mosquitto = self.broker()
        self.observer = self.observe(self.mosquitto)

    def assert_alive(self):
        """A command is answered."""
        mark = self.observer.mark()
        self.observer.publish("sandpiper/t1/cmd/pump", "true")
        self.observer.wait_for(RESULT, since=mark)

    def test_log_that_nobody_reads_stalls_nothing(self):
        log = self.folder / "agent.log"
        os.mkfifo(log)
        reader = os.open(log, os.O_RDONLY | os.O_NONBLOCK)
        self.addCleanup(os.close, reader)
        self.addCleanup(log.unlink)
        fcntl.fcntl(reader, fcntl.F_SETPIPE_SZ, 8192)
        agent = self.agent(profile(door(), relay()), self.mosquitto.url)
        self.observer.wait_for("sandpiper/t1/diag", within=15)
        # Each command is a line of the log; no more at once than the agent has answers for.
        for count in range(20, 201, 20):
            for _ in range(20):
                self.observer.publish("sandpiper/t1/cmd/pump", "true", qos=0)
            self.observer.wait_for_count(RESULT, count)
        self.assertIn(b"command for pump: on", os.read(reader, 1 << 20))
        self.assert_alive()
        self.assertRegex(os.read(reader, 4096), rb"lines lost before this one: \d+")
        self.assertEqual(agent.stop(), 0)

    def test_missing_state_folder_is_named_with_what_to_do(self):
        missing = self.folder / "missing"
        agent = self.agent(profile(door()), self.mosquitto.url, "--state", missing)
        self.observer.wait_for("sandpiper/t1/state/door")
        self.assertIn(f"{missing}/t1.session: write: No such file or directory; is the state folder there",
                      agent.log())

    def test_missing_folder_of_the_control_socket_is_named(self):
        path = self.folder / "missing" / "control"
        agent = self.agent(profile(door()), self.mosquitto.url, "--control", path)
        self.assertEqual(agent.wait(), 1)
        self.assertIn(f"control socket {path}: bind: No such file or directory; make its folder first",
                      agent.log())

    def test_what_cannot_be_set_by_hand_is_told_with_what_can(self):
        agent = self.agent(profile(door(), relay()), self.mosquitto.url)
        self.observer.wait_for("sandpiper/t1/state/door")
        missing = self.folder / "missing"
        for path, point, value, told in [
                (agent.control, "gate", "1", "no such point; there are door pump"),
                (agent.control, "door", "ajar", "no such value: on, off, 1, 0, a number or auto"),
                (agent.control, "pump", "on", "an output: commands set it"),
                (missing, "door", "1", f"{missing}: no agent answers there (run --control): "
                                       "No such file or directory")]:
            done = run("set", path, point, value)
            self.assertEqual((done.returncode, done.stderr), (1, f"sandpiper: {told}\n"))
        agent.set("door", "on")

    def test_closed_standard_descriptors_get_no_other_meaning(self):
        agent = Agent(self.folder, self.write(profile(door(), relay())), self.mosquitto.url)
        bare = self.start(Process(
            ["sh", "-c", 'exec "$@" <&- >&- 2>&-', "sh", *agent.command], agent.log_path))
        self.observer.wait_for("sandpiper/t1/diag", within=15)
        for descriptor in range(3):
            self.assertEqual(os.readlink(f"/proc/{bare.pid}/fd/{descriptor}"), "/dev/null")
        self.assert_alive()
        self.assertEqual(bare.stop(), 0)
