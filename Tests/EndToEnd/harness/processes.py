"""The programs under test, and the broker that they meet."""

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

from harness.waiting import free_port, listening, wait_for

ROOT = Path(__file__).resolve().parents[3]
# What runs a program that is not for this machine's processor: the oldest CPU of the boards it is for.
EMULATORS = {
    "pi-64": ["qemu-aarch64-static", "-cpu", "cortex-a53"],
    "pi-64-13": ["qemu-aarch64-static", "-cpu", "cortex-a53"],
    "pi-32": ["qemu-arm-static", "-cpu", "cortex-a7"],
    "pi-32-13": ["qemu-arm-static", "-cpu", "cortex-a7"],
    "pi-zero": ["qemu-arm-static", "-cpu", "arm1176"],
    "riscv64": ["qemu-riscv64-static"],
}


def device_program(target="amd64", name="sandpiper"):
    """The command of a program built for `target`, under qemu where it has to be: the device program,
    unless another is named."""
    folder = ROOT / ".build-deploy" / target
    program = str(folder / name)
    if target not in EMULATORS:
        return [program]
    return [*EMULATORS[target], "-L", str(folder / "libraries"), program]


class Process:
    """A child process whose output goes to a file; ended by its own identifier only."""

    def __init__(self, command, log, environment=None):
        self.command = [str(part) for part in command]
        self.log_path = Path(log)
        self._environment = environment or {}
        self._child = None

    def start(self):
        """Starts it; its output is appended to the log."""
        with open(self.log_path, "ab") as log:
            self._child = subprocess.Popen(
                self.command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=ROOT,
                env=os.environ | self._environment)
        return self

    @property
    def pid(self):
        """The process identifier."""
        return self._child.pid

    @property
    def running(self):
        """True until it has ended."""
        return self._child is not None and self._child.poll() is None

    def signal(self, number):
        """Sends it a signal."""
        self._child.send_signal(number)

    def wait(self, within=10):
        """Its exit status, negative for a signal; fails when it does not end in time."""
        try:
            return self._child.wait(within)
        except subprocess.TimeoutExpired:
            raise AssertionError(
                f"{self.command[0]} did not end within {within} s:\n{self.log()[-2000:]}") from None

    def stop(self, within=10):
        """SIGTERM, and its exit status."""
        self.signal(signal.SIGTERM)
        return self.wait(within)

    def kill(self):
        """SIGKILL, if it still runs."""
        if self.running:
            self._child.kill()
            self._child.wait()

    def log(self):
        """All it has written so far."""
        return self.log_path.read_text(errors="replace") if self.log_path.exists() else ""

    def processor_seconds(self):
        """The processor time that it has taken, in user and kernel mode."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    def memory(self, row="VmRSS"):
        """A row of its /proc status, in KiB."""
        for line in Path(f"/proc/{self.pid}/status").read_text().splitlines():
            if line.startswith(row + ":"):
                return int(line.split()[1])
        raise AssertionError(f"no {row}")


class Mosquitto(Process):
    """Debian's Mosquitto on a port of its own, with persistence in `folder`."""

    def __init__(self, folder, port=None, settings=(), web_socket_port=None, island=None,
                 crowded=False, queue=0):
        """`island`: the namespace to run in, where it listens on every address. `crowded`: thousands
        of clients come, so nothing is kept on disk, and only trouble is logged. `queue`: how many
        messages may wait for a client; with 0, 2.0.11 closes the connection for one that it refuses."""
        self.port = port or free_port()
        self.host = island.host if island else "127.0.0.1"
        self.data = Path(folder) / "mosquitto"
        self.data.mkdir(exist_ok=True)
        settings = [
            f"listener {self.port}{'' if island else ' 127.0.0.1'}", *(settings or ["allow_anonymous true"]),
            f"persistence {'false' if crowded else 'true'}",
            f"persistence_location {self.data}/", f"max_queued_messages {queue}", "log_dest stderr",
            *(["log_type error", "log_type warning"] if crowded else ["log_type all"]),
            "log_timestamp_format %H:%M:%S"]
        if web_socket_port:
            settings += [f"listener {web_socket_port} 127.0.0.1", "protocol websockets"]
        # Started by root it would change to a user who cannot read the folder.
        if os.geteuid() == 0:
            settings.append("user root")
        path = self.data / "mosquitto.conf"
        path.write_text("\n".join(settings) + "\n")
        program = shutil.which("mosquitto", path=f"{os.environ['PATH']}:/usr/sbin")
        self._watched_at = island.observers_host if island else self.host
        super().__init__(
            [*(island.inside if island else ()), program or "mosquitto", "-c", path],
            self.data / "log")

    def start(self):
        """Starts it; returns once it accepts connections."""
        super().start()
        wait_for(lambda: listening(self.port, self._watched_at) or not self.running, 20, "Mosquitto's start")
        assert self.running, f"Mosquitto ended at once:\n{self.log()[-2000:]}"
        return self

    @property
    def url(self):
        """Where it is, as --broker takes it."""
        return f"mqtt://{self.host}:{self.port}"


class Agent(Process):
    """The device program running a profile."""

    def __init__(self, folder, profile, url, *options, target="amd64", simulate=True,
                 environment=None):
        self.folder = Path(folder)
        # A Unix socket's path is short; the folder is one of tempfile's.
        self.control = self.folder / "control"
        self.target = target
        self.state = self.folder / "state"
        self.state.mkdir(exist_ok=True)
        command = [*device_program(target), "run", profile]
        # None: the profile's own brokers.
        command += ["--broker", url] if url else []
        command += ["--control", self.control, "--state", self.state, "--log", "debug"]
        command += ["--simulate", "--seed", "7"] if simulate else []
        super().__init__(command + list(options), self.folder / "agent.log", environment)

    def set(self, point, value):
        """Flips a line of the simulated board by hand."""
        done = run("set", self.control, point, value, target=self.target)
        assert done.returncode == 0, done.stdout + done.stderr


def run(*arguments, target="amd64", within=30):
    """Runs the device program to its end; what it wrote and how it ended."""
    return subprocess.run(
        [*device_program(target), *map(str, arguments)], stdin=subprocess.DEVNULL,
        capture_output=True, text=True, errors="replace", cwd=ROOT, timeout=within, check=False)


if sys.version_info < (3, 9):
    raise SystemExit("Python 3.9 or newer is needed")
