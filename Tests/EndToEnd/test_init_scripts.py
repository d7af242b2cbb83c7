"""The scripts for init systems other than systemd, which keep the agent running, from the archive that has them."""

import os
import time
from pathlib import Path

from harness.boxes import Box
from harness.case import EndToEndTest
from harness.debian import DebianRoot, as_root, this_suite, unpack
from harness.processes import ROOT
from harness.profiles import door, profile
from harness.waiting import wait_for

STATUS = "sandpiper/t1/status"
GOOD = profile(door(), journal={"size": "64KiB"})
WRONG = {"points": 1}


class Life:
    """What a script promises, from the installation to the removal. Subclasses say which script, and where."""

    prefix = "/usr/local"
    script = "/etc/init.d/sandpiper"
    settings = "etc/default/sandpiper"
    log = "var/log/sandpiper/log"
    # What starts a service that has ended by itself.
    again = "start"

    def test_it_keeps_the_agent_running_and_leaves_nothing_but_what_it_keeps(self):
        self.session = 0
        self.mosquitto = self.broker()
        self.observer = self.observe(self.mosquitto)
        self.set_up()
        for fact in (self.not_started_without_a_profile, self.started_as_its_own_user, self.comes_back_when_killed,
                     self.its_group_may_ask_how_it_is, self.a_bad_profile_changes_nothing,
                     self.one_agent_after_its_supervisor_was_killed, self.none_after_a_stop_without_supervisor,
                     self.a_wrong_profile_is_not_tried_again, self.its_log_is_where_it_was_set,
                     self.a_frozen_agent_has_the_time_to_stop_that_was_set, self.says_goodbye, self.begins_again,
                     self.upgraded, self.removed):
            try:
                fact()
            except AssertionError as error:
                log = as_root("cat", self.root / self.log, check=False).stdout
                raise AssertionError(f"{fact.__name__}: {error}\n{log[-3000:]}") from error

    def service(self, verb, wanted=0):
        """Tells the script to; what it said. `wanted`: its exit status, None for any but 0."""
        code, said = self.box.run(self.script, verb)
        self.assertTrue(code == wanted if wanted is not None else code, f"{verb} ended with {code}: {said}")
        return said

    def settle_on(self, written):
        """Writes the service's profile."""
        as_root("install", "-D", "-m", "644", self.write(written), self.root / "etc/sandpiper/profile.json")

    def set(self, name, value):
        """Sets a variable of the script's."""
        as_root("tee", "-a", self.root / self.settings, input=f"{name}='{value}'\n")

    def agents(self):
        """The process identifiers of all agents."""
        return self.box.running(f"{self.prefix}/bin/sandpiper")

    def wait_online(self, within=25):
        """Waits for a birth in a session that is new; the agent that has said it, the only one."""
        born = self.observer.wait_for(
            STATUS, lambda m: m.fields["state"] == "online" and m.fields["session"] > self.session, within)
        self.session = born.fields["session"]
        agents = self.agents()
        self.assertEqual(len(agents), 1)
        return agents[0]

    def not_started_without_a_profile(self):
        self.assertIn("no profile", self.service("start", self.without_profile))
        self.assertEqual(self.agents(), [])
        self.service("status", 3)

    def started_as_its_own_user(self):
        self.settle_on(GOOD)
        self.service("start")
        agent = self.wait_online()
        self.service("start")
        self.service("status")
        self.assertEqual(self.agents(), [agent])
        groups = {line.split(":")[0]: line.split(":")[2]
                  for line in (self.root / "etc/group").read_text().splitlines()}
        status = dict(line.split(":", 1) for line in Path(f"/proc/{agent}/status").read_text().splitlines())
        self.assertEqual(status["Gid"].split(), [groups["sandpiper"]] * 4)
        self.assertNotIn("0", status["Uid"].split())
        self.assertIn(groups["gpio"], status["Groups"].split())
        self.assertEqual(os.stat(self.root / "var/lib/sandpiper").st_mode & 0o777, 0o750)

    def comes_back_when_killed(self):
        (agent,) = self.agents()
        mark = self.observer.mark()
        as_root("kill", "-9", agent)
        self.observer.wait_for(STATUS, lambda m: m.fields["state"] == "lost", 10, mark)
        self.assertNotEqual(self.wait_online(), agent)
        wait_for(lambda: "ended with status 137; it starts anew" in
                 as_root("cat", self.root / self.log).stdout, 5, "a line of the log")

    def its_group_may_ask_how_it_is(self):
        program = f"{self.prefix}/bin/sandpiper"
        self.assertIn("online", self.box.must(program, "status"))
        group = next(line.split(":")[2] for line in (self.root / "etc/group").read_text().splitlines()
                     if line.startswith("sandpiper:"))
        code, said = self.box.run(program, "status", who=["--userspec=65534:65534", f"--groups={group}"])
        self.assertEqual(code, 0, said)
        code, _ = self.box.run(program, "status", who=["--userspec=65534:65534", "--groups="])
        self.assertEqual(code, 1)

    def a_bad_profile_changes_nothing(self):
        (agent,) = self.agents()
        mark = self.observer.mark()
        self.settle_on(WRONG)
        self.assertIn("nothing changes", self.service("reload", None))
        self.assertIn("not started anew", self.service("restart", None))
        self.service("status")
        self.assertEqual(self.agents(), [agent])
        self.assertEqual(self.observer.since(mark, STATUS), [])
        self.settle_on(GOOD)
        self.service("reload")
        self.assertEqual(self.wait_online(), agent)

    def kill_supervisor(self):
        """It leaves its agent behind."""
        self.box.must("sh", "-c", "kill -9 $(cat /run/sandpiper.pid)")
        wait_for(lambda: self.box.run(self.script, "status")[0] not in (0, 3), 10, "the end", every=0.3)

    def one_agent_after_its_supervisor_was_killed(self):
        (agent,) = self.agents()
        self.kill_supervisor()
        self.assertEqual(self.agents(), [agent])
        self.service(self.again)
        self.assertNotEqual(self.wait_online(), agent)

    def none_after_a_stop_without_supervisor(self):
        self.kill_supervisor()
        self.service("stop")
        self.assertEqual(self.agents(), [])
        self.service("start")
        self.wait_online()

    def a_wrong_profile_is_not_tried_again(self):
        (agent,) = self.agents()
        self.settle_on(WRONG)
        as_root("kill", "-9", agent)
        wait_for(lambda: self.box.run(self.script, "status")[0] not in (0, 3), 20, "the end", every=0.3)
        self.assertEqual(self.agents(), [])
        self.assertIn("ended with status 6, which is not tried again", as_root("cat", self.root / self.log).stdout)
        self.assertIn("not started", self.service("restart", None))
        self.assertEqual(self.agents(), [])
        self.settle_on(GOOD)
        self.service("restart")
        self.wait_online()

    def its_log_is_where_it_was_set(self):
        self.service("stop")
        as_root("rm", "-rf", self.root / "var/log/sandpiper")
        for self.log in ("var/log/sandpiper/log", "var/log/sandpiper.log", "var/log/a/b/log"):
            self.set("LOG", f"/{self.log}")
            self.service("start")
            self.wait_online()
            wait_for(lambda: as_root("cat", self.root / self.log, check=False).stdout, 5, "a line of the log")
            self.assertEqual(os.stat(self.root / self.log).st_uid, os.stat(self.root / "var/lib/sandpiper").st_uid)
            self.service("stop")
        self.service("start")
        self.wait_online()

    def a_frozen_agent_has_the_time_to_stop_that_was_set(self):
        self.set("STOP_TIMEOUT", 1)
        as_root("kill", "-STOP", *self.agents())
        started = time.monotonic()
        self.service("stop")
        self.assertLess(time.monotonic() - started, 20)
        self.assertEqual(self.agents(), [])
        self.set("STOP_TIMEOUT", 35)
        self.service("start")
        self.wait_online()

    def says_goodbye(self):
        started = time.monotonic()
        self.service("stop")
        self.assertLess(time.monotonic() - started, 15)
        self.assertEqual(self.agents(), [])
        self.assertEqual(self.observer.since(topic=STATUS)[-1].fields["state"], "offline")
        self.service("status", 3)

    def begins_again(self):
        self.service("start")
        self.wait_online()

    def upgraded(self):
        (agent,) = self.agents()
        self.box.must("/archive/install", "--prefix", self.prefix, "--init", self.init)
        self.assertNotEqual(self.wait_online(), agent)

    def removed(self):
        self.box.must("/archive/install", "--prefix", self.prefix, "--init", self.init, "--uninstall")
        self.assertEqual(self.agents(), [])
        left = as_root("find", "etc", "usr", "var/lib", "-name", "*sandpiper*", cwd=self.root).stdout.split()
        self.assertEqual(set(left), {"etc/sandpiper", self.settings, "var/lib/sandpiper"})
        self.assertTrue((self.root / "etc/sandpiper/profile.json").exists())


class UnpackedInDebian(Life):
    """The archive is installed where it runs."""

    def set_up(self):
        debian = DebianRoot(self, this_suite(), kind="inits")
        self.root = debian.path
        unpack(self.root / "archive")
        self.box = Box(self, self.root)
        self.prepare()
        self.assertIn("files new", self.box.must(*self.shell, "/archive/install", "--init", self.init))
        self.assertIn(": 0 files new", self.box.must(*self.shell, "/archive/install", "--init", self.init))
        self.set("OPTIONS", f"--simulate --broker {self.mosquitto.url}")


class SystemV(UnpackedInDebian, EndToEndTest):
    """Debian's tools, without an init system that runs."""

    init, shell, without_profile = "sysv", ["busybox", "sh"], 0

    def prepare(self):
        """Nothing is to be prepared."""


class OpenRC(UnpackedInDebian, EndToEndTest):
    """OpenRC, as after its boot."""

    init, shell, without_profile = "openrc", [], None
    settings = "etc/conf.d/sandpiper"
    again = "restart"

    def prepare(self):
        """What OpenRC leaves of a boot."""
        self.box.must("sh", "-c", "mkdir -p /run/openrc && : > /run/openrc/softlevel && rc-status -a")

    def begins_again(self):
        """With its runlevel, which it also ends with."""
        self.box.run("openrc", "default")
        self.wait_online()
        mark = self.observer.mark()
        self.box.run("openrc", "nonetwork")
        self.observer.wait_for(STATUS, lambda m: m.fields["state"] == "offline", 15, mark)
        self.assertEqual(self.agents(), [])
        self.box.run("openrc", "default")
        self.wait_online()

    def upgraded(self):
        """What was taken out of the runlevel stays out."""
        self.box.must("rc-update", "delete", "sandpiper", "default")
        super().upgraded()
        self.assertNotIn("sandpiper", self.box.must("rc-update", "show", "default"))


class BusyBox(Life, EndToEndTest):
    """An image as Buildroot makes it, with nothing but BusyBox and the C library: from its boot to its shutdown."""

    init, prefix, script = "sysv", "/usr", "/etc/init.d/S60sandpiper"
    without_profile = 0
    log = "var/log/messages"

    def set_up(self):
        self.root = self.folder / "image"
        self.make_image()
        done = as_root(ROOT / "deploy/install", "--destdir", self.root, "--prefix", "/usr", "amd64")
        self.assertIn("service of sysv", done.stdout)
        self.assertIn("the image needs a user sandpiper", done.stdout)
        self.set("OPTIONS", f"--simulate --broker {self.mosquitto.url}")
        self.box = Box(self, self.root, "/sbin/init")
        wait_for(lambda: (self.root / "booted").exists(), 20, "the end of the boot")
        # Debian's BusyBox makes no accounts.
        said = self.box.must("/archive/install", "--prefix", "/usr")
        self.assertIn("make a user sandpiper, of the groups sandpiper and gpio", said)
        self.assertIn(": 0 files new", said)
        self.file("etc/passwd", "root:x:0:0:root:/:/bin/sh", "sandpiper:x:990:990::/var/lib/sandpiper:/bin/false")
        self.file("etc/group", "root:x:0:", "gpio:x:991:sandpiper", "sandpiper:x:990:")

    def make_image(self):
        """The files of a small system."""
        unpack(self.root / "archive")
        debian = DebianRoot(self, this_suite(), kind="inits")
        for folder in ("bin", "sbin", "usr/bin", "usr/sbin", "etc/init.d", "dev", "proc", "run", "tmp", "var/log"):
            (self.root / folder).mkdir(parents=True, exist_ok=True)
        busybox = next(path for path in ("bin/busybox", "usr/bin/busybox") if (debian / path).exists())
        as_root("cp", debian / busybox, self.root / "bin/busybox")
        as_root("chroot", self.root, "/bin/busybox", "--install", "-s")
        program = ROOT / ".build-deploy/amd64/sandpiper"
        libraries = [word for word in as_root("ldd", program).stdout.split() if word.startswith("/")]
        for library in libraries:
            as_root("install", "-D", library, f"{self.root}{library}")
        as_root("mknod", "-m", "666", self.root / "dev/null", "c", "1", "3")
        self.file("etc/passwd", "root:x:0:0:root:/:/bin/sh")
        self.file("etc/group", "root:x:0:")
        # As Buildroot's, in short.
        self.file("etc/inittab", "::sysinit:/etc/init.d/rcS", "::shutdown:/etc/init.d/rcK")
        self.file("etc/init.d/rcS", "#!/bin/sh", 'for i in /etc/init.d/S??*; do "$i" start; done', ": > /booted")
        self.file("etc/init.d/rcK", "#!/bin/sh", 'for i in $(ls -r /etc/init.d/S??*); do "$i" stop; done')
        self.file("etc/init.d/S01syslogd", "#!/bin/sh", '[ "$1" != start ] || syslogd -O /var/log/messages')

    def file(self, name, *lines):
        """A file of the image, executable as scripts are."""
        path = self.root / name
        path.write_text("\n".join(lines) + "\n")
        path.chmod(0o755)

    def begins_again(self):
        """At the shutdown it says goodbye, and comes back with the next boot."""
        super().begins_again()
        mark = self.observer.mark()
        self.box.must("kill", "-USR2", "1")
        self.observer.wait_for(STATUS, lambda m: m.fields["state"] == "offline", 15, mark)
        self.box.console.kill()
        self.box = Box(self, self.root, "/sbin/init")
        self.wait_online()
