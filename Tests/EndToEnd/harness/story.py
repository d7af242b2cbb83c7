"""What a script in a virtual machine has told, and the facts that it has to show."""

from dataclasses import dataclass, field

from harness.mqtt import Message


@dataclass
class Story:
    """The lines of a script, sorted: "message RETAINED TOPIC PAYLOAD", "mark NAME VALUE", and others by
    their first word."""
    messages: list = field(default_factory=list)
    marks: dict = field(default_factory=dict)
    lines: dict = field(default_factory=dict)

    def payloads(self, topic):
        """The payloads on a topic of the device, read as JSON."""
        return [m.fields for m in self.messages if m.topic == f"sandpiper/t1/{topic}"]


def read_story(text, kinds):
    """The story in a script's output. `kinds`: first words of its own."""
    story = Story(lines={kind: [] for kind in kinds})
    for line in text.splitlines():
        kind, _, rest = line.partition(" ")
        if kind == "message":
            retained, topic, payload = rest.split(" ", 2)
            story.messages.append(
                Message(0, 0, topic, payload.encode(), 0, retained == "1", False))
        elif kind == "mark":
            name, _, value = rest.partition(" ")
            story.marks[name] = value
        elif kind in story.lines:
            story.lines[kind].append(rest)
    return story


def judge(test, story, evidence):
    """Each fact of a test as a test of its own, so that one failure does not hide the others."""
    for name in dir(test):
        if not name.startswith("fact_"):
            continue
        with test.subTest(name.removeprefix("fact_").replace("_", " ")):
            try:
                getattr(test, name)(story)
            except Exception as error:
                raise AssertionError(f"{error}\n{evidence}") from error
