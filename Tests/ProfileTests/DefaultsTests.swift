import Core
import Device
import Profile
import SimulatedBoard
import Testing

@Test func theDeviceAndItsBrokerHaveDefaults() throws {
  let reading = profile(around: "\"description\": \"what need not be said\"")
  #expect(reading.told == [])
  let configuration = try #require(reading.configuration)
  #expect(configuration.string(configuration.device.id) == "d")
  #expect(configuration.string(configuration.device.base) == "sandpiper")
  #expect(configuration.device.diagnosticsEvery == .seconds(60))
  let uplink = configuration.uplink
  #expect(configuration.string(uplink.dial.endpoint.host) == "localhost")
  #expect(uplink.dial.endpoint.port == 1883)
  #expect(uplink.user.isEmpty && uplink.passwordFile.isEmpty)
  #expect(uplink.keepAlive == .seconds(60))
  #expect(!uplink.persistentSession)
  #expect(uplink.backoffMinimum == .seconds(1))
  #expect(uplink.backoffMaximum == .seconds(120))
  #expect(uplink.stableAfter == .seconds(60))
  #expect(uplink.dial.resolveTimeout == .seconds(15))
  #expect(uplink.dial.connectTimeout == .seconds(15))
  #expect(uplink.replyTimeout == .seconds(10))
  #expect(uplink.outboxBytes == 64 * 1024)
  #expect(uplink.packetBytes == 2048)
  #expect(uplink.inflight == 16 && uplink.dial.brokerCount == 1)
  #expect(configuration.memoryBudget == 256 * 1024)
  #expect(uplink.journalBytes == 0)
}

@Test func aJournalHasDefaults() throws {
  let configuration = try #require(profile(around: #""journal": {}"#).configuration)
  let uplink = configuration.uplink
  #expect(configuration.string(uplink.journalFile).hasSuffix(".journal"))
  #expect(uplink.journalBytes == 1 << 20)
  #expect(uplink.spillAfter == .seconds(60))
  #expect(uplink.spillEvery == .seconds(30))
}

@Test func anInputHasDefaults() throws {
  let point = try onlyPoint(#""kind": "input", "line": "GPIO17""#)
  #expect(point.kind == .input)
  #expect(point.line.bias == .asIs)
  #expect(!point.line.activeLow)
  #expect(point.line.debounce == .zero)
  #expect(point.line.offset == -1)
  #expect(!point.report.event)
  #expect(point.report.minimum == .zero)
  #expect(point.report.maximum == .seconds(600))
}

@Test func aCounterHasDefaults() throws {
  let point = try onlyPoint(#""kind": "counter", "line": "GPIO17""#)
  #expect(point.kind == .counter)
  #expect(point.line.edge == .rising)
  #expect(point.scale == 1 && point.offset == 0 && point.decimals == 3)
  #expect(point.unit.isEmpty)
  #expect(point.report.minimum == .seconds(1))
  #expect(point.report.maximum == .seconds(600))
  #expect(point.report.delta == 0)
}

@Test func aSensorHasDefaults() throws {
  let point = try onlyPoint(#""kind": "sensor", "simulated": true"#)
  #expect(point.kind == .sensor)
  #expect(point.sensor.source == .simulated)
  #expect(point.sensor.every == .seconds(10))
  #expect(point.report.minimum == .seconds(10))
  #expect(point.sensor.low < -1e300 && point.sensor.high > 1e300)
  #expect(point.unit.isEmpty)
}

@Test func anOutputHasDefaults() throws {
  let point = try onlyPoint(#""kind": "output", "line": "GPIO17""#)
  #expect(point.kind == .output)
  #expect(point.line.drive == .pushPull)
  #expect(!point.output.start)
  #expect(point.output.stop == false)
  #expect(point.output.lost == nil)
}

@Test func theUnitOfASensorIsThatOfItsSource() throws {
  for (source, unit) in [
    (#""thermal": "cpu-thermal""#, "Cel"), (#""w1": "28-00000a1b2c3d""#, "Cel"),
    (hwmon("temp1"), "Cel"), (hwmon("in0"), "V"), (hwmon("curr1"), "A"), (hwmon("power1"), "W"),
    (hwmon("energy1"), "J"), (hwmon("humidity1"), "%"), (hwmon("fan1"), "{rpm}"),
    (hwmon("pwm1"), ""), (iio("temp"), "Cel"), (iio("humidityrelative"), "%"),
    (iio("pressure"), "kPa"), (iio("illuminance"), "lx"), (iio("voltage0"), "V"),
    (iio("current0"), "A"), (iio("count0"), ""),
  ] {
    let reading = profile(point: "\"kind\": \"sensor\", " + source)
    let configuration = try #require(reading.configuration, "\(source): \(reading.told)")
    #expect(configuration.string(configuration.points[0].unit) == unit, "\(source)")
  }
}

@Test func aSensorThatIsReadSeldomIsReportedNoMoreOften() throws {
  for report in ["", #", "report": {"delta": 1}"#] {
    let point = try onlyPoint(
      #""kind": "sensor", "simulated": true, "every": "1h""# + report)
    #expect(point.report.minimum == .seconds(3600))
    #expect(point.report.maximum == .seconds(3600))
  }
  let slow = try onlyPoint(harmless + #", "report": {"min": "15m"}"#)
  #expect(slow.report.maximum == .seconds(900))
}

@Test func aProfileThatSaysNothingOfItStillLivesWhenSimulated() throws {
  for point in [
    harmless, #""kind": "counter", "line": "GPIO17""#, #""kind": "sensor", "simulated": true"#,
  ] {
    let simulation = try #require(profile(point: point).configuration).simulations[0]
    let moves = simulation.on > .zero && simulation.off > .zero
    #expect(moves || simulation.wave != .constant && simulation.amplitude > 0)
  }
}

@Test func aSimulationThatIsEmptyIsSteady() throws {
  let line = try #require(profile(point: harmless + #", "simulate": {}"#).configuration)
  #expect(line.simulations[0].on == .seconds(10) && line.simulations[0].off == .seconds(10))
  #expect(line.simulations[0].randomness == 0 && line.simulations[0].bounce == .zero)
  let sensor = try #require(
    profile(point: #""kind": "sensor", "simulated": true, "simulate": {}"#).configuration)
  #expect(sensor.simulations[0].wave == .constant && sensor.simulations[0].mean == 20)
  #expect(sensor.simulations[0].amplitude == 0 && sensor.simulations[0].noise == 0)
  #expect(sensor.simulations[0].period == .seconds(3600))
}

@Test func aSimulatedSensorStaysWithinItsBounds() throws {
  let reading = profile(point: #""kind": "sensor", "simulated": true, "low": 100, "high": 200"#)
  let simulation = try #require(reading.configuration).simulations[0]
  #expect(simulation.mean == 150)
  #expect(simulation.amplitude == 10)
}

@Test func equalTextsStandInThePoolOnce() throws {
  let once = try #require(profile(point: harmless).configuration)
  let twice = try #require(
    profile(#""points": {"p": {\#(harmless)}, "GPIO17": {"kind": "input", "line": "p"}}"#)
      .configuration)
  #expect(twice.texts == once.texts)
  #expect(twice.points[0].name == twice.points[1].line.name)
  #expect(twice.points[1].name == twice.points[0].line.name)
  let device = try #require(profile(point: #""kind": "input", "line": "d""#).configuration)
  #expect(device.points[0].line.name == device.device.id)
}

private func hwmon(_ channel: String) -> String {
  #""hwmon": {"device": "rpi_volt", "channel": "\#(channel)"}"#
}

private func iio(_ channel: String) -> String {
  #""iio": {"device": "bme280", "channel": "\#(channel)"}"#
}

private func onlyPoint(_ members: String) throws -> PointSpec {
  let reading = profile(point: members)
  let configuration = try #require(reading.configuration, "\(reading.told)")
  #expect(configuration.points.count == 1 && configuration.simulations.count == 1)
  #expect(configuration.string(configuration.points[0].name) == "p")
  return configuration.points[0]
}
