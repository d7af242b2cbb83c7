"""Media that fail under the running agent: it says so, goes on in memory, and comes back."""

import errno
import os
import subprocess
import tempfile
import time

from harness.island import command
from harness.processes import run
from harness.profiles import door, profile
from harness.waiting import free_port, wait_for
from test_surviving import Accounted

FULL = r"can't be written, readings wait in memory only: the medium is full"
READ_ONLY = r"can't be written, readings wait in memory only: the medium is read-only"
BROKEN = r"can't be written, readings wait in memory only: Input/output error"


class Media(Accounted):
    """A journal on a medium that the test makes fail."""

    # Memory has room for a minute of it and more: a failed medium is tried again after a minute.
    every = "400ms"

    def setUp(self):
        super().setUp()
        if os.geteuid() != 0:
            self.skipTest("only root may mount, and make a device read-only")

    @staticmethod
    def kept_count(path):
        """Records that wait in the journal; a device is none before the first."""
        done = run("journal", "--json", path)
        return len(done.stdout.splitlines())

    def fail_and_mend(self, path, fail, mend, says, environment=None):
        """An outage in which the medium fails; with --long another, after it was mended."""
        mosquitto = self.broker()
        observer = self.observe(mosquitto, persistent=True)
        device = self.device()
        device["device"]["diagnostics"] = "1s"
        device["journal"]["file"] = str(path)
        device["journal"]["size"] = "64KiB"
        agent = self.agent(device, mosquitto.url, environment=environment)
        self.online(observer)
        mosquitto.stop()
        wait_for(lambda: self.kept_count(path) > 20, 20, "records in the journal")
        fail()
        wait_for(lambda: says in agent.log(), 20, says)
        mark = observer.mark()
        mosquitto.start()
        self.online(observer, mark)
        failing = observer.wait_for(
            "sandpiper/t1/diag", lambda m: m.fields["journal"]["state"] == "failing", since=mark)
        self.assertEqual(failing.fields["losses"], {})
        mend()
        if self.take_time:
            mosquitto.stop()
            wait_for(lambda: "the journal can be written again" in agent.log(), 90, "the mending")
            wait_for(lambda: self.kept_count(path) > 20, 20, "records in the journal again")
            mosquitto.start()
            observer.wait_for(
                "sandpiper/t1/diag", lambda m: m.fields["journal"]["state"] == "good", since=mark)
        self.account(agent, observer)
        self.assertEqual(run("journal", "--verify", path).returncode, 0)

    def stand_in(self):
        """A library that makes calls fail, what to set for it, and a function that says which."""
        library = self.folder / "failing.so"
        source = os.path.join(os.path.dirname(__file__), "harness", "failing_medium.c")
        command("gcc", "-shared", "-fPIC", "-O1", "-Wall", "-Werror", "-o", library, source)
        fault = self.folder / "fault"

        def fail(call, number):
            (self.folder / "fault.new").write_text(f"{call} {number}\n")
            os.rename(self.folder / "fault.new", fault)

        return {"LD_PRELOAD": str(library), "FAILING_MEDIUM": str(fault)}, fail, fault.unlink

    def check_stand_in(self, call, number, says):
        environment, fail, mend = self.stand_in()
        self.fail_and_mend(
            self.folder / "journal", lambda: fail(call, number), mend, says, environment)

    def test_writes_that_fail(self):
        self.check_stand_in("write", errno.EIO, BROKEN)

    def test_syncs_that_fail(self):
        self.check_stand_in("sync", errno.EIO, BROKEN)

    def test_writes_without_space(self):
        self.check_stand_in("write", errno.ENOSPC, FULL)

    def test_stop_does_not_wait_for_a_sync_that_never_ends(self):
        environment, fail, _ = self.stand_in()
        path = self.folder / "journal"
        mosquitto = self.broker()
        observer = self.observe(mosquitto)
        device = self.device()
        device["journal"] |= {"file": str(path), "size": "64KiB"}
        agent = self.agent(device, mosquitto.url, environment=environment)
        self.online(observer)
        mosquitto.stop()
        wait_for(lambda: self.kept_count(path) > 5, 20, "records in the journal")
        fail("hang", 1)
        wait_for((self.folder / "fault.hung").exists, 20, "a sync that hangs")
        started = time.monotonic()
        # It was asked to stop, and has: what it could not keep is in its log.
        self.assertEqual(agent.stop(15), 0)
        seconds = time.monotonic() - started
        print(f"        stopped after {seconds:.1f} s")
        self.assertGreater(seconds, 4)
        self.assertLess(seconds, 9)
        self.assertIn(
            "the journal's medium does not answer: what it has not written is lost", agent.log())
        self.assertEqual(run("journal", "--verify", path).returncode, 0)

    def test_device_that_becomes_read_only(self):
        image = self.folder / "image"
        # A blank device is left alone, so this one begins as a file that an agent has made.
        device = profile(door(), journal={"file": str(image), "size": "64KiB"})
        agent = self.agent(device, f"mqtt://127.0.0.1:{free_port()}")
        wait_for(image.exists, 10, "a journal")
        agent.kill()
        done = subprocess.run(
            ["losetup", "--find", "--show", image], capture_output=True, text=True, check=False)
        if done.returncode:
            self.skipTest("no loop devices here: " + done.stderr)
        device = done.stdout.strip()
        # It keeps that mark when it is given to another file.
        command("blockdev", "--setrw", device)
        self.addCleanup(command, "losetup", "--detach", device)
        self.addCleanup(command, "blockdev", "--setrw", device)
        self.addCleanup(self._end_all)
        self.fail_and_mend(
            device, lambda: command("blockdev", "--setro", device),
            lambda: command("blockdev", "--setrw", device), READ_ONLY)

    def mount(self, size):
        """A small file system in memory."""
        folder = tempfile.mkdtemp(prefix="sandpiper-", dir="/tmp")
        self.addCleanup(os.rmdir, folder)
        command("mount", "-t", "tmpfs", "-o", f"size={size}", "none", folder)
        self.addCleanup(command, "umount", folder)
        self.addCleanup(self._end_all)
        return folder

    def test_journal_that_is_there_needs_no_more_space(self):
        folder = self.mount("128k")
        mosquitto = self.broker()
        observer = self.observe(mosquitto, persistent=True)
        device = self.device()
        device["journal"] |= {"file": folder + "/journal", "size": "64KiB"}
        agent = self.agent(device, mosquitto.url)
        self.online(observer)
        with open(folder + "/filler", "wb", buffering=0) as filler:
            with self.assertRaises(OSError):
                for _ in range(64):
                    filler.write(bytes(4096))
        mosquitto.stop()
        wait_for(lambda: self.kept_count(folder + "/journal") > 20, 20, "records in the journal")
        mark = observer.mark()
        mosquitto.start()
        self.online(observer, mark)
        self.account(agent, observer)
        self.assertNotIn("can't be written", agent.log())

    def test_file_system_that_is_read_only_at_the_start(self):
        folder = self.mount("128k")
        mosquitto = self.broker()
        observer = self.observe(mosquitto, persistent=True)
        device = self.device()
        device["journal"] |= {"file": folder + "/journal", "size": "64KiB"}
        command("mount", "-o", "remount,ro", folder)
        agent = self.agent(device, mosquitto.url)
        self.online(observer)
        self.assertRegex(agent.log(), "no journal.*Read-only file system")
        self.outages(agent, observer, mosquitto.stop, mosquitto.start, 1)
        self.account(agent, observer)

