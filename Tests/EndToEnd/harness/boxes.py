"""A system in a folder that runs: with a first process of its own, after whose end nothing of it is left."""

from harness.debian import SUDO, as_root
from harness.processes import Process
from harness.waiting import wait_for

# Outside, /proc still numbers processes as this machine does. Inside is what a boot would have mounted, and nobody
# who may restart the machine.
BEGIN = """read -r pid _ < /proc/self/stat; echo "$pid" > "$0"
exec setpriv --bounding-set=-sys_boot --inh-caps=-sys_boot chroot "$1" /bin/sh -c '
mount -t proc proc /proc && mount -t tmpfs run /run && exec "$@"' sh "${@:2}" """


class Box:
    """Namespaces of processes and mounts over a system's files; the network is this machine's."""

    def __init__(self, test, folder, *first):
        self._test, self._folder = test, folder
        number = test.folder / "first"
        number.unlink(missing_ok=True)
        self.console = test.start(Process(
            [*SUDO, "unshare", "--mount", "--pid", "--uts", "--fork", "--kill-child", "--propagation", "private",
             "bash", "-c", BEGIN, number, folder, *(first or ["sleep", "infinity"])], test.folder / "console"))
        wait_for(lambda: number.exists() and number.read_text().endswith("\n"), 10, "the first process")
        self._first = number.read_text().strip()
        wait_for(lambda: self.run("test", "-d", "/proc/1")[0] == 0, 10, "/proc inside")

    def inside(self, *command, who=()):
        """What root here runs to run a command inside. `who`: as which user, by chroot's options."""
        return ["nsenter", "--target", self._first, "--mount", "--pid", "--uts",
                "chroot", *who, self._folder, *command]

    def run(self, *command, who=()):
        """Runs a command inside; its exit status, and what it said."""
        done = as_root(*self.inside(*command, who=who), check=False, cwd="/", timeout=100)
        return done.returncode, done.stdout + done.stderr

    def must(self, *command):
        """What a command said that has to succeed."""
        code, said = self.run(*command)
        self._test.assertEqual(code, 0, f"{command}\n{said}")
        return said

    def running(self, program):
        """The process identifiers, on this machine, of those that run this file."""
        found = as_root("find", "/proc", "-maxdepth", "2", "-name", "exe", "-lname", f"{self._folder}{program}",
                        check=False)
        return [path.split("/")[2] for path in found.stdout.split()]
