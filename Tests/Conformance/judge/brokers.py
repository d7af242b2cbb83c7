"""Brokers of others, each on loopback with a folder of its own, installed when it is missing."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from judge.mosquitto import Mosquitto, free_port

CACHE = Path(os.environ.get("SANDPIPER_CACHE")
             or Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "sandpiper")


def run(*command, **options):
    """Runs a command; shows what it said if it fails."""
    done = subprocess.run([str(part) for part in command], stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, check=False, **options)
    if done.returncode:
        raise RuntimeError(f"{' '.join(map(str, command))}: {done.stdout.decode()[-1500:]}")
    return done.stdout.decode()


def install(*packages):
    """Installs Debian packages that are missing, without starting their services."""
    state = subprocess.run(["dpkg-query", "-W", "-f", "${Package} ${db:Status-Status}\\n", *packages],
                           capture_output=True, text=True, check=False).stdout
    if all(f"{name} installed" in state for name in packages):
        return
    root = [] if os.getuid() == 0 else ["sudo"]
    policy = Path("/usr/sbin/policy-rc.d")
    ours = not policy.exists() and os.getuid() == 0
    if ours:
        policy.write_text("#!/bin/sh\nexit 101\n")
        policy.chmod(0o755)
    try:
        run(*root, "apt-get", "-q", "update")
        run(*root, "env", "DEBIAN_FRONTEND=noninteractive", "apt-get", "-q", "-y", "install",
            "--no-install-recommends", *packages)
    finally:
        if ours:
            policy.unlink()


class Broker:
    """One of them. `ports` has a port for each link; `versions` are those that it speaks."""

    name = ""
    versions = (3, 4, 5)
    login = ""
    web_path = "/mqtt"
    # Scenarios that are not for it, and why.
    without = {}
    # Scenarios, or scenarios over a link, that it is known to fail with other clients, too.
    faults = {}

    def __init__(self):
        self.folder = Path(tempfile.mkdtemp(prefix="judge-broker-"))
        self.folder.chmod(0o755)
        self.ports = {"tcp": free_port(), "ws": free_port()}
        self.children = []

    def spawn(self, command, environment=None):
        """Starts a process in a group of its own."""
        with open(self.folder / "output", "ab") as log:
            self.children.append(subprocess.Popen(
                [str(part) for part in command], stdout=log, stderr=log, stdin=subprocess.DEVNULL,
                start_new_session=True, env=os.environ | (environment or {}), cwd=self.folder))

    def wait(self, within=90):
        """Waits for the ports to open."""
        deadline = time.monotonic() + within
        for port in self.ports.values():
            while True:
                if time.monotonic() > deadline or self.children[-1].poll() is not None:
                    raise RuntimeError((self.folder / "output").read_text()[-2000:])
                try:
                    socket.create_connection(("127.0.0.1", port), 1).close()
                    break
                except OSError:
                    time.sleep(0.2)

    def stop(self):
        """Ends its processes and removes its folder."""
        for child in reversed(self.children):
            for number in (signal.SIGTERM, signal.SIGKILL):
                try:
                    os.killpg(child.pid, number)
                    child.wait(10)
                    break
                except ProcessLookupError:
                    break
                except subprocess.TimeoutExpired:
                    continue
        shutil.rmtree(self.folder, ignore_errors=True)


class SidMosquitto(Broker):
    """Mosquitto as Debian sid has it, unpacked with its libraries beside the system."""

    name = "Mosquitto (sid)"

    def start(self):
        """Starts it."""
        root = self.unpack()
        inner = [*root.glob("usr/lib*/ld-linux*.so*"), *root.glob("lib*/ld-linux*.so*"),
                 *root.glob("usr/lib/*/ld-linux*.so*")][0]
        libraries = ":".join(map(str, [*root.glob("usr/lib/*-linux-gnu*"),
                                       *root.glob("lib/*-linux-gnu*")]))
        config = self.folder / "conf"
        config.write_text(
            f"user root\nlistener {self.ports['tcp']} 127.0.0.1\nallow_anonymous true\n"
            f"listener {self.ports['ws']} 127.0.0.1\nprotocol websockets\n")
        self.spawn([inner, "--library-path", libraries, root / "usr/sbin/mosquitto", "-c", config,
                    "-v"])
        self.wait()
        self.name = "Mosquitto " + (self.folder / "output").read_text().split(
            "mosquitto version ")[1].split(" ")[0]

    @staticmethod
    def unpack():
        """The folder that it is in; made once."""
        root = CACHE / "mosquitto-sid"
        if (root / "usr/sbin/mosquitto").exists():
            return root
        work = CACHE / "mosquitto-sid.apt"
        for name in ("state/lists/partial", "cache/archives/partial"):
            (work / name).mkdir(parents=True, exist_ok=True)
        (work / "status").write_text("")
        mirror = run("apt-get", "indextargets", "--format", "$(REPO_URI)").splitlines()[0]
        (work / "sources").write_text(f"deb {mirror} sid main\n")
        apt = ["apt-get", "-q", "-o", f"Dir::Etc::SourceList={work}/sources",
               "-o", "Dir::Etc::SourceParts=/dev/null", "-o", f"Dir::State={work}/state",
               "-o", f"Dir::State::status={work}/status", "-o", f"Dir::Cache={work}/cache"]
        run(*apt, "update")
        run(*apt, "-y", "--download-only", "--no-install-recommends", "install", "mosquitto")
        for package in (work / "cache/archives").glob("*.deb"):
            run("dpkg-deb", "-x", package, root)
        # Links that a package's own scripts would have made.
        run("/sbin/ldconfig", "-n", *root.glob("usr/lib/*-linux-gnu"))
        shutil.rmtree(work)
        return root


class DebianMosquitto(Broker):
    """Mosquitto as this Debian has it."""

    name = "Mosquitto (Debian)"

    def start(self):
        """Starts it."""
        self.inner = Mosquitto()
        self.inner.start()
        self.ports = {"tcp": self.inner.ports["tcp"], "ws": self.inner.ports["ws"]}
        self.name = "Mosquitto " + self.inner.log().split("mosquitto version ")[1].split(" ")[0]

    def stop(self):
        """Ends it."""
        self.inner.remove()
        super().stop()


class Erlang(Broker):
    """What brokers in Erlang have in common: a name service of their own."""

    def name_service(self):
        """Starts it; its port."""
        port = free_port()
        self.spawn(["epmd", "-port", str(port), "-address", "127.0.0.1"])
        return port


class RabbitMQ(Erlang):
    """RabbitMQ with its MQTT and Web-MQTT plugins."""

    name = "RabbitMQ"
    versions = (3, 4)
    web_path = "/ws"
    without = {"quality 2": "3.x grants QoS 1 at the most, and answers a PUBLISH at QoS 2 by PUBACK",
               "order": "the same"}
    faults = {"will ws": "it publishes the will after DISCONNECT, whoever says it"}

    def start(self):
        """Starts it."""
        install("rabbitmq-server")
        (self.folder / "plugins").write_text("[rabbitmq_mqtt,rabbitmq_web_mqtt].")
        (self.folder / "rabbitmq.conf").write_text(
            f"listeners.tcp.1 = 127.0.0.1:{free_port()}\n"
            f"mqtt.listeners.tcp.1 = 127.0.0.1:{self.ports['tcp']}\nmqtt.allow_anonymous = true\n"
            f"web_mqtt.tcp.ip = 127.0.0.1\nweb_mqtt.tcp.port = {self.ports['ws']}\n")
        self.spawn(["/usr/lib/rabbitmq/bin/rabbitmq-server"], {
            "HOME": str(self.folder), "ERL_EPMD_PORT": str(self.name_service()),
            "RABBITMQ_NODENAME": "judge@localhost", "RABBITMQ_DIST_PORT": str(free_port()),
            "RABBITMQ_MNESIA_BASE": f"{self.folder}/mnesia",
            "RABBITMQ_LOG_BASE": f"{self.folder}/log",
            "RABBITMQ_ENABLED_PLUGINS_FILE": f"{self.folder}/plugins",
            "RABBITMQ_CONFIG_FILE": f"{self.folder}/rabbitmq",
            "RABBITMQ_PID_FILE": f"{self.folder}/pid"})
        self.wait()
        version = run("dpkg-query", "-W", "-f", "${Version}", "rabbitmq-server").split("-")[0]
        self.name = f"RabbitMQ {version}"


class Ejabberd(Erlang):
    """ejabberd's mod_mqtt: an independent 5.0."""

    name = "ejabberd"
    versions = (4, 5)
    login = " user=judge%40localhost pass=secret"

    def start(self):
        """Starts it, and registers the user."""
        install("ejabberd")
        for name in ("conf", "log", "spool"):
            (self.folder / name).mkdir()
        (self.folder / "conf/ejabberd.yml").write_text(
            "hosts: [localhost]\nauth_method: internal\nlisten:\n"
            f"  - {{port: {self.ports['tcp']}, ip: \"127.0.0.1\", module: mod_mqtt}}\n"
            f"  - port: {self.ports['ws']}\n    ip: \"127.0.0.1\"\n    module: ejabberd_http\n"
            "    request_handlers: {/mqtt: mod_mqtt}\n"
            "modules:\n  mod_mqtt:\n    access_publish: {\"#\": [{allow: all}]}\n"
            "    access_subscribe: {\"#\": [{allow: all}]}\n")
        (self.folder / "conf/inetrc").write_text("")
        if os.getuid() == 0:
            run("chown", "-R", "ejabberd:", self.folder)
        self.environment = {
            "ERL_EPMD_PORT": str(self.name_service()), "HOME": f"{self.folder}/spool"}
        self.control = [
            "ejabberdctl", "--node", "judge@localhost", "--config", f"{self.folder}/conf/ejabberd.yml",
            "--config-dir", f"{self.folder}/conf", "--logs", f"{self.folder}/log",
            "--spool", f"{self.folder}/spool"]
        self.spawn([*self.control, "foreground"], self.environment)
        self.wait()
        run(*self.control, "register", "judge", "localhost", "secret",
            env=os.environ | self.environment)
        version = run("dpkg-query", "-W", "-f", "${Version}", "ejabberd").split("-")[0]
        self.name = f"ejabberd {version}"

    def stop(self):
        """Ends it by its own command: it has left our process group."""
        if len(self.children) > 1:
            subprocess.run([*self.control, "stop"], env=os.environ | self.environment, timeout=30,
                           capture_output=True, check=False)
            try:
                self.children[-1].wait(20)
            except subprocess.TimeoutExpired:
                pass
        super().stop()


class Amqtt(Broker):
    """amqtt, a broker in Python, from PyPI."""

    name = "amqtt"
    versions = (4,)
    web_path = "/"
    faults = {
        "order": "it delivers messages side by side",
        "kept session": "it keeps no messages; with mosquitto_sub neither",
        "comes back": "it does not end the connection of a client that connects again"}

    def start(self):
        """Starts it in an environment of its own."""
        place = CACHE / "amqtt"
        if not (place / "bin/amqtt").exists():
            run(sys.executable, "-m", "venv", place)
            run(place / "bin/pip", "install", "-q", "amqtt")
        (self.folder / "conf.yaml").write_text(
            "listeners:\n  default:\n    type: tcp\n"
            f"    bind: 127.0.0.1:{self.ports['tcp']}\n  web:\n    type: ws\n"
            f"    bind: 127.0.0.1:{self.ports['ws']}\n"
            "plugins:\n  amqtt.plugins.authentication.AnonymousAuthPlugin:\n"
            "    allow_anonymous: true\n")
        self.spawn([place / "bin/amqtt", "-c", self.folder / "conf.yaml"])
        self.wait()
        version = run(place / "bin/pip", "show", "amqtt").split("Version: ")[1].split("\n")[0]
        self.name = f"amqtt {version}"


ALL = {"mosquitto": DebianMosquitto, "mosquitto-sid": SidMosquitto, "rabbitmq": RabbitMQ,
       "ejabberd": Ejabberd, "amqtt": Amqtt}
