import Core
import Device
import Profile
import SimulatedBoard
import Testing

@Test func everyKeyOfTheDeviceIsRead() throws {
  let reading = Reading(
    #"""
    {"$schema": "schema.json", "description": "x",
     "device": {"id": "pump-1", "base": "acme/site_1", "description": "y", "diagnostics": "5m"},
     "broker": {"url": "mqtt://ann@broker.example:8883", "user": "bob",
                "passwordFile": "/etc/password", "keepAlive": "20s", "session": "persistent"},
     "uplink": {"backoff": {"min": "2s", "max": "3m", "stableAfter": "4s"},
                "timeouts": {"resolve": "5s", "connect": "6s", "reply": "7s", "proxy": "8s",
                             "tls": "9s", "webSocket": "10s"},
                "outbox": "1MiB", "packet": 4096, "inflight": 64},
     "budget": {"memory": "2.5MiB"},
     "journal": {"file": "/dev/flash", "size": "4MiB", "after": "2m", "every": "10s"},
     "points": {"p": {"kind": "input", "line": "GPIO17"}}}
    """#)
  #expect(reading.told == [])
  let configuration = try #require(reading.configuration)
  #expect(configuration.string(configuration.device.id) == "pump-1")
  #expect(configuration.string(configuration.device.base) == "acme/site_1")
  #expect(configuration.device.diagnosticsEvery == .seconds(300))
  #expect(configuration.device.profileHash != 0)
  let uplink = configuration.uplink
  #expect(configuration.string(uplink.dial.endpoint.host) == "broker.example")
  #expect(uplink.dial.endpoint.port == 8883)
  #expect(configuration.string(uplink.user) == "bob")
  #expect(configuration.string(uplink.passwordFile) == "/etc/password")
  #expect(uplink.keepAlive == .seconds(20))
  #expect(uplink.persistentSession)
  #expect(uplink.backoffMinimum == .seconds(2))
  #expect(uplink.backoffMaximum == .seconds(180))
  #expect(uplink.stableAfter == .seconds(4))
  #expect(uplink.dial.resolveTimeout == .seconds(5))
  #expect(uplink.dial.connectTimeout == .seconds(6))
  #expect(uplink.dial.proxyTimeout == .seconds(8))
  #expect(uplink.dial.tlsTimeout == .seconds(9))
  #expect(uplink.dial.webSocketTimeout == .seconds(10))
  #expect(uplink.replyTimeout == .seconds(7))
  #expect(uplink.outboxBytes == 1_048_576)
  #expect(uplink.packetBytes == 4096)
  #expect(uplink.inflight == 64)
  #expect(configuration.memoryBudget == 2_621_440)
  #expect(configuration.string(uplink.journalFile) == "/dev/flash")
  #expect(uplink.journalBytes == 4 << 20)
  #expect(uplink.spillAfter == .seconds(120))
  #expect(uplink.spillEvery == .seconds(10))
}

@Test func everyKeyOfTheWayIsRead() throws {
  let reading = profile(
    around: #"""
      "broker": {"url": "ws://b/x", "proxy": "http://a%40b@proxy.example:3128",
                 "proxyPasswordFile": "/etc/proxy-password",
                 "webSocket": {"headers": {"X-Api-Key": "1 2", "Cookie": "c=d"}}}
      """#)
  #expect(reading.told == [])
  let configuration = try #require(reading.configuration)
  let dial = configuration.uplink.dial
  #expect(
    configuration.string(dial.webSocketFields) == "X-Api-Key: 1 2\r\nCookie: c=d\r\n")
  let proxy = try #require(dial.proxy)
  #expect(proxy.kind == .http && proxy.port == 3128)
  #expect(configuration.string(proxy.host) == "proxy.example")
  #expect(configuration.string(proxy.user) == "a@b")
  #expect(configuration.string(proxy.passwordFile) == "/etc/proxy-password")
}

@Test func everyKeyOfTLSIsRead() throws {
  let reading = profile(
    around: #"""
      "broker": {"url": "mqtts://10.0.0.1", "tls": {
        "host": "broker.example", "ca": "/a", "caFolder": "/b", "cert": "/c", "key": "pkcs11:x",
        "keyPassphraseFile": "/d", "crl": "/e", "crlCheck": "chain", "minVersion": "1.3",
        "alpn": "mqtt,x-amzn-mqtt-ca", "alpnRequired": true, "insecure": false}}
      """#)
  #expect(reading.told == [])
  let configuration = try #require(reading.configuration)
  let tls = configuration.uplink.dial.tls
  #expect(
    [
      tls.host, tls.authorityFile, tls.authorityFolder, tls.certificateFile, tls.key,
      tls.passphraseFile, tls.revocationFile, tls.alpn,
    ].map(configuration.string) == [
      "broker.example", "/a", "/b", "/c", "pkcs11:x", "/d", "/e", "mqtt,x-amzn-mqtt-ca",
    ])
  #expect(tls.revocationOfChain && tls.onlyVersion13 && tls.alpnRequired && !tls.insecure)
}

@Test func everyKeyOfAnInputIsRead() throws {
  let (point, simulation, configuration) = try only(
    #"""
    "kind": "input", "description": "x", "line": {"chip": "pinctrl-bcm2835", "offset": 17},
    "bias": "pull-up", "activeLow": true, "debounce": "20ms", "event": true,
    "report": {"min": "5s", "max": "1h"},
    "simulate": {"on": "1s", "off": "2s", "random": 0.5, "bounce": "3ms"}
    """#)
  #expect(configuration.string(point.line.chip) == "pinctrl-bcm2835")
  #expect(point.line.name.isEmpty)
  #expect(point.line.offset == 17)
  #expect(point.line.bias == .pullUp)
  #expect(point.line.activeLow)
  #expect(point.line.debounce == .milliseconds(20))
  #expect(point.report.event)
  #expect(point.report.minimum == .seconds(5))
  #expect(point.report.maximum == .seconds(3600))
  #expect(simulation.on == .seconds(1))
  #expect(simulation.off == .seconds(2))
  #expect(simulation.randomness == 0.5)
  #expect(simulation.bounce == .milliseconds(3))
}

@Test func everyKeyOfACounterIsRead() throws {
  let (point, simulation, configuration) = try only(
    #"""
    "kind": "counter", "description": "x", "line": {"name": "GPIO4", "chip": "gpio-brcmstb"},
    "bias": "pull-down", "activeLow": false, "debounce": "1.5ms", "edge": "both", "scale": -0.25,
    "offset": 12.5, "decimals": 2, "unit": "L", "report": {"min": "2s", "max": "3s", "delta": 0.5},
    "simulate": {"off": "1s"}
    """#)
  #expect(configuration.string(point.line.name) == "GPIO4")
  #expect(configuration.string(point.line.chip) == "gpio-brcmstb")
  #expect(point.line.bias == .pullDown)
  #expect(point.line.debounce == .microseconds(1500))
  #expect(point.line.edge == .both)
  #expect(point.scale == -0.25 && point.offset == 12.5 && point.decimals == 2)
  #expect(configuration.string(point.unit) == "L")
  #expect(point.report.delta == 0.5)
  #expect(simulation.on == .seconds(10) && simulation.off == .seconds(1))
  #expect(simulation.randomness == 0 && simulation.bounce == .zero)
}

@Test func everyKeyOfASensorIsRead() throws {
  let (point, simulation, configuration) = try only(
    #"""
    "kind": "sensor", "description": "x", "iio": {"device": "bme280", "channel": "pressure"},
    "every": "250ms", "scale": 10, "offset": -3, "decimals": 0, "unit": "hPa", "low": 300,
    "high": 1100, "report": {"min": "0s", "max": "1d", "delta": 1e-3},
    "simulate": {"wave": "walk", "mean": 1013, "amplitude": 5, "period": "1m", "noise": 0.2}
    """#)
  #expect(point.sensor.source == .iio)
  #expect(configuration.string(point.sensor.device) == "bme280")
  #expect(configuration.string(point.sensor.channel) == "pressure")
  #expect(point.sensor.every == .milliseconds(250))
  #expect(point.scale == 10 && point.offset == -3 && point.decimals == 0)
  #expect(configuration.string(point.unit) == "hPa")
  #expect(point.sensor.low == 300 && point.sensor.high == 1100)
  #expect(point.report.minimum == .zero)
  #expect(point.report.maximum == .seconds(86_400))
  #expect(point.report.delta == 0.001)
  #expect(simulation.wave == .walk)
  #expect(simulation.mean == 1013 && simulation.amplitude == 5 && simulation.noise == 0.2)
  #expect(simulation.period == .seconds(60))
}

@Test func everyKeyOfAnOutputIsRead() throws {
  let (point, _, _) = try only(
    #"""
    "kind": "output", "description": "x", "line": "GPIO23", "bias": "disabled", "activeLow": true,
    "drive": "open-drain", "start": true, "stop": "keep", "lost": {"after": "10m", "state": true},
    "report": {"min": "1s"}
    """#)
  #expect(point.line.bias == .disabled)
  #expect(point.line.activeLow)
  #expect(point.line.drive == .openDrain)
  #expect(point.output.start)
  #expect(point.output.stop == nil)
  #expect(point.output.lost == true)
  #expect(point.output.lostAfter == .seconds(600))
  #expect(point.report.minimum == .seconds(1))
}

@Test func everyWordOfAChoiceIsRead() throws {
  for (word, bias) in [
    ("as-is", Bias.asIs), ("disabled", .disabled), ("pull-up", .pullUp), ("pull-down", .pullDown),
  ] {
    #expect(try only(harmless + ", \"bias\": \"\(word)\"").point.line.bias == bias)
  }
  for (word, edge) in [("rising", Edge.rising), ("falling", .falling), ("both", .both)] {
    let members = #""kind": "counter", "line": "GPIO4", "edge": "\#(word)""#
    #expect(try only(members).point.line.edge == edge)
  }
  for (word, drive) in [
    ("push-pull", Drive.pushPull), ("open-drain", .openDrain), ("open-source", .openSource),
  ] {
    let members = #""kind": "output", "line": "GPIO4", "drive": "\#(word)""#
    #expect(try only(members).point.line.drive == drive)
  }
  for (word, wave) in [
    ("constant", Wave.constant), ("sine", .sine), ("triangle", .triangle), ("square", .square),
    ("walk", .walk),
  ] {
    let members = #""kind": "sensor", "simulated": true, "simulate": {"wave": "\#(word)"}"#
    #expect(try only(members).simulation.wave == wave)
  }
  for (word, stop) in [("true", true), ("false", false), ("\"keep\"", nil)] as [(String, Bool?)] {
    let members = #""kind": "output", "line": "GPIO4", "stop": \#(word)"#
    #expect(try only(members).point.output.stop == stop)
  }
}

@Test func namesAndTextsMayBeWrittenWithEscapes() throws {
  let reading = Reading(
    #"{"d\u0065vice": {"id": "\u0070"}, "points": {"p": {"kind": "\u0069nput", "line": "\u00e4"}}}"#
  )
  let configuration = try #require(reading.configuration, "\(reading.told)")
  #expect(configuration.string(configuration.device.id) == "p")
  #expect(configuration.string(configuration.points[0].line.name) == "ä")
}

private func only(
  _ members: String
) throws -> (point: PointSpec, simulation: SimulationSpec, configuration: Configuration) {
  let reading = profile(point: members)
  let configuration = try #require(reading.configuration, "\(reading.told)")
  #expect(reading.told == [])
  return (configuration.points[0], configuration.simulations[0], configuration)
}
