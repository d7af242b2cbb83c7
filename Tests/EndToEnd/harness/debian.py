"""Small Debian systems as folders, to install things in."""

import os
import subprocess
import tempfile
import threading
from functools import cache
from pathlib import Path

from harness.processes import ROOT

# What nothing that is installed can help: dpkg's own books, logs, and the copies that the user tools keep.
OTHERS = ("./var/lib/dpkg", "./var/log", "./var/cache", "./etc/passwd-", "./etc/shadow-", "./etc/group-",
          "./etc/gshadow-", "./etc/.pwd.lock", "./proc", "./dev", "./sys", "./run", "./tmp")
SUDO = [] if os.geteuid() == 0 else ["sudo"]


def as_root(*command, check=True, **options):
    """Runs a command as root."""
    return subprocess.run(
        [*SUDO, *map(str, command)], capture_output=True, text=True, check=check, **options)


_packing = threading.Lock()


def package(*arguments):
    """What deploy/package leaves for these arguments, made once."""
    with _packing:
        return _package(*arguments)


@cache
def _package(*arguments):
    done = subprocess.run(
        [ROOT / "deploy/package", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    return ROOT / done.stderr.split("package: ")[-1].split(": ")[0]


def unpack(folder):
    """Unpacks the archive for this machine there."""
    as_root("mkdir", "-p", folder)
    as_root("tar", "-x", "-C", folder, "--strip-components=1", "-f", package("--tar", "amd64"))


def this_suite():
    """The Debian of this machine, for which `deploy/build amd64` builds."""
    for line in Path("/etc/os-release").read_text().splitlines():
        name, _, value = line.partition("=")
        if name == "VERSION_CODENAME":
            return value.strip('"')
    raise AssertionError("this is no Debian")


class DebianRoot:
    """A Debian of its own for one test."""

    def __init__(self, test, suite, architecture="amd64", kind="plain"):
        self.test = test
        archive = subprocess.run(
            [ROOT / "Tests/Tools/debian-root/debian-root", suite, architecture, kind],
            stdout=subprocess.PIPE, text=True, check=True).stdout.strip()
        self.path = Path(tempfile.mkdtemp(prefix="sandpiper-root-"))
        test.addCleanup(as_root, "rm", "-rf", "--one-file-system", self.path)
        as_root("tar", "-x", "-C", self.path, "-f", archive)
        # For who is not root on it.
        as_root("chmod", "755", self.path)

    def __truediv__(self, name):
        return self.path / name

    def inside(self, *command, check=True):
        """Runs a command in it; its output."""
        done = as_root("chroot", self.path, *command, check=False)
        if check:
            self.test.assertEqual(done.returncode, 0, f"{command}\n{done.stdout}{done.stderr}")
        return done.stdout + done.stderr

    def put(self, source, target, mode="644"):
        """A file or folder from outside."""
        if Path(source).is_dir():
            as_root("cp", "-r", source, self.path / target)
        else:
            as_root("install", "-D", "-m", mode, source, self.path / target)

    def install(self, package):
        """Installs a package file."""
        self.put(package, "tried.deb")
        said = self.inside("dpkg", "--install", "/tried.deb")
        as_root("rm", self.path / "tried.deb")
        return said

    def files(self):
        """All that is in it and is not another's."""
        found = as_root("find", ".", "-xdev", cwd=self.path).stdout.splitlines()
        return {path for path in found if not path.startswith(OTHERS)}

    def accounts(self):
        """The names of users and groups."""
        return {line.split(":")[0] for name in ("passwd", "group")
                for line in (self.path / "etc" / name).read_text().splitlines()}
