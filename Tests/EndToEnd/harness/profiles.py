"""Profiles for the tests: small ones, put together from points."""

# A simulated line that never moves by itself.
AT_REST = {"on": "0s", "off": "0s"}


def profile(
        *points, device="t1", keep_alive="60s", reply="10s", version="newest", **more):
    """A profile of these points; `more` are further members of its top level."""
    return {
        "device": {"id": device},
        "broker": {
            "url": "mqtt://127.0.0.1:1883", "keepAlive": keep_alive, "version": version},
        "uplink": {"backoff": {"max": "2s"}, "timeouts": {"reply": reply}},
        "points": dict(points),
        **more,
    }


def door(line="GPIO17", **more):
    """A contact that nobody moves but the test."""
    return "door", {"kind": "input", "line": line, "simulate": AT_REST, **more}


def counter(name="water", line="GPIO27", **more):
    """A line whose rising edges are counted."""
    return name, {"kind": "counter", "line": line, "decimals": 0, "simulate": AT_REST, **more}


def relay(name="pump", line="GPIO23", **more):
    """An output."""
    return name, {"kind": "output", "line": line, **more}


def walk(name="air", every="200ms", **more):
    """A sensor whose value changes at each reading."""
    return name, {
        "kind": "sensor", "simulated": True, "unit": "Cel", "every": every, "decimals": 3,
        "simulate": {"wave": "walk", "mean": 20, "amplitude": 5, "noise": 0.5}, **more}


def steady(name="steady", every="200ms", value=20, **more):
    """A sensor whose value never changes."""
    return name, {
        "kind": "sensor", "simulated": True, "unit": "Cel", "every": every,
        "simulate": {"wave": "constant", "mean": value}, **more}
