"""The schema that editors use says what the profile reader says."""

import copy
import json
import re

from harness.case import EndToEndTest
from harness.processes import ROOT, run
from harness.profiles import counter, door, profile, relay, walk

SCHEMA = ROOT / "devices/schema.json"
READER = ROOT / "Sources/Profile"
ROOT_SCHEMA = json.loads(SCHEMA.read_text())
DEFINITIONS = ROOT_SCHEMA["$defs"]

# In a change: the member goes away.
GONE = object()

# Public keys that nobody has the other half of.
KEYS = [
    "AtUQSxK1I8ilGLS5G4NPip1D3MWuFVziUwjYMO/wS/w=", "NUknsjnLQoLTQcReMbCflrdPjTvgii7+UeQVa4YDlso="]

# One profile with every object that there can be, one point for each form of it.
WHOLE = profile(
    door({"chip": "pinctrl-bcm2835", "offset": 17}, report={"min": "1s"}),
    counter(line={"name": "GPIO27", "chip": "pinctrl-bcm2835"}, report={"delta": 2}),
    relay(lost={"after": "5m", "state": False}, report={"max": "1h"}),
    walk(report={"delta": 0.5}),
    ("volt", {"kind": "sensor", "hwmon": {"device": "rpi_volt", "channel": "in0"}}),
    ("damp", {"kind": "sensor", "iio": {"device": "bme280", "channel": "humidityrelative"}}),
    ("cpu", {"kind": "sensor", "thermal": "cpu-thermal", "unit": "Cel"}),
    ("soil", {"kind": "sensor", "w1": "28-00000a1b2c3d"}),
    budget={"memory": "256KiB"}, care={
        "keys": KEYS[:1], "allow": ["status", "profile"], "maxProfile": "16KiB"})
WHOLE["broker"] |= {
    "url": "wss://broker.example", "user": "ann", "passwordFile": "/etc/sandpiper/password",
    "proxy": "http://ann@proxy.example:3128", "proxyPasswordFile": "/etc/sandpiper/proxy",
    "tls": {"ca": "/etc/sandpiper/ca.pem", "cert": "/etc/sandpiper/cert.pem"},
    "webSocket": {"headers": {"X-Api-Key": "1"}}}

# Where, and what: changes that leave a profile good.
GOOD = [
    ("/care", {"keys": KEYS, "allow": ["status", "log", "restart", "profile"], "maxProfile": "64KiB"}),
    ("/care", {"keys": KEYS[:1], "allow": []}),
    ("/$schema", "schema.json"),
    ("/description", "on the roof"),
    ("/device/base", "acme/site-1"),
    ("/device/diagnostics", "0s"),
    ("/broker", {"url": "mqtt://pump@[fe80::1]:8883/"}),
    ("/broker", {"url": "tcp://broker.example"}),
    ("/broker", {"url": "ws://broker.example"}),
    ("/broker", {"url": "ws://pump@[::1]:8080/a/b%20c?d=e:f"}),
    ("/broker", {"url": "ws://broker.example/" + "x" * 511}),
    ("/broker", {"url": "mqtts://broker.example", "tls": {"alpn": "mqtt,x-amzn-mqtt-ca"}}),
    ("/broker", {"url": "unix:///run/broker.sock"}),
    ("/broker", {"url": "mqtt://a%40b@broker.example"}),
    ("/broker", {"urls": ["mqtt://pump@a.example", "tcp://b.example:1884"]}),
    ("/broker", {"urls": ["unix:///run/a.sock"] * 8, "returnAfter": "0s"}),
    ("/broker/url", "WSS://[2001:db8::1]:8443"),
    ("/broker/user", "pump"),
    ("/broker/followReference", False),
    ("/broker/probe", "30s"),
    ("/uplink/batch", {"every": "5m"}),
    ("/uplink/batch", {"every": "5m", "urgent": []}),
    ("/uplink/batch", {"every": "5m", "urgent": ["state", "event"]}),
    ("/broker/proxy", "socks5h://ann@[::1]"),
    ("/broker/tls/host", "broker.example"),
    ("/broker/tls/caFolder", "/etc/ssl/certs"),
    ("/broker/tls/key", "pkcs11:token=board;object=mqtt"),
    ("/broker/tls/minVersion", "1.3"),
    ("/broker/tls/crl", "/etc/sandpiper/crl.pem"),
    ("/broker/tls/insecure", True),
    ("/broker/webSocket/headers/Authorization", "Bearer a b"),
    ("/uplink/timeouts/webSocket", "5s"),
    ("/uplink/timeouts/tls", "5s"),
    ("/uplink/timeouts/proxy", "5s"),
    ("/broker/session", "persistent"),
    ("/uplink/outbox", 65536),
    ("/uplink/outbox", "1.5KiB"),
    ("/uplink/inflight", 64),
    ("/budget/memory", "1024MiB"),
    ("/points/door/line", "GPIO17"),
    ("/points/door/debounce", "1.5ms"),
    ("/points/water/unit", "{count}"),
    ("/points/water/decimals", 2.0),
    ("/points/water/scale", -0.5),
    ("/points/pump/stop", "keep"),
    ("/points/pump/stop", True),
    ("/points/air/low", -40),
    ("/points/cpu/unit", GONE),
]

# Changes that make it bad, for the reader and for the schema.
BAD = [
    ("", []),
    ("", {}),
    ("/device", GONE),
    ("/points", GONE),
    ("/points", {}),
    ("/points", []),
    ("/device/id", GONE),
    ("/device/id", ""),
    ("/device/id", "a b"),
    ("/device/id", 7),
    ("/device/id", "x" * 65),
    ("/device/base", "/acme"),
    ("/device/base", "acme/#"),
    ("/colour", "green"),
    ("/$schema", 1),
    ("/device/diagnostics", "1 minute"),
    ("/device/diagnostics", 60),
    ("/broker", {"url": "broker.example"}),
    ("/broker", {"url": "mqttss://broker.example"}),
    ("/broker", {"url": "mqtt://[broker]"}),
    ("/broker", {"urls": []}),
    ("/broker", {"urls": "mqtt://broker.example"}),
    ("/broker", {"urls": ["broker.example"]}),
    ("/broker", {"urls": ["mqtt://a.example", 1]}),
    ("/broker", {"urls": ["mqtt://a.example"] * 9}),
    ("/broker", {"urls": ["mqtt://a.example"], "url": "mqtt://a.example"}),
    ("/broker", {"url": "unix://broker/x"}),
    ("/broker", {"url": "mqtt://user:secret@broker.example"}),
    ("/broker", {"url": "mqtt://broker.example:65536"}),
    ("/broker", {"url": "mqtt://broker.example:0"}),
    ("/broker", {"url": "mqtt://"}),
    ("/broker", {"url": "mqtt://broker.example/path"}),
    ("/broker", {"url": "ws://broker.example/" + "x" * 512}),
    ("/broker", {"url": "ws://user:secret@broker.example/mqtt"}),
    ("/broker", {"url": "ws://broker.example/user:secret@x"}),
    ("/broker", {"url": "ws://broker.example/a b"}),
    ("/broker", {"url": "ws://broker.example/\u00E4"}),
    ("/broker", {"url": "ws://broker.example?x"}),
    ("/broker", {"url": "wss://broker.example#x"}),
    ("/broker/proxy", "proxy.example:3128"),
    ("/broker/proxy", "http://proxy.example"),
    ("/broker/proxy", "http://ann:secret@proxy.example:3128"),
    ("/broker/proxy", GONE),
    ("/broker/tls/ca", ""),
    ("/broker/tls/key", ""),
    ("/broker/tls/crlCheck", "chain"),
    ("/broker/tls/minVersion", 1.2),
    ("/broker/tls/alpn", "mqtt, x"),
    ("/broker/tls/host", ".example"),
    ("/broker/tls", {"key": "/etc/key.pem"}),
    ("/broker/tls", []),
    ("/broker/webSocket/headers/Host", "x"),
    ("/broker/webSocket/headers/sec-websocket-key", "x"),
    ("/broker/webSocket/headers/X Y", "x"),
    ("/broker/webSocket/headers/X", "a\r\nY: b"),
    ("/broker/webSocket/headers/X", 1),
    ("/broker/webSocket/path", "/x"),
    ("/broker/user", "a\0b"),
    ("/broker/followReference", "no"),
    ("/broker/probe", 30),
    ("/uplink/batch", {}),
    ("/uplink/batch", {"urgent": ["event"]}),
    ("/uplink/batch", {"every": "5m", "urgent": ["events"]}),
    ("/uplink/batch", {"every": "5m", "urgent": "event"}),
    ("/broker/password", "secret"),
    ("/care", {"keys": KEYS}),
    ("/care", {"allow": ["status"]}),
    ("/care", {"keys": [], "allow": ["status"]}),
    ("/care", {"keys": [KEYS[0], KEYS[0]], "allow": ["status"]}),
    ("/care", {"keys": [KEYS[0][:-2] + "x="], "allow": ["status"]}),
    ("/care", {"keys": [KEYS[0][:-1]], "allow": ["status"]}),
    ("/care", {"keys": KEYS, "allow": ["reboot"]}),
    ("/care", {"keys": KEYS, "allow": "status"}),
    ("/care", {"keys": KEYS, "allow": ["profile"], "maxProfile": 512}),
    ("/broker/session", "Clean"),
    ("/uplink/backoff/max", "02s"),
    ("/uplink/timeouts/dns", "1s"),
    ("/uplink/outbox", "64KB"),
    ("/uplink/outbox", "1e3KiB"),
    ("/uplink/outbox", 512),
    ("/uplink/inflight", 0),
    ("/uplink/inflight", 2.5),
    ("/budget/memory", None),
    ("/points/a.b", {"kind": "output", "line": "GPIO5"}),
    ("/points/door/kind", GONE),
    ("/points/door/kind", "button"),
    ("/points/door", "GPIO17"),
    ("/points/door/line", GONE),
    ("/points/door/line", 17),
    ("/points/door/line", "gpiochip0"),
    ("/points/door/line", "/dev/gpiochip0"),
    ("/points/door/line/chip", "gpiochip0"),
    ("/points/door/line/chip", GONE),
    ("/points/door/line/offset", GONE),
    ("/points/door/line/offset", -1),
    ("/points/door/line/name", "GPIO17"),
    ("/points/door/bias", "pullup"),
    ("/points/door/activeLow", "yes"),
    ("/points/door/debounce", "5 parsecs"),
    ("/points/door/unit", "Cel"),
    ("/points/door/report/delta", 1),
    ("/points/door/simulate/random", 1.5),
    ("/points/door/drive", "push-pull"),
    ("/points/water/edge", "up"),
    ("/points/water/scale", 0),
    ("/points/water/decimals", 10),
    ("/points/water/unit", "°C"),
    ("/points/water/unit", "{}"),
    ("/points/water/report/delta", -1),
    ("/points/pump/start", 1),
    ("/points/pump/stop", "hold"),
    ("/points/pump/stop", 1),
    ("/points/pump/lost/after", GONE),
    ("/points/pump/lost/state", GONE),
    ("/points/pump/simulate", {}),
    ("/points/air/simulated", False),
    ("/points/air/simulated", GONE),
    ("/points/air/thermal", "cpu-thermal"),
    ("/points/air/simulate/wave", "saw"),
    ("/points/air/simulate/on", "1s"),
    ("/points/volt/hwmon/channel", GONE),
    ("/points/volt/hwmon/device", "../../etc"),
    ("/points/soil/w1", "28-00000A1B2C3D"),
    ("/points/soil/w1", "28-1"),
]

# What the reader refuses and a schema cannot: lengths as numbers, and one member against another.
BEYOND_A_SCHEMA = [
    ("/points/pump/line", {"chip": "pinctrl-bcm2835", "offset": 17}, "the same line twice"),
    ("/points/door/debounce", "61s", "a duration out of range"),
    ("/broker/keepAlive", "500ms", "a duration out of range"),
    ("/uplink/outbox", "300MiB", "a size in words out of range"),
    ("/uplink/backoff/min", "3s", "min longer than max"),
    ("/points/water/report/max", "500ms", "min longer than max"),
    ("/broker/user", GONE, "a password without a user"),
    ("/care/allow", ["status"], "a bound for profiles that nobody may propose"),
    ("/care/keys", ["A" * 43 + "="], "a key that everybody can sign for"),
    ("/uplink/packet", "1KiB", "packets that answers do not fit into"),
    ("/broker", {"urls": ["mqtt://a.example", "mqtts://b.example"]}, "brokers reached otherwise"),
    ("/broker", {"urls": ["mqtt://ann@a.example", "mqtt://bob@b.example"]}, "two users"),
    ("/broker/probe", "60s", "a probe that has nowhere to grow"),
    ("/broker/returnAfter", "8d", "a duration out of range"),
    ("/broker/url", "ws://broker.example", "TLS settings and a URL without TLS"),
    ("/broker/url", "mqtts://broker.example", "headers and a URL without WebSocket"),
    ("/broker/proxy", "socks5://proxy.example", "a proxy's password without a user"),
    ("/broker/tls/alpnRequired", True, "ALPN required, and no protocol to agree on"),
    ("/broker/webSocket/headers", {f"X-{n}": "x" * 1000 for n in range(5)},
     "headers too long together"),
    ("/points/cpu/unit", "K", "a unit that the source does not measure in"),
    ("/points/air", {**WHOLE["points"]["air"], "low": 5, "high": 5}, "low not less than high"),
    ("/device/base", "ä" * 60, "bytes, where a schema counts characters"),
]
def changed(pointer, value):
    """The whole profile with one member changed."""
    if not pointer:
        return value
    result = copy.deepcopy(WHOLE)
    *path, last = pointer.split("/")[1:]
    place = result
    for name in path:
        place = place.setdefault(name, {})
    if value is GONE:
        del place[last]
    else:
        place[last] = value
    return result


def objects(schema, value, pointer=""):
    """Each object in a profile whose names are given, with its pointer and those names."""
    schema = resolved(schema, value)
    names = schema.get("properties", {})
    if names:
        yield pointer, value, set(names)
    for name, member in value.items():
        inner = names.get(name, schema.get("additionalProperties"))
        if isinstance(member, dict) and inner:
            yield from objects(inner, member, f"{pointer}/{name}")


def resolved(schema, value):
    """The part of the schema that speaks of this object: behind references and choices."""
    while "$ref" in schema:
        schema = DEFINITIONS[schema["$ref"].removeprefix("#/$defs/")]
    if schema is DEFINITIONS["point"]:
        return DEFINITIONS[value["kind"]]
    if schema is DEFINITIONS["line"]:
        # One way to name a line has all the names but one.
        names = {}
        for choice in schema["anyOf"]:
            names |= choice.get("properties", {})
        return {"properties": names}
    return schema


def unknown(said):
    """The pointers that `check` calls unknown, or out of place."""
    refusals = "unknown name|s have no|has no meaning here|nothing to simulate"
    return set(re.findall(rf"error: (/[^:]*): (?:{refusals}|.*(?:{refusals}))", said))


def batches(items, count):
    """The items, `count` at a time."""
    return [items[start:start + count] for start in range(0, len(items), count)]


class Schema(EndToEndTest):
    """devices/schema.json against `sandpiper check`."""

    def setUp(self):
        super().setUp()
        # Here, so that where Debian's python3-jsonschema is missing only these tests fail.
        from jsonschema import Draft202012Validator
        Draft202012Validator.check_schema(ROOT_SCHEMA)
        self.validator = Draft202012Validator(ROOT_SCHEMA)

    def check(self, profile_text):
        """Whether `check` finds a profile good, and what it says."""
        done = run("check", self.write(profile_text))
        self.assertIn(done.returncode, [0, 6], done.stdout + done.stderr)
        return done.returncode == 0, done.stdout + done.stderr

    def assert_verdicts(self, value, reader, schema):
        """Fails unless the reader and the schema judge as they should."""
        good, said = self.check(value)
        self.assertEqual(good, reader, f"the reader: {said}")
        problems = [error.message for error in self.validator.iter_errors(value)]
        self.assertEqual(not problems, schema, f"the schema: {problems}")

    def test_examples_are_good_for_both(self):
        for path in sorted((ROOT / "devices").glob("*.json")):
            if path != SCHEMA:
                with self.subTest(path.name):
                    self.assert_verdicts(json.loads(path.read_text()), True, True)

    def test_whole_profile_and_its_harmless_changes_are_good_for_both(self):
        self.assert_verdicts(WHOLE, True, True)
        for pointer, value in GOOD:
            with self.subTest(pointer, value=value):
                self.assert_verdicts(changed(pointer, value), True, True)

    def test_each_bad_change_is_bad_for_both(self):
        for pointer, value in BAD:
            with self.subTest(pointer, value=value):
                self.assert_verdicts(changed(pointer, value), False, False)

    def test_what_a_schema_cannot_say_only_the_reader_refuses(self):
        for pointer, value, why in BEYOND_A_SCHEMA:
            with self.subTest(why):
                self.assert_verdicts(changed(pointer, value), False, True)

    def test_both_know_the_same_names_in_each_object(self):
        # Whatever is spelled like a name in the reader or the schema is tried in every object.
        candidates = set()
        for path in READER.glob("*Reader*.swift"):
            candidates |= set(re.findall(r'"([$a-z][A-Za-z0-9]*)"', path.read_text()))
        self.assertLess({"$schema", "debounce", "passwordFile", "w1"}, candidates)
        for _, _, names in objects(ROOT_SCHEMA, WHOLE):
            candidates |= names
        # A few at a time: after a thousand problems `check` only counts.
        for some in batches(sorted(candidates), 10):
            crowded = copy.deepcopy(WHOLE)
            outside = set()
            for pointer, place, names in list(objects(ROOT_SCHEMA, crowded)):
                for name in some:
                    place.setdefault(name, None)
                outside |= {f"{pointer}/{name}" for name in set(some) - names}
            good, said = self.check(crowded)
            self.assertFalse(good)
            self.assertEqual(unknown(said), outside)

    def test_both_know_the_same_units(self):
        units = DEFINITIONS["unit"]["anyOf"][0]["enum"]
        source = (READER / "Unit.swift").read_text()
        codes = source.partition("codes: [StaticString] = [\n")[2].partition("\n  ]\n")[0]
        self.assertEqual(re.findall(r'"([^"]+)"', codes), units)
        points = [counter(f"n{n}", f"GPIO{n}", unit=unit) for n, unit in enumerate(units)]
        self.assert_verdicts(profile(*points), True, True)

    def test_every_property_is_described(self):
        def properties(schema):
            if isinstance(schema, list):
                for item in schema:
                    yield from properties(item)
            if isinstance(schema, dict):
                if "if" not in schema:
                    yield from schema.get("properties", {}).items()
                for key, value in schema.items():
                    if key != "if":
                        yield from properties(value)

        found = list(properties(ROOT_SCHEMA))
        self.assertGreater(len(found), 60)
        for name, value in found:
            while isinstance(value, dict) and "description" not in value and "$ref" in value:
                value = DEFINITIONS[value["$ref"].removeprefix("#/$defs/")]
            self.assertTrue(isinstance(value, dict) and value.get("description"), name)
