"""A machine that is made up for one program: what its kernel shows, its chips, its clock."""

import os
import shutil
import subprocess
from pathlib import Path

from harness.processes import ROOT, device_program

# What a program sees of the machine, in a mount namespace of its own. "$1" is the machine's folder.
SCRIPT = """
set -e
machine=$1 user=$2
shift 2
mount --make-rprivate /
mount --bind "$machine/sys" /sys
[ ! -e "$machine/group" ] || mount --bind "$machine/group" /etc/group
[ ! -e "$machine/units" ] || mount --bind "$machine/units" /etc/systemd/system
if [ -e "$machine/read-only" ]; then
  mount --bind "$(cat "$machine/read-only")" "$(cat "$machine/read-only")"
  mount -o remount,ro,bind "$(cat "$machine/read-only")"
fi
mount -t tmpfs none /dev
mknod -m 666 /dev/null c 1 3
mknod -m 666 /dev/urandom c 1 9
if [ -e "$machine/chip" ]; then
  mknod /dev/gpiochip0 c 254 0
  chgrp "$(cut -d ' ' -f 1 "$machine/chip")" /dev/gpiochip0
  chmod "$(cut -d ' ' -f 2 "$machine/chip")" /dev/gpiochip0
fi
export LD_PRELOAD="$machine/clock.so" CLOCK_OFFSET="$machine/offset"
[ ! -e "$machine/synced" ] || export CLOCK_SYNCED=1
exec setpriv --reuid="$user" --regid="$user" --clear-groups "$@"
"""


class Machine:
    """Without chips and sensors, with a clock that a time service keeps, until a test says otherwise.
    Only root may make one."""

    def __init__(self, folder):
        self.folder = Path(folder) / "machine"
        (self.folder / "sys").mkdir(parents=True)
        # Somebody else than who runs the test may have to get there.
        Path(folder).chmod(0o755)
        self.program = self.folder / "sandpiper"
        shutil.copy(device_program()[0], self.program)
        subprocess.run(
            ["cc", "-O2", "-shared", "-fPIC", ROOT / "Tests/Tools/clock-set.c",
             "-o", self.folder / "clock.so"], check=True, stdin=subprocess.DEVNULL)
        self.set_clock(0)
        self._write("synced", "")
        self._write("sys/class/rtc/rtc0/name", "rtc-ds1307 1-0068")

    def _write(self, name, text):
        path = self.folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text + "\n")

    def set_clock(self, seconds, synced=True):
        """Makes its time of day wrong by so much."""
        self._write("offset", str(seconds))
        if not synced:
            (self.folder / "synced").unlink()

    def lose_clock(self):
        """Takes its hardware clock away."""
        shutil.rmtree(self.folder / "sys/class/rtc")

    def put_thermometer(self, name, degrees):
        """A thermal zone of that name."""
        self._write("sys/class/thermal/thermal_zone0/type", name)
        self._write("sys/class/thermal/thermal_zone0/temp", str(int(degrees * 1000)))

    def put_dead_sensor(self, name):
        """A sensor of hwmon that never answers: who opens a pipe waits for somebody to write."""
        folder = self.folder / "sys/class/hwmon/hwmon0"
        self._write("sys/class/hwmon/hwmon0/name", name)
        os.mkfifo(folder / "temp1_input")

    def put_chip(self, group, mode, groups):
        """A GPIO chip's device file with these permissions, and /etc/group."""
        self._write("chip", f"{group} {mode}")
        self._write("group", groups)

    def put_drop_in(self, text):
        """What the service is given for a profile."""
        self._write("units/sandpiper.service.d/profile.conf", text)

    def wear(self, path, life, spare):
        """What lies beneath `path` is flash that is so worn."""
        device = path.stat().st_dev
        block = f"sys/dev/block/{os.major(device)}:{os.minor(device)}"
        self._write(f"{block}/device/life_time", f"0x01 {life}")
        self._write(f"{block}/device/pre_eol_info", spare)

    def make_read_only(self, path):
        """Mounts a folder so that nobody can write to it."""
        self._write("read-only", str(path))

    def command(self, *arguments, user=0):
        """What runs the device program there."""
        return ["unshare", "--mount", "sh", "-c", SCRIPT, "sh", str(self.folder), str(user),
                *map(str, [self.program, *arguments])]

    def run(self, *arguments, user=0, within=90):
        """Runs the device program there, to its end."""
        return subprocess.run(
            self.command(*arguments, user=user),
            stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace",
            cwd=self.folder, timeout=within, check=False)
