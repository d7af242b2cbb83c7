"""A network namespace for a broker: a real interface in between, to be cut in real ways."""

import os
import subprocess


def command(*words):
    """Runs a command that has to succeed."""
    done = subprocess.run([str(word) for word in words], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{' '.join(map(str, words))}: {done.stderr}"


class Island:
    """A namespace at the far end of two cables: one for the agent, which can be cut, and one for
    whoever watches. Only root may make one."""

    _count = 0

    def __init__(self):
        Island._count += 1
        # Interface names have 15 characters at most.
        self.name = f"sp{os.getpid()}-{Island._count}"
        number = os.getpid() * 4 % 200 + Island._count % 50
        self.cable, self.host = self.name + "a", f"10.231.{number}.2"
        self.observers_host = f"10.232.{number}.2"
        command("ip", "netns", "add", self.name)
        command("ip", "-n", self.name, "link", "set", "lo", "up")
        self._lay(self.cable, f"10.231.{number}")
        self._lay(self.name + "o", f"10.232.{number}")
        self.inside = ["ip", "netns", "exec", self.name]
        command(*self.inside, "nft", "add", "table", "inet", "cut")
        command(*self.inside, "nft",
                "add chain inet cut arriving { type filter hook input priority 0; }")
        command(*self.inside, "nft",
                "add chain inet cut leaving { type filter hook output priority 0; }")

    def _lay(self, cable, network):
        command("ip", "link", "add", cable, "type", "veth", "peer", "name", "far", "netns", self.name)
        command("ip", "-n", self.name, "link", "set", "far", "name", cable)
        command("ip", "addr", "add", f"{network}.1/30", "dev", cable)
        command("ip", "-n", self.name, "addr", "add", f"{network}.2/30", "dev", cable)
        command("ip", "link", "set", cable, "up")
        command("ip", "-n", self.name, "link", "set", cable, "up")

    def pull(self):
        """Takes the agent's interface down: the system knows that there is no way."""
        command("ip", "link", "set", self.cable, "down")

    def plug(self):
        """Takes it up again."""
        command("ip", "link", "set", self.cable, "up")

    def drop(self, percent=100):
        """Loses packets in both directions; nobody is told."""
        rule = "drop" if percent == 100 else f"numgen random mod 100 < {percent} drop"
        command(*self.inside, "nft", f"add rule inet cut arriving iifname {self.cable} {rule}")
        command(*self.inside, "nft", f"add rule inet cut leaving oifname {self.cable} {rule}")

    def undrop(self):
        """Loses no more."""
        command(*self.inside, "nft", "flush", "chain", "inet", "cut", "arriving")
        command(*self.inside, "nft", "flush", "chain", "inet", "cut", "leaving")

    def close(self):
        """Takes the namespace and its cables away. What runs inside has ended."""
        command("ip", "netns", "del", self.name)
