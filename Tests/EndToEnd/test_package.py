"""The Debian packages in a small Debian: installed, run, upgraded, removed and purged."""

import re

from harness.boxes import Box
from harness.case import EndToEndTest
from harness.debian import SUDO, DebianRoot, as_root, package, this_suite
from harness.processes import ROOT, Process
from harness.profiles import door, profile
from harness.waiting import free_port, listening, wait_for


class Package(EndToEndTest):
    """The Debian of this machine, on x86-64."""

    own_machine = True
    target, suite, architecture = "amd64", this_suite(), "amd64"

    def setUp(self):
        super().setUp()
        self.root = DebianRoot(self, self.suite, self.architecture)

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
        agent = self.start(Process(
            [*SUDO, "chroot", "--userspec=sandpiper:sandpiper", self.root.path, "sandpiper", "run", "--simulate",
             "--broker", mosquitto.url, "--state", "/var/lib/sandpiper", "/etc/sandpiper/profile.json"],
            self.folder / "agent.log"))
        observer.wait_for("sandpiper/t1/state/door", within=seconds)
        self.assertEqual(agent.stop(), 0)
        return [m.fields["state"] for m in observer.since(topic="sandpiper/t1/status")]

    def test_installed_run_upgraded_and_purged(self):
        path = package(self.target)
        before, accounts = self.root.files(), self.root.accounts()
        self.root.install(path)
        self.assertEqual(self.root.accounts() - accounts, {"sandpiper", "gpio"})
        self.assertIn("sandpiper ", self.root.inside("sandpiper", "--version"))
        example = "/usr/share/doc/sandpiper/examples/greenhouse.json"
        self.assertIn("good", self.root.inside("sandpiper", "check", example))
        # systemd makes the folder for the service; here nobody does.
        state = self.root / "var/lib/sandpiper"
        self.root.inside("install", "-d", "-o", "sandpiper", "-g", "sandpiper", "/var/lib/sandpiper")
        written = self.write(profile(door(), journal={"size": "64KiB"}))
        self.root.put(written, "etc/sandpiper/profile.json")
        self.assertEqual(self.run_inside()[-1], "offline")
        kept = {p.name for p in state.iterdir()}
        self.assertTrue(kept, "a journal, and the last session's number")

        self.root.install(self.newer(path))
        self.assertEqual({p.name for p in state.iterdir()}, kept)
        self.assertEqual(self.run_inside()[-1], "offline")

        self.root.inside("dpkg", "--remove", "sandpiper")
        self.assertFalse((self.root / "usr/bin/sandpiper").exists())
        self.assertTrue((self.root / "etc/sandpiper/profile.json").exists())
        self.assertEqual({p.name for p in state.iterdir()}, kept)

        self.root.inside("dpkg", "--purge", "sandpiper")
        self.assertEqual(self.root.files() - before, set())
        self.assertEqual(self.root.accounts() - accounts, {"gpio"})


class PackageDebian13(Package):
    """Debian 13 on x86-64."""

    long = True
    target, suite, architecture = "amd64-13", "trixie", "amd64"


class PackagePi(Package):
    """Debian 12 on 64-bit ARM, under qemu."""

    long = True
    target, suite, architecture = "pi-64", "bookworm", "arm64"


class Purging(EndToEndTest):
    """Where a board is not as the package has left it."""

    own_machine = True

    def test_purging_empties_a_medium_of_its_own_and_removes_a_group_with_members(self):
        root = DebianRoot(self, this_suite())
        box = Box(self, root.path)
        root.install(package("amd64"))
        box.must("usermod", "-a", "-G", "sandpiper", "nobody")
        box.must("mkdir", "/var/lib/sandpiper")
        box.must("mount", "-t", "tmpfs", "state", "/var/lib/sandpiper")
        box.must("touch", "/var/lib/sandpiper/t1.journal")
        box.must("dpkg", "--purge", "sandpiper")
        self.assertEqual(box.must("ls", "-A", "/var/lib/sandpiper"), "")
        self.assertNotIn("sandpiper", root.accounts())
        self.assertIn("gpio", root.accounts())
        self.assertNotEqual(box.run("dpkg-query", "--show", "sandpiper")[0], 0)


class LabPackage(EndToEndTest):
    """The workbench's package in the Debian that it was built on."""

    own_machine = True
    # It is built anew, with Swift's libraries inside.
    long = True

    def setUp(self):
        super().setUp()
        self.root = DebianRoot(self, this_suite())
        # A program of Swift's reads its arguments from /proc.
        self.box = Box(self, self.root.path)

    def begin(self, name, *arguments):
        """A command of the installed workbench, running."""
        return self.start(Process(
            [*SUDO, *self.box.inside("sandpiper-lab", *arguments)], self.folder / name))

    def test_installed_used_and_purged(self):
        before = self.root.files()
        self.root.install(package("lab"))
        self.knows_its_files()
        self.carries_a_message()
        manual = (ROOT / "deploy/man/sandpiper-lab.1").read_text()
        for command in re.findall(r"^  (\w+) {3,}\w", self.box.must("sandpiper-lab", "--help"), re.MULTILINE):
            self.assertIn(command, manual)
        self.root.inside("dpkg", "--purge", "sandpiper-lab")
        self.assertEqual(self.root.files() - before, set())

    def knows_its_files(self):
        said = self.box.must("sandpiper-lab", "simulate", "greenhouse", "--scenario", "weekend-outage")
        self.assertIn("every promise was kept", said)
        code, said = self.box.run("sandpiper-lab", "simulate", "aviary")
        self.assertEqual(code, 64)
        self.assertIn("no aviary among the profiles: demo, fleet, greenhouse, smallest", said)

    def carries_a_message(self):
        port = free_port()
        broker = self.begin("broker", "broker", "--port", port)
        wait_for(lambda: listening(port), 15, "the broker")
        subscriber = self.begin("sub", "sub", "-h", "127.0.0.1", "-p", port, "-t", "t/#", "-v")

        def heard():
            self.box.must("sandpiper-lab", "pub", "-h", "127.0.0.1", "-p", port, "-t", "t/1", "-m", "hello")
            return "t/1 hello" in subscriber.log()

        wait_for(heard, 15, "the message", every=0.3)
        as_root("kill", *self.box.running("/usr/bin/sandpiper-lab"))
        self.assertEqual(broker.wait(), 0)
