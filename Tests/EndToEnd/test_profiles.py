"""Profiles, good and broken, and the command line around them."""

import json

from harness.case import EndToEndTest
from harness.processes import ROOT, run
from harness.profiles import door, profile, relay, walk

# What sysexits.h and systemd call EX_CONFIG and EXIT_NOTCONFIGURED.
BAD_PROFILE = 6
BAD_USAGE = 2


class Profiles(EndToEndTest):
    """`check`, `plan`, `run` over files."""

    def check(self, text):
        """What `check` says of a file with this text."""
        path = self.write(text)
        done = run("check", path)
        return done.returncode, (done.stdout + done.stderr).replace(str(path), "FILE")

    def test_shipped_profiles_are_good(self):
        paths = [p for p in sorted((ROOT / "devices").glob("*.json")) if p.name != "schema.json"]
        self.assertGreaterEqual(len(paths), 2)
        for path in paths:
            with self.subTest(path.name):
                done = run("check", path)
                self.assertEqual(done.returncode, 0, done.stdout + done.stderr)

    def test_misspelt_key_is_named_with_its_place_and_the_right_one(self):
        text = json.dumps(profile(door()), indent=2).replace('"kind"', '"kidn"')
        line = next(i for i, row in enumerate(text.splitlines(), 1) if "kidn" in row)
        code, said = self.check(text)
        self.assertEqual(code, BAD_PROFILE, said)
        self.assertRegex(said, rf"FILE:{line}:\d+")
        self.assertIn("/points/door", said)
        self.assertRegex(said, "did you mean.*kind")

    def test_every_error_of_the_file_is_told(self):
        broken = profile(door(), relay(), colour="green")
        broken["points"]["door"]["debounce"] = "5 parsecs"
        broken["points"]["pump"]["kind"] = 7
        code, said = self.check(broken)
        self.assertEqual(code, BAD_PROFILE, said)
        for word in ["colour", "debounce", "/points/pump"]:
            self.assertIn(word, said)

    def test_broken_json_is_named_by_line_and_column(self):
        for text in ['{"device": {"id": "t1"}', '{\n  "device": {,}\n}', "", "[]", '{"a":1} x',
                     '{"device":{"id":"a\x01"}}', "[" * 100000, '{"device":{"id":"t1","id":"t2"}}']:
            with self.subTest(text[:30]):
                code, said = self.check(text)
                self.assertEqual(code, BAD_PROFILE, said)
                self.assertRegex(said, r"FILE:\d+:\d+")

    def test_file_of_nothing_but_errors_is_refused_in_no_time(self):
        names = [f'"n{number}":1' for number in range(90_000)]
        for text in ["{" + ",".join(names) + "}", "{" + ",".join(['"n":1'] * 90_000) + "}"]:
            with self.subTest(text[:20]):
                code, said = self.check(text)
                self.assertEqual(code, BAD_PROFILE, said[:2000])
                self.assertLess(len(said.splitlines()), 1500)

    def test_same_line_twice_is_an_error(self):
        code, said = self.check(profile(door("GPIO5"), relay(line="GPIO5")))
        self.assertEqual(code, BAD_PROFILE, said)
        self.assertIn("/points/pump/line", said)
        self.assertIn("taken by /points/door", said)

    def test_chip_number_alone_is_refused(self):
        code, said = self.check(profile(door({"chip": "gpiochip0", "offset": 5})))
        self.assertEqual(code, BAD_PROFILE, said)
        self.assertIn("/points/door/line/chip", said)

    def test_user_name_that_no_connect_can_carry_is_refused(self):
        for user in ["x" * 5000, "a\0b"]:
            with self.subTest(user[:5]):
                unusable = profile(door())
                unusable["broker"]["user"] = user
                code, said = self.check(unusable)
                self.assertEqual(code, BAD_PROFILE, said)
                self.assertIn("/broker/user", said)

    def test_run_refuses_a_bad_profile_at_once(self):
        path = self.write("{}")
        done = run("run", path, "--simulate", "--broker", "mqtt://127.0.0.1:9", within=10)
        self.assertEqual(done.returncode, BAD_PROFILE, done.stderr)
        self.assertIn(str(path), done.stdout + done.stderr)

    def test_missing_profile_is_told(self):
        done = run("check", self.folder / "nowhere.json")
        self.assertNotEqual(done.returncode, 0)
        self.assertIn("nowhere.json", done.stdout + done.stderr)

    def test_plan_is_a_table_in_bytes(self):
        done = run("plan", self.write(profile(door(), relay(), walk())))
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertRegex(done.stdout, r"(?m)^.*\b\d+\b.*$")
        self.assertGreater(len(done.stdout.splitlines()), 5)
        self.assertNotIn("journal:", done.stdout, "there is none")
        with_journal = self.write(profile(door(), journal={"size": "64KiB"}))
        self.assertIn("journal:", run("plan", with_journal).stdout)

    def drop_in(self, *points, **more):
        """The settings that `plan --drop-in` prints, without the remarks."""
        done = run("plan", "--drop-in", self.write(profile(*points, **more)))
        self.assertEqual(done.returncode, 0, done.stderr)
        return [line for line in done.stdout.splitlines() if not line.startswith("#")]

    def test_drop_in_gives_the_service_what_the_profile_needs(self):
        self.assertEqual(self.drop_in(door()), ["[Service]", "MemoryMax=25M", "TasksMax=4"])
        self.assertEqual(
            self.drop_in(walk(), budget={"memory": "3MiB"}),
            ["[Service]", "MemoryMax=27M", "TasksMax=8", "DeviceAllow="])
        journal = {"size": "64KiB", "file": "/dev/mmcblk0p3"}
        self.assertEqual(
            self.drop_in(walk(), journal=journal),
            ["[Service]", "MemoryMax=25M", "TasksMax=10", "DeviceAllow=", "DeviceAllow=/dev/mmcblk0p3 rw"])
        for file, paths in [("/t1.journal", "-/"), ("/data/t1.journal", "-/data"), ("t1.journal", None),
                            ('/a b/5% "c"\\/j', '"-/a b/5%% \\"c\\"\\\\"')]:
            with self.subTest(file):
                found = self.drop_in(door(), journal=journal | {"file": file})
                self.assertEqual(found[2:], ["TasksMax=6"] + ([f"ReadWritePaths={paths}"] if paths else []))

    def test_drop_in_is_not_made_of_a_profile_that_does_not_fit(self):
        path = self.write(profile(door(), budget={"memory": "8KiB"}))
        done = run("plan", "--drop-in", path)
        self.assertEqual((done.returncode, done.stdout), (BAD_PROFILE, ""))
        self.assertEqual(run("plan", "--simulate", "--drop-in", path).returncode, 2)

    def test_budget_that_does_not_suffice_is_refused_with_the_rows(self):
        small = profile(door(), budget={"memory": "8KiB"})
        path = self.write(small)
        done = run("run", path, "--simulate", "--broker", "mqtt://127.0.0.1:9", within=10)
        said = done.stdout + done.stderr
        self.assertEqual(done.returncode, BAD_PROFILE, said)
        self.assertIn("outbox", said)

    def test_usage_errors_end_with_2_and_help_with_0(self):
        for arguments in [["--help"], ["--version"]]:
            done = run(*arguments)
            self.assertEqual(done.returncode, 0)
            self.assertTrue(done.stdout)
        for arguments in [[], ["fly"], ["run"], ["run", "a.json", "--speed"], ["check"],
                          ["check", "--all"], ["run", "a.json", "--broker", ""],
                          ["run", "a.json", "--broker", "http://b"]]:
            with self.subTest(arguments):
                done = run(*arguments)
                self.assertEqual(done.returncode, BAD_USAGE, done.stdout + done.stderr)
                self.assertTrue(done.stderr)
