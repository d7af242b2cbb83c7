"""What starts the agent anew under init systems other than systemd, with other programs in the agent's place."""

import os
import signal
import subprocess

from harness.case import EndToEndTest
from harness.debian import as_root
from harness.processes import ROOT, Process
from harness.waiting import wait_for


class Supervise(EndToEndTest):
    """Its promises about logs, and about ends."""

    # Says more than two log files hold.
    MUCH = "i=0; while [ $i -lt 9000 ]; do echo \"line $i $(printf %080d)\"; i=$((i + 1)); done; exit 6\n"

    def program(self, script):
        """A program that is this shell script."""
        program = self.write("#!/bin/sh\n" + script, "program")
        program.chmod(0o755)
        return program

    def supervise(self, log, script):
        """How it ends, with a program that is this shell script."""
        return subprocess.run([ROOT / "deploy/init/supervise", self.folder, log, self.program(script)],
                              check=False, timeout=60).returncode

    def test_who_keeps_the_log_is_there_again_when_it_was_killed(self):
        log = self.folder / "log.txt"
        program = self.program("while :; do echo \"line $((i += 1))\"; sleep 0.2; done\n")
        for shell in (["dash"], ["bash", "--posix"]):
            supervisor = self.start(Process(
                [*shell, ROOT / "deploy/init/supervise", self.folder, log, program], self.folder / "said"))
            wait_for(lambda: log.exists() and log.read_text(), 10, "a line")
            agent = (self.folder / "agent.pid").read_text().strip()
            children = subprocess.run(
                ["pgrep", "--parent", str(supervisor.pid)], capture_output=True, text=True, check=True)
            (keeper,) = set(children.stdout.split()) - {agent}
            os.kill(int(keeper), signal.SIGKILL)
            seen = log.read_text()
            wait_for(lambda: log.read_text().count("line") > seen.count("line") + 10, 10, "ten lines more")
            self.assertEqual((self.folder / "agent.pid").read_text().strip(), agent)
            self.assertNotIn("ended", log.read_text())
            supervisor.stop()
            wait_for(lambda: not self.left_behind(), 10, "the end of all that was started")
            log.unlink()

    def left_behind(self):
        """The processes that still have to do with this test."""
        done = subprocess.run(["pgrep", "--full", str(self.folder)], capture_output=True, text=True, check=False)
        return done.stdout.split()

    def test_a_log_file_is_bounded_and_its_last_lines_are_there(self):
        log = self.folder / "log.txt"
        self.assertEqual(self.supervise(log, self.MUCH), 6)
        wait_for(lambda: "not tried again" in log.read_text(), 10, "the last line")
        lines = (self.folder / "log.txt.1").read_text().splitlines() + log.read_text().splitlines()
        self.assertLess(sum(map(len, lines)), 2 * 256 * 1024)
        numbers = [int(line.split()[1]) for line in lines[:-1]]
        self.assertEqual(numbers, list(range(numbers[0], 9000)))
        self.assertGreater(len(numbers), 2500)

    def test_a_log_in_a_folder_of_others_is_bounded_too(self):
        nobody = "65534"
        for name, mode in [("logs", "755"), ("own", "755"), (".", "711")]:
            (self.folder / name).mkdir(exist_ok=True)
            as_root("chmod", mode, self.folder / name)
        supervise = self.write((ROOT / "deploy/init/supervise").read_text(), "supervise")
        log = self.folder / "logs/log.txt"
        program = self.program(self.MUCH)
        for path in (supervise, program):
            path.chmod(0o755)
        as_root("chown", nobody, self.folder / "own")
        as_root("sh", supervise, "--own-log", "nobody", log)
        done = as_root("setpriv", f"--reuid={nobody}", "--clear-groups", supervise, self.folder / "own", log, program,
                       check=False)
        self.assertEqual(done.returncode, 6, done.stderr)
        wait_for(lambda: "not tried again" in as_root("cat", log).stdout, 10, "the last line")
        self.assertLess(log.stat().st_size + (self.folder / "logs/log.txt.1").stat().st_size, 2 * 256 * 1024 + 1000)
        self.assertGreater((self.folder / "logs/log.txt.1").stat().st_size, 256 * 1024)

    def test_a_wrong_command_line_is_not_tried_again(self):
        log = self.folder / "log.txt"
        self.assertEqual(self.supervise(log, "echo once; exit 2\n"), 2)
        wait_for(lambda: "not tried again" in log.read_text(), 10, "the last line")
        self.assertEqual(log.read_text().count("once"), 1)
        wait_for(lambda: not self.left_behind(), 10, "the end of all that was started")
