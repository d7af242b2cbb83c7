"""The Debian package in a small Debian: installed, run, upgraded, removed and purged."""

import os
import subprocess
import tempfile
from functools import cache
from pathlib import Path

from harness.case import EndToEndTest
from harness.processes import ROOT, Process
from harness.profiles import door, profile

# What is not the package's: dpkg's own books, logs, and the copies that the user tools keep of what they change.
OTHERS = ("./var/lib/dpkg", "./var/log", "./var/cache", "./etc/passwd-", "./etc/shadow-", "./etc/group-",
          "./etc/gshadow-", "./etc/.pwd.lock", "./proc", "./dev", "./sys", "./run", "./tmp")


def as_root(*command, check=True, **options):
    """Runs a command as root."""
    sudo = [] if os.geteuid() == 0 else ["sudo"]
    return subprocess.run(
        [*sudo, *command], capture_output=True, text=True, check=check, **options)


@cache
def package(target):
    """The package for `target`, as deploy/package leaves it."""
    done = subprocess.run(
        [ROOT / "deploy/package", target], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return ROOT / done.stderr.split("package: ")[-1].split(": ")[0]


class Package(EndToEndTest):
    """Debian 12 on x86-64."""

    machine = True
    target, suite, architecture = "amd64", "bookworm", "amd64"

    def setUp(self):
        super().setUp()
        archive = subprocess.run(
            [ROOT / "Tests/Tools/debian-root/debian-root", self.suite, self.architecture],
            stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
        self.root = Path(tempfile.mkdtemp(prefix="sandpiper-root-"))
        self.addCleanup(as_root, "rm", "-rf", self.root)
        as_root("tar", "-x", "-C", self.root, "-f", archive)

    def inside(self, *command, check=True):
        """Runs a command in the root; its output."""
        done = as_root("chroot", self.root, *command, check=False)
        if check:
            self.assertEqual(done.returncode, 0, f"{command}\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def install(self, path):
        """Installs a package file."""
        as_root("cp", path, self.root / "tried.deb")
        said = self.inside("dpkg", "--install", "/tried.deb")
        as_root("rm", self.root / "tried.deb")
        return said

    def files(self):
        """All that is in the root and is not another's."""
        found = as_root("find", ".", "-xdev", cwd=self.root).stdout.splitlines()
        return {path for path in found if not path.startswith(OTHERS)}

    def accounts(self):
        """The names of users and groups."""
        return {line.split(":")[0] for name in ("passwd", "group")
                for line in (self.root / "etc" / name).read_text().splitlines()}

    def newer(self, path):
        """The same package under a higher version."""
        folder = self.folder / "newer"
        as_root("dpkg-deb", "--raw-extract", path, folder)
        control = folder / "DEBIAN/control"
        as_root("sed", "-i", "s/^Version: .*/Version: 99.0/", control)
        newer = self.folder / "newer.deb"
        as_root("dpkg-deb", "--root-owner-group", "--build", folder, newer)
        as_root("rm", "-rf", folder)
        return newer

    def run_inside(self, seconds=20):
        """Runs the installed program on a simulated board as the package's user; what a subscriber saw."""
        mosquitto = self.broker()
        observer = self.observe(mosquitto)
        sudo = [] if os.geteuid() == 0 else ["sudo"]
        agent = self.start(Process(
            [*sudo, "chroot", "--userspec=sandpiper:sandpiper", self.root, "sandpiper", "run", "--simulate",
             "--broker", mosquitto.url, "--state", "/var/lib/sandpiper", "/etc/sandpiper/profile.json"],
            self.folder / "agent.log"))
        observer.wait_for("sandpiper/t1/state/door", within=seconds)
        self.assertEqual(agent.stop(), 0)
        return [m.fields["state"] for m in observer.since(topic="sandpiper/t1/status")]

    def test_installed_run_upgraded_and_purged(self):
        path = package(self.target)
        before, accounts = self.files(), self.accounts()
        self.install(path)
        self.assertEqual(self.accounts() - accounts, {"sandpiper", "gpio"})
        self.assertIn("sandpiper ", self.inside("sandpiper", "--version"))
        example = "/usr/share/doc/sandpiper/examples/greenhouse.json"
        self.assertIn("good", self.inside("sandpiper", "check", example))
        # systemd makes the folder for the service; here nobody does.
        state = self.root / "var/lib/sandpiper"
        self.inside("install", "-d", "-o", "sandpiper", "-g", "sandpiper", "/var/lib/sandpiper")
        written = self.write(profile(door(), journal={"size": "64KiB"}))
        as_root("install", "-m", "644", written, self.root / "etc/sandpiper/profile.json")
        self.assertEqual(self.run_inside()[-1], "offline")
        kept = {p.name for p in state.iterdir()}
        self.assertTrue(kept, "a journal, and the last session's number")

        self.install(self.newer(path))
        self.assertEqual({p.name for p in state.iterdir()}, kept)
        self.assertEqual(self.run_inside()[-1], "offline")

        self.inside("dpkg", "--remove", "sandpiper")
        self.assertFalse((self.root / "usr/bin/sandpiper").exists())
        self.assertTrue((self.root / "etc/sandpiper/profile.json").exists())
        self.assertEqual({p.name for p in state.iterdir()}, kept)

        self.inside("dpkg", "--purge", "sandpiper")
        self.assertEqual(self.files() - before, set())
        self.assertEqual(self.accounts() - accounts, {"gpio"})


class PackageDebian13(Package):
    """Debian 13 on x86-64."""

    long = True
    target, suite, architecture = "amd64-13", "trixie", "amd64"


class PackagePi(Package):
    """Debian 12 on 64-bit ARM, under qemu."""

    long = True
    target, suite, architecture = "pi-64", "bookworm", "arm64"
