"""Remote care with a broker that knows who may do what: the access list of deploy/OPERATIONS.md."""

import re
import subprocess

from harness.care import CareTest
from harness.processes import ROOT


def access_list():
    """The access list that operators are told to use."""
    text = (ROOT / "deploy/OPERATIONS.md").read_text()
    found = re.search(r"The access list, .*\n\n((?: {4}.*\n|\n)+)", text).group(1)
    return re.sub(r"(?m)^ {4}", "", found)


class CareAccess(CareTest):
    """A Mosquitto with logins for t1 and t2; whoever has none may do everything."""

    def settings(self):
        accounts, rights = self.folder / "accounts", self.folder / "rights"
        accounts.touch(0o600)
        for name in ["t1", "t2", "caretaker"]:
            subprocess.run(
                ["mosquitto_passwd", "-b", accounts, name, name], check=True,
                stdin=subprocess.DEVNULL)
            (self.folder / name).write_text(name)
        rights.write_text("topic readwrite #\n" + access_list())
        rights.chmod(0o600)
        return ["allow_anonymous true", f"password_file {accounts}", f"acl_file {rights}"]

    def profile(self, *, user="t1", **more):
        result = super().profile(**more)
        result["broker"] |= {"user": user, "passwordFile": str(self.folder / user)}
        return result

    def test_profile_with_the_login_of_another_device_is_rolled_back(self):
        self.begin()
        before = self.profile_hash()
        for version, reason in [("5.0", "status-not-taken"), ("3.1.1", "status-not-heard")]:
            with self.subTest(version):
                proposed = self.proposed(user="t2", version=version)
                answers = self.send("profile", proposed, status=1)
                self.assertEqual(self.results(answers), ["accepted", "rolled-back"])
                self.assertEqual(answers[1]["reason"], reason)
                self.assertEqual(self.profile_hash(), before)

    def test_caretaker_may_ask_and_hear_and_dashboards_may_not_ask(self):
        self.begin()
        login = ["--username", "caretaker", "--password-file", self.folder / "caretaker"]
        self.assertEqual(self.results(self.send("status", *login)), ["done"])
        login = ["--username", "t2", "--password-file", self.folder / "t2"]
        self.assertEqual(self.send("status", *login, status=1), [], "5.0 tells of the refusal")

    def test_profile_with_its_own_login_is_applied(self):
        self.begin()
        for version in ["5.0", "3.1.1"]:
            with self.subTest(version):
                proposed = self.proposed(line="GPIO18", version=version)
                answers = self.send("profile", proposed)
                self.assertEqual(self.results(answers), ["accepted", "applied"])
