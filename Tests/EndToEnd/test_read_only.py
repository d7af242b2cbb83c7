"""A system that nothing is written to: what deploy/recipes/read-only-root.md promises."""

import os
import shutil
import signal
import subprocess

from harness.case import EndToEndTest
from harness.island import command
from harness.processes import Process, device_program, run
from harness.profiles import profile, walk
from harness.waiting import wait_for

STATUS = "sandpiper/t1/status"
USER = "8883"
# All of the system read-only, for one process and with no way back; "$1" is a folder to see it through, "$2" one
# that lies in memory if the third is "memory". What follows runs as a user with no rights of its own.
SCRIPT = """
set -e
root=$1 state=$2 where=$3 user=$4
shift 4
mount --make-rprivate /
mount --bind / "$root"
mount -o remount,ro,bind "$root"
mount -t proc none "$root/proc"
mount -t devtmpfs none "$root/dev"
if [ "$where" = memory ]; then
  mount -t tmpfs -o size=64k,mode=700,uid="$user",gid="$user" none "$root$state"
fi
exec chroot --userspec="$user:$user" --groups="$user" "$root" "$@"
"""


class ReadOnlyRoot(EndToEndTest):
    """The program as a service would be, on a root that is read-only."""

    def setUp(self):
        super().setUp()
        if os.geteuid() != 0:
            self.skipTest("only root may mount")
        self.folder.chmod(0o755)
        for name in ("root", "state"):
            (self.folder / name).mkdir()
        shutil.copy(device_program()[0], self.folder / "sandpiper")

    def agent_on_read_only_root(self, written, url, where):
        """A running agent. `where`: "memory" for its state, or "nowhere"."""
        path = self.write(written)
        state = self.folder / "state"
        return self.start(Process(
            ["unshare", "--mount", "sh", "-c", SCRIPT, "sh", self.folder / "root", state, where, USER,
             self.folder / "sandpiper", "run", "--simulate", "--seed", "7", "--state", state,
             "--log", "debug", "--broker", url, path], self.folder / "agent.log"))

    def partition(self, bytes_count):
        """A blank block device that the agent's user may write to."""
        image = self.folder / "image"
        image.write_bytes(bytes(bytes_count))
        done = subprocess.run(
            ["losetup", "--find", "--show", image], capture_output=True, text=True, check=False)
        if done.returncode:
            self.skipTest("no loop devices here: " + done.stderr)
        device = done.stdout.strip()
        before = os.stat(device)
        command("chgrp", USER, device)
        command("chmod", "660", device)
        self.addCleanup(command, "losetup", "--detach", device)
        self.addCleanup(os.chmod, device, before.st_mode & 0o777)
        self.addCleanup(os.chown, device, before.st_uid, before.st_gid)
        self.addCleanup(self._end_all)
        return device

    def test_with_no_place_to_write_it_says_so_and_goes_on(self):
        mosquitto = self.broker()
        observer = self.observe(mosquitto)
        agent = self.agent_on_read_only_root(
            profile(walk(), journal={"size": "64KiB"}), mosquitto.url, "nowhere")
        observer.wait_for(STATUS, lambda m: m.fields["state"] == "online", 20)
        observer.wait_for("sandpiper/t1/state/air", within=20)
        self.assertRegex(agent.log(), r"no journal, readings wait in memory only: .*Read-only file system")
        self.assertEqual(agent.stop(), 0)
        self.assertEqual(list((self.folder / "state").iterdir()), [])

    def test_journal_on_a_partition_outlives_a_state_in_memory(self):
        # All of it becomes the journal, whatever the profile's size.
        device = self.partition(2 << 20)
        written = profile(
            walk(every="100ms", report={"min": "0s"}), keep_alive="2s", reply="2s",
            journal={"file": device, "size": "64KiB", "after": "0s", "every": "1s"})
        mosquitto = self.broker()
        observer = self.observe(mosquitto, persistent=True)
        agent = self.agent_on_read_only_root(written, mosquitto.url, "memory")
        birth = observer.wait_for(STATUS, lambda m: m.fields["state"] == "online", 20)
        self.assertNotIn("no journal", agent.log())
        mosquitto.stop()
        wait_for(lambda: len(run("journal", "--json", device).stdout.splitlines()) > 20, 30,
                 "records on the partition")
        agent.signal(signal.SIGKILL)
        agent.wait()
        mark = observer.mark()
        mosquitto.start()
        agent = self.agent_on_read_only_root(written, mosquitto.url, "memory")
        again = observer.wait_for(
            STATUS, lambda m: m.fields["state"] == "online" and not m.retain, 30, mark)
        observer.wait_for(
            "sandpiper/t1/history", lambda m: any("run" in r for r in m.fields["readings"]), 30, mark)
        # The sessions' numbers were in memory: what is lost, as told.
        self.assertEqual((birth.fields["session"], again.fields["session"]), (1, 1))
        self.assertEqual(agent.stop(), 0)
        self.assertEqual(list((self.folder / "state").iterdir()), [])
