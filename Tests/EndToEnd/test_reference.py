"""The reference of profiles: what it says of ranges and by example, the reader says too."""

import copy
import importlib.machinery
import importlib.util
import re
import subprocess

from harness.case import EndToEndTest
from harness.processes import ROOT, run
from test_schema import ROOT_SCHEMA, WHOLE, objects

UNITS = {"ms": 0.001, "s": 1, "m": 60, "h": 3600, "d": 86400, "": 1, "KiB": 1 << 10, "MiB": 1 << 20}
# All objects, so that each key is somewhere.
COMPLETE = copy.deepcopy(WHOLE)
COMPLETE["journal"] = {}
COMPLETE["uplink"] |= {"batch": {"every": "5m"}, "backoff": {}, "timeouts": {}}
for name in ["door", "water", "pump", "air"]:
    COMPLETE["points"][name] |= {"keep": {}, "report": {}}
    if name != "pump":
        COMPLETE["points"][name].setdefault("simulate", {})


def generator():
    """deploy/reference, as a module."""
    loader = importlib.machinery.SourceFileLoader("reference", str(ROOT / "deploy/reference"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("reference", loader))
    loader.exec_module(module)
    return module


def amount(text):
    """A duration in seconds, or a size in bytes."""
    number, unit = re.fullmatch(r"([\d.]+)([A-Za-z]*)", text).groups()
    return float(number) * UNITS[unit]


class ReferenceTest(EndToEndTest):
    """deploy/reference against `sandpiper check`."""

    def setUp(self):
        super().setUp()
        self.reference = generator()

    def keys(self):
        """Each key that a profile may have: its pointer in COMPLETE, and what the reference says of it."""
        for pointer, value, names in objects(ROOT_SCHEMA, COMPLETE):
            schema = ROOT_SCHEMA
            for step in pointer.split("/")[1:]:
                members = self.reference.choices(schema)[0]
                schema = self.reference.resolved(members.get(step, schema.get("additionalProperties")))
                if schema.get("reference") == "point":
                    kind = COMPLETE["points"][step]["kind"]
                    schema = self.reference.resolved({"$ref": f"#/$defs/{kind}"})
            members = self.reference.choices(schema)[0]
            self.assertEqual(set(members), names, pointer)
            for name, inner in members.items():
                inner = self.reference.resolved(inner)
                yield f"{pointer}/{name}", self.reference.Key(name, inner, False)

    def test_files_are_what_the_schema_says(self):
        done = subprocess.run(
            [ROOT / "deploy/reference", "--check"], capture_output=True, text=True, check=False)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_ranges_are_the_readers(self):
        wrong, ranges = COMPLETE, {}
        for pointer, key in self.keys():
            if key.type in ("duration", "size"):
                ranges[pointer] = key.range
                wrong = self.with_member(wrong, pointer, "wrong")
        self.assertGreater(len(ranges), 40)
        said = run("check", self.write(wrong)).stderr
        for pointer, told in ranges.items():
            with self.subTest(pointer):
                message = re.search(rf"error: {pointer}: expected a (?:duration|size) (.*), found", said)
                self.assertTrue(message, said)
                low, high = (re.findall(r"from (\S+) to ([^\s)]+)", message[1]) or [("0s", "365d")])[0]
                match = re.match(r"up to (\w+)|(\w+) to (\w+)", told)
                self.assertTrue(match or (low, high) == ("0s", "365d"), told)
                if match:
                    self.assertEqual(
                        [amount(match[2] or "0s"), amount(match[1] or match[3])],
                        [amount(low), amount(high)], told)

    def test_examples_are_good(self):
        count = 0
        for pointer, key in self.keys():
            for example in key.schema.get("examples", []):
                with self.subTest(pointer, example=example):
                    value = self.with_member(COMPLETE, pointer, example)
                    said = run("check", self.write(self.fitting(value, pointer)))
                    self.assertEqual(said.returncode, 0, said.stdout + said.stderr)
                    count += 1
        self.assertGreater(count, 40)

    @staticmethod
    def with_member(value, pointer, member):
        """A copy with one member set."""
        value = copy.deepcopy(value)
        *path, last = pointer.split("/")[1:]
        place = value
        for step in path:
            place = place[step]
        place[last] = member
        return value

    @staticmethod
    def fitting(value, pointer):
        """Without what would not go together with the member at the pointer."""
        section, _, name = pointer.rpartition("/")
        if pointer in ("/broker/url", "/broker/urls"):
            for other in {"url", "urls", "webSocket", "user", "passwordFile"} - {name}:
                value["broker"].pop(other, None)
        if name == "proxy":
            value["broker"].pop("proxyPasswordFile")
        sources = {"thermal", "w1", "hwmon", "iio", "simulated"}
        if name in sources:
            # Another source measures in another unit.
            for other in sources - {name} | {"unit"}:
                value["points"][section.split("/")[2]].pop(other, None)
        if name == "line" and not section.endswith("/door"):
            value["points"]["door"]["line"] = "GPIO5"
        if name == "unit":
            value["points"][section.split("/")[2]]["scale"] = 2
        return value
