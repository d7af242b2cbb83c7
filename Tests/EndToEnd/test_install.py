"""The archive for systems without apt, and the script in it that installs."""

import os

from harness.case import EndToEndTest
from harness.debian import DebianRoot, as_root, package, this_suite, unpack
from harness.profiles import door, profile


class Installing(EndToEndTest):
    """Into the files of images, but for the last."""

    def setUp(self):
        super().setUp()
        unpack(self.folder / "archive")
        self.image = self.folder / "image"
        (self.image / "etc").mkdir(parents=True)
        self.addCleanup(as_root, "rm", "-rf", self.image, self.folder / "archive")

    def install(self, *options, code=0):
        """What it says."""
        done = as_root(self.folder / "archive/install", "--destdir", self.image, *options, check=False)
        self.assertEqual(done.returncode, code, done.stdout + done.stderr)
        return done.stdout + done.stderr

    def files(self):
        """All files and links of the image, with what is in them."""
        return {str(path.relative_to(self.image)): os.readlink(path) if path.is_symlink() else path.read_bytes()
                for path in self.image.rglob("*") if path.is_symlink() or path.is_file()}

    def test_a_dry_run_does_nothing_and_names_all_that_would_be_done(self):
        told = {line.split(" ")[-1] for line in self.install("--init", "systemd", "--dry-run").splitlines()
                if "would write" in line}
        self.assertEqual(self.files(), {})
        self.install("--init", "systemd")
        links = {"etc/systemd/system/multi-user.target.wants/sandpiper.service"}
        self.assertEqual({f"{self.image}/{name}" for name in self.files().keys() - links}, told)

    def test_each_script_names_the_program_where_it_lies(self):
        for init, name in [("systemd", "opt/etc/systemd/system/sandpiper.service"), ("openrc", "etc/init.d/sandpiper"),
                           ("sysv", "etc/init.d/sandpiper")]:
            self.install("--init", init, "--prefix", "/opt/here")
            text = self.files()[name.removeprefix("opt/")].decode()
            self.assertIn("/opt/here/bin/sandpiper", text)
            self.assertNotIn("/usr/bin/sandpiper", text)
            self.assertNotIn("/usr/lib/sandpiper", text)

    def test_what_is_set_stays_and_what_was_installed_goes(self):
        kept = {"etc/sandpiper/profile.json": b"mine", "var/lib/sandpiper/t1.journal": b"readings",
                "etc/conf.d/sandpiper": b"LOG=syslog"}
        for name, text in kept.items():
            (self.image / name).parent.mkdir(parents=True)
            (self.image / name).write_bytes(text)
        self.install("--init", "openrc")
        self.assertIn(": 0 files new", self.install("--init", "openrc"))
        self.assertEqual(self.files().items() & kept.items(), kept.items())
        self.assertIn("was changed, and stays", self.install("--init", "openrc", "--uninstall"))
        self.assertEqual(self.files(), kept)

    def test_what_was_taken_out_of_the_boot_stays_out(self):
        (self.image / "etc/rc2.d").mkdir()
        for init, link in [("systemd", "etc/systemd/system/multi-user.target.wants/sandpiper.service"),
                           ("openrc", "etc/runlevels/default/sandpiper"), ("sysv", "etc/rc2.d/S60sandpiper")]:
            self.install("--init", init)
            as_root("rm", self.image / link)
            self.install("--init", init)
            self.assertNotIn(link, self.files().keys())
            self.install("--init", init, "--uninstall")
            self.install("--init", init)
            self.assertIn(link, self.files().keys())
            self.install("--init", init, "--uninstall")

    def test_it_stays_away_from_the_debian_package(self):
        status = self.image / "var/lib/dpkg/status"
        status.parent.mkdir(parents=True)
        for state, code in [("install ok installed", 1), ("install ok half-configured", 1),
                            ("deinstall ok config-files", 0)]:
            status.write_text(f"Package: sandpiper\nStatus: {state}\nArchitecture: amd64\nVersion: 1\n"
                              "Maintainer: Me\nDescription: it\n")
            said = self.install("--init", "systemd", code=code)
            self.assertEqual("remove it first" in said, code == 1, state)

    def test_what_is_wrong_is_told(self):
        for options, words in [(["--prefix", "usr"], "--prefix: a path from the root"), (["--init", "runit"], "--init: "),
                               (["--prefix", "/a b"], "letters"), (["pi-64"], "no TARGET"), (["--hurry"], "--hurry"),
                               (["--prefix"], "needs a value")]:
            self.assertIn(words, self.install(*options, code=2))

    def test_a_program_for_another_machine_is_not_installed(self):
        (self.folder / "archive/sandpiper").write_bytes(b"\x7fELF, but of another kind")
        done = as_root(self.folder / "archive/install", "--prefix", self.folder / "here", check=False)
        self.assertEqual(done.returncode, 1)
        self.assertIn("does not run here", done.stderr)
        self.assertFalse((self.folder / "here").exists())


class Systemd(EndToEndTest):
    """In a Debian, with systemctl's own book of what is enabled."""

    def setUp(self):
        super().setUp()
        self.root = DebianRoot(self, this_suite(), kind="systemd")
        unpack(self.root / "archive")

    def install(self, *options):
        """What it says."""
        return self.root.inside("/archive/install", "--init", "systemd", *options)

    def enabled(self):
        """What systemctl says of the service, whether or not systemd seems to run."""
        return self.root.inside("/usr/bin/systemctl", "--root=/", "is-enabled", "sandpiper", check=False).strip()

    def begin(self):
        """As if systemd ran, and the service; what is asked of it is in /asked."""
        as_root("mkdir", "-p", self.root / "run/systemd/system")
        self.root.put(self.write("""#!/bin/sh
echo "$*" >> /asked
case $* in *is-active* | restart* | stop* | daemon-reload) exit 0 ;; esac
exec /usr/bin/systemctl --root=/ "$@"
""", "systemctl"), "usr/local/sbin/systemctl", "755")

    def asked(self):
        """What was asked of systemd since it began."""
        return (self.root / "asked").read_text().splitlines()

    def test_an_upgrade_leaves_it_disabled(self):
        self.install()
        self.assertEqual(self.enabled(), "enabled")
        self.root.inside("systemctl", "disable", "sandpiper")
        self.install()
        self.assertEqual(self.enabled(), "disabled")

    def test_a_masked_unit_is_told_and_what_runs_is_started_anew(self):
        self.root.inside("systemctl", "mask", "sandpiper")
        self.begin()
        self.assertIn("not enabled", self.install())
        self.assertEqual(self.enabled(), "masked")
        self.assertIn("restart sandpiper", self.asked())

    def test_it_follows_the_debian_package_that_was_removed(self):
        self.root.install(package("amd64"))
        self.root.put(self.write(profile(door())), "etc/sandpiper/profile.json")
        self.root.inside("dpkg", "--remove", "sandpiper")
        self.assertEqual(self.enabled(), "masked")
        self.install()
        self.assertEqual(self.enabled(), "enabled")
        self.assertIn("good", self.root.inside("/usr/local/bin/sandpiper", "check", "/etc/sandpiper/profile.json"))

    def test_the_debian_package_over_it_says_what_hides_it_and_keeps_its_service(self):
        self.install()
        said = self.root.install(package("amd64"))
        for name in ("bin/sandpiper", "lib/systemd/system/sandpiper.service"):
            self.assertIn(f"/usr/local/{name} hides the package's", said)
        self.begin()
        self.install("--uninstall")
        self.assertEqual(self.enabled(), "enabled")
        link = self.root / "etc/systemd/system/multi-user.target.wants/sandpiper.service"
        self.assertEqual(os.readlink(link).removeprefix("/usr"), "/lib/systemd/system/sandpiper.service")
        self.assertFalse((self.root / "usr/local/lib/systemd/system/sandpiper.service").exists())
        self.assertNotIn("stop sandpiper", self.asked())
        self.assertEqual(self.asked()[-1], "restart sandpiper")
        self.assertIn("the Debian package's", self.root.inside(
            "/archive/install", "--prefix", "/usr", "--uninstall", check=False))
        self.assertTrue((self.root / "usr/bin/sandpiper").exists())
