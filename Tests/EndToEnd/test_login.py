"""Logging in: the password comes from a file and shows nowhere."""

import subprocess
from pathlib import Path

from harness.case import EndToEndTest
from harness.processes import Mosquitto
from harness.profiles import door, profile
from harness.waiting import wait_for

# Of the length that a token has.
PASSWORD = "correct-horse-battery-staple-" * 12


class Login(EndToEndTest):
    """A Mosquitto that wants a name and a password."""

    def setUp(self):
        super().setUp()
        accounts = self.folder / "accounts"
        accounts.touch(0o600)
        subprocess.run(
            ["mosquitto_passwd", "-b", str(accounts), "ann", PASSWORD], check=True,
            stdin=subprocess.DEVNULL)
        self.mosquitto = self.start(Mosquitto(
            self.folder, settings=["allow_anonymous false", f"password_file {accounts}"]))
        self.password = self.folder / "password"

    def login(self, password):
        """An agent with that password in its file; None for no file."""
        if password is not None:
            self.password.write_text(password)
        wanted = profile(door())
        wanted["broker"] |= {"user": "ann", "passwordFile": str(self.password)}
        return self.agent(wanted, self.mosquitto.url, "--log", "debug")

    def test_password_of_a_file_opens_the_session_and_shows_nowhere(self):
        agent = self.login(PASSWORD + "\nsecond line\n")
        wait_for(lambda: "online" in agent.log(), 15, "a session")
        self.assertIn(f"online at 127.0.0.1:{self.mosquitto.port}, session 1", agent.log())
        process = Path("/proc") / str(agent.pid)
        for said in [agent.log().encode(), (process / "cmdline").read_bytes(),
                     (process / "environ").read_bytes()]:
            self.assertNotIn(b"correct-horse", said)

    def test_wrong_password_is_refused_and_tried_again(self):
        agent = self.login("wrong")
        told = "the broker refuses this device: refused"
        wait_for(lambda: told in agent.log(), 30, "a line in the log")
        wait_for(lambda: self.mosquitto.log().count("not authorised") >= 3, 30, "three refusals")
        self.assertEqual(agent.log().count(told), 1, "told once")
        self.assertIn("see the login", agent.log())
        self.assertNotIn("wrong", agent.log())
        self.password.write_text(PASSWORD)
        wait_for(lambda: "online" in agent.log(), 60, "a session")

    def test_missing_file_is_told_and_no_session_is_tried_without_it(self):
        agent = self.login(None)
        told = f"the password file {self.password} cannot be read: No such file or directory; " \
            f"no connection to 127.0.0.1:{self.mosquitto.port}, next attempt in "
        wait_for(lambda: told in agent.log(), 15, "a line in the log")
        self.assertNotIn("connect-failed", agent.log(), "told once, and as what it is")
        self.assertNotIn("as t1", self.mosquitto.log())
        self.assertTrue(agent.running)
