"""Those that are compared: how each is got, started, and understood."""

import json
import os
import re
import subprocess
import sys
from pathlib import Path

from harness.processes import Process, device_program

HERE = Path(__file__).resolve().parent
CACHE = Path(os.environ.get("XDG_CACHE_HOME", Path.home() / ".cache")) / "sandpiper/agents"
PYTHON = CACHE / "python"
MQTT_IO = "mqtt-io==2.7.0"

# A sensor of mqtt-io's, as its modules are written: each reading is the next number.
COUNTING = '''
from . import GenericSensor

REQUIREMENTS = ()


class Sensor(GenericSensor):
    number = 0

    def setup_module(self):
        pass

    def get_value(self, sens_conf):
        self.number += 1
        return self.number
'''


def fetch():
    """Gets the others, unless they are there."""
    if not (PYTHON / "mqtt_io").exists():
        subprocess.run([sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
                        "--target", PYTHON, MQTT_IO], check=True)
    (PYTHON / "mqtt_io/modules/sensor/counting.py").write_text(COUNTING)
    if not (CACHE / "collectd/usr/sbin/collectd").exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "-q", "download", "collectd-core"], cwd=CACHE, check=True,
                       stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        subprocess.run(["dpkg-deb", "-x", next(CACHE.glob("collectd-core_*.deb")), CACHE / "collectd"],
                       check=True)


def installed(*names):
    """What these packages and all that they depend on take on a Debian that has nothing but what every
    Debian has: {name: KiB}."""
    CACHE.mkdir(parents=True, exist_ok=True)
    (CACHE / "nothing").touch()

    def closure(wanted):
        done = subprocess.run(
            ["apt-get", "-s", "-o", f"Dir::State::status={CACHE / 'nothing'}", "install",
             "--no-install-recommends", *wanted], capture_output=True, text=True, check=True)
        return set(re.findall(r"^Inst (\S+)", done.stdout, re.M))

    more = sorted(closure(names) - closure(["?essential", "apt"]))
    said = subprocess.run(["apt-cache", "show", "--no-all-versions", *more], capture_output=True, text=True,
                          check=True).stdout
    return dict(zip(re.findall(r"^Package: (\S+)", said, re.M),
                    map(int, re.findall(r"^Installed-Size: (\d+)", said, re.M))))


def folder_kib(*paths):
    """What files and folders take, in KiB."""
    return sum(int(subprocess.run(["du", "-sk", "--apparent-size", path], capture_output=True, text=True,
                                  check=True).stdout.split()[0]) for path in paths)


def megabytes(kib):
    """KiB in MB, as a table has it."""
    return f"{kib * 1024 / 1e6:.1f}"


class Candidate:
    """One of those that are compared. `command` is the topic of its output, or None."""

    name = command = status = None
    lost = ""

    def __init__(self, folder, port):
        self.folder, self.port = Path(folder), port
        self.process = Process(self.arguments(), self.folder / f"{self.name}.log", self.environment())

    def environment(self):
        """What its process has besides."""
        return {"PYTHONPATH": str(PYTHON)}

    def write(self, name, text):
        """A file for it."""
        path = self.folder / name
        path.write_text(text if isinstance(text, str) else json.dumps(text))
        return path

    def numbers(self, messages):
        """The numbers of the readings in these messages; a gap is a loss."""
        return [int(m.payload) for m in messages if m.topic == self.topic and m.payload.isdigit()]

    def is_lost(self, message):
        """Whether a message says that it is lost."""
        return message.topic == self.status and message.payload.decode() == self.lost

    def has_switched(self, messages):
        """Whether the output was switched on."""
        del messages
        return self.switched in self.process.log()


class Sandpiper(Candidate):
    """This agent, on a simulated board."""

    name, status = "Sandpiper", "sandpiper/s/status"
    command, payload = "sandpiper/s/cmd/pump", "true"

    def environment(self):
        return {}

    def arguments(self):
        profile = self.write("profile.json", {
            "device": {"id": "s"},
            "broker": {"url": f"mqtt://127.0.0.1:{self.port}", "keepAlive": "10s"},
            "points": {
                "air": {"kind": "sensor", "simulated": True, "every": "1s", "decimals": 6,
                        "report": {"max": "1s"},
                        "simulate": {"wave": "walk", "amplitude": 5, "noise": 0.5}},
                "pump": {"kind": "output", "line": "GPIO23"}}})
        return [*device_program(), "run", "--simulate", "--seed", "1", profile]

    def numbers(self, messages):
        found = [m.fields["seq"] for m in messages if m.topic == "sandpiper/s/state/air"]
        for message in messages:
            if message.topic == "sandpiper/s/history":
                found += [r["seq"] for r in message.fields["readings"] if r["p"] == "air"]
        return found

    def is_lost(self, message):
        return message.topic == self.status and message.fields.get("state") == "lost"

    def has_switched(self, messages):
        return any(m.topic == "sandpiper/s/state/pump" and m.fields["v"] for m in messages)

    def size(self):
        own = folder_kib(device_program()[0])
        plain = own + sum(installed("libgpiod2").values())
        secure = own + sum(installed("libgpiod2", "libssl3", "ca-certificates").values())
        return f"{megabytes(plain)}, with TLS {megabytes(secure)}"


class MqttIO(Candidate):
    """mqtt-io, the agent for GPIO lines and sensors in Python."""

    name, status, lost = "mqtt-io", "mqttio/status", "dead"
    topic, command, payload, switched = (
        "mqttio/sensor/air", "mqttio/output/pump/set", "ON", "set_pin(pin=1, value=True)")

    def arguments(self):
        config = self.write("mqtt-io.yml", {
            "mqtt": {"host": "127.0.0.1", "port": self.port, "topic_prefix": "mqttio", "keepalive": 10},
            "gpio_modules": [{"name": "lines", "module": "stdio"}],
            "digital_outputs": [{"name": "pump", "module": "lines", "pin": 1,
                                 "on_payload": "ON", "off_payload": "OFF"}],
            "sensor_modules": [{"name": "numbers", "module": "counting"}],
            "sensor_inputs": [{"name": "air", "module": "numbers", "interval": 1, "digits": 0}]})
        return [sys.executable, "-u", "-m", "mqtt_io", config]

    def numbers(self, messages):
        return [int(float(m.payload)) for m in messages if m.topic == self.topic]

    def size(self):
        return megabytes(folder_kib(PYTHON) + sum(installed("python3").values()))


class Script(Candidate):
    """script.py with readings at QoS 0."""

    name, qos, lost = "script0", 0, "offline"
    payload, switched = "ON", "pump ON"

    def __init__(self, folder, port):
        self.topic, self.status = f"{self.name}/air", f"{self.name}/status"
        self.command = f"{self.name}/pump/set"
        super().__init__(folder, port)

    def arguments(self):
        return [sys.executable, HERE / "script.py", self.port, self.name, self.qos]

    def size(self):
        return megabytes(folder_kib(PYTHON / "paho") + sum(installed("python3").values()))


class PatientScript(Script):
    """script.py with readings at QoS 1."""

    name, qos = "script1", 1


class Collectd(Candidate):
    """collectd, which measures the machine, and its plugin mqtt."""

    name, topic = "collectd", "collectd/c/load/load"

    def arguments(self):
        there = CACHE / "collectd"
        config = self.write("collectd.conf", f"""
Hostname "c"
Interval 1
BaseDir "{self.folder}"
PIDFile "{self.folder}/collectd.pid"
PluginDir "{there}/usr/lib/collectd"
TypesDB "{there}/usr/share/collectd/types.db"
LoadPlugin load
LoadPlugin mqtt
<Plugin mqtt>
  <Publish "broker">
    Host "127.0.0.1"
    Port "{self.port}"
    QoS 1
    Prefix "collectd"
  </Publish>
</Plugin>
""")
        return [there / "usr/sbin/collectd", "-f", "-C", config]

    def numbers(self, messages):
        # Each value has its time before it: 1700000000.123:0.50:...
        return [round(float(m.payload.split(b":")[0])) for m in messages if m.topic == self.topic]

    def size(self):
        # libmosquitto is what its plugin mqtt needs.
        return megabytes(sum(installed("collectd-core", "libmosquitto1").values()))


ALL = (Sandpiper, MqttIO, Script, PatientScript, Collectd)
