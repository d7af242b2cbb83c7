"""MQTT's packets as bytes, written by hand from the specifications: the judge's own codec."""

import struct

CONNECT, CONNACK, PUBLISH, PUBACK = 0x10, 0x20, 0x30, 0x40
PUBREC, PUBREL, PUBCOMP = 0x50, 0x62, 0x70
SUBSCRIBE, SUBACK, UNSUBSCRIBE, UNSUBACK = 0x82, 0x90, 0xA2, 0xB0
PINGREQ, PINGRESP, DISCONNECT, AUTH = 0xC0, 0xD0, 0xE0, 0xF0

# Name: identifier and form (MQTT 5.0, table 2-4): bytes of a number, "v"ariable, "t"ext, "p"air.
PROPERTIES = {
    "payload-format-indicator": (1, 1), "message-expiry-interval": (2, 4),
    "content-type": (3, "t"), "response-topic": (8, "t"), "correlation-data": (9, "t"),
    "subscription-identifier": (11, "v"), "session-expiry-interval": (17, 4),
    "assigned-client-identifier": (18, "t"), "server-keep-alive": (19, 2),
    "authentication-method": (21, "t"), "authentication-data": (22, "t"),
    "request-problem-information": (23, 1), "will-delay-interval": (24, 4),
    "request-response-information": (25, 1), "response-information": (26, "t"),
    "server-reference": (28, "t"), "reason-string": (31, "t"), "receive-maximum": (33, 2),
    "topic-alias-maximum": (34, 2), "topic-alias": (35, 2), "maximum-qos": (36, 1),
    "retain-available": (37, 1), "user-property": (38, "p"), "maximum-packet-size": (39, 4),
    "wildcard-subscription-available": (40, 1), "subscription-identifier-available": (41, 1),
    "shared-subscription-available": (42, 1)}


def octets(value):
    """Bytes of a text, or bytes as they are."""
    return value.encode() if isinstance(value, str) else value


def text(value):
    """A length of two bytes, and the text."""
    return struct.pack(">H", len(octets(value))) + octets(value)


def varint(number):
    """A variable byte integer."""
    out = b""
    while True:
        number, digit = number >> 7, number & 127
        out += bytes([digit | 128 if number else digit])
        if not number:
            return out


def packet(first, body=b""):
    """A fixed header and its body."""
    return bytes([first]) + varint(len(body)) + body


def properties(pairs):
    """A property list with its length; `pairs` of names and values in their order."""
    out = b""
    for name, value in pairs:
        number, form = PROPERTIES[name]
        out += bytes([number])
        if form == "t":
            out += text(value)
        elif form == "p":
            out += text(value[0]) + text(value[1])
        elif form == "v":
            out += varint(value)
        else:
            out += value.to_bytes(form, "big")
    return varint(len(out)) + out


def listed(ver, pairs=()):
    """The property list of a version: none before 5.0."""
    return properties(pairs) if ver == 5 else b""


def connect(ver, client_id="c", clean=1, keepalive=60, user=None, secret=None, will=None,
            props=()):
    """CONNECT. `will`: topic, payload, QoS, retain, properties."""
    name = "MQIsdp" if ver == 3 else "MQTT"
    flags = 2 * clean
    tail = text(client_id)
    if will:
        topic, payload, qos, retain, last = will
        flags |= 4 | qos << 3 | retain << 5
        tail += listed(ver, last) + text(topic) + text(payload)
    if user is not None:
        flags |= 0x80
        tail += text(user)
    if secret is not None:
        flags |= 0x40
        tail += text(secret)
    head = text(name) + bytes([ver, flags]) + struct.pack(">H", keepalive)
    return packet(CONNECT, head + listed(ver, props) + tail)


def connack(ver, code=0, present=0, props=()):
    """CONNACK."""
    return packet(CONNACK, bytes([present, code]) + listed(ver, props))


def publish(ver, topic, payload=b"", qos=0, mid=None, retain=0, dup=0, props=()):
    """PUBLISH."""
    body = text(topic) + (struct.pack(">H", mid) if qos else b"")
    body += listed(ver, props) + octets(payload)
    return packet(PUBLISH | dup << 3 | qos << 1 | retain, body)


def answer(first, mid, code=0, props=()):
    """PUBACK, PUBREC, PUBREL or PUBCOMP; code and properties of 5.0 where there are any."""
    body = struct.pack(">H", mid)
    if code or props:
        body += bytes([code])
    if props:
        body += properties(props)
    return packet(first, body)


def subscribe(ver, mid, filters, props=()):
    """SUBSCRIBE; `filters` of pairs: filter, options."""
    body = struct.pack(">H", mid) + listed(ver, props)
    return packet(SUBSCRIBE, body + b"".join(text(name) + bytes([byte]) for name, byte in filters))


def suback(ver, mid, codes, props=()):
    """SUBACK."""
    return packet(SUBACK, struct.pack(">H", mid) + listed(ver, props) + bytes(codes))


def unsubscribe(ver, mid, filters, props=()):
    """UNSUBSCRIBE."""
    body = struct.pack(">H", mid) + listed(ver, props)
    return packet(UNSUBSCRIBE, body + b"".join(text(name) for name in filters))


def unsuback(ver, mid, codes=(), props=()):
    """UNSUBACK; codes in 5.0."""
    body = struct.pack(">H", mid) + listed(ver, props)
    return packet(UNSUBACK, body + (bytes(codes) if ver == 5 else b""))


def disconnect(code=0, props=()):
    """DISCONNECT; code and properties of 5.0 where there are any."""
    if not code and not props:
        return packet(DISCONNECT)
    return packet(DISCONNECT, bytes([code]) + (properties(props) if props else b""))


def auth(code=0, props=()):
    """AUTH."""
    return packet(AUTH, bytes([code]) + properties(props))


def mid_of(sent):
    """The identifier of a whole packet."""
    at = 1
    while sent[at] & 128:
        at += 1
    at += 1
    if sent[0] & 0xF0 == PUBLISH:
        at += 2 + int.from_bytes(sent[at:at + 2], "big")
    return int.from_bytes(sent[at:at + 2], "big")
