import Core
import Device
import Foundation
import Profile
import SimulatedBoard
import Testing

/// The shipped profile `name`, read.
private func shipped(_ name: String) throws -> Reading {
  let tree = URL(filePath: #filePath).deletingLastPathComponent().appending(path: "../..")
  return Reading(
    try String(contentsOf: tree.appending(path: "devices/\(name).json"), encoding: .utf8))
}

@Test(arguments: ["demo", "greenhouse", "smallest"])
func aShippedProfileIsGood(name: String) throws {
  let reading = try shipped(name)
  #expect(reading.told == [])
  let configuration = try #require(reading.configuration)
  #expect(configuration.string(configuration.uplink.dial.endpoint.host) == "localhost")
  #expect(configuration.uplink.dial.endpoint.port == 1883)
}

@Test func theGreenhouseHasOneOfEach() throws {
  let points = try #require(try shipped("greenhouse").configuration).points
  #expect(Set(points.map(\.kind)) == [.input, .counter, .output, .sensor])
  #expect(points.contains { $0.line.bias == .pullUp && $0.line.activeLow })
  #expect(points.contains { $0.line.debounce > .zero && $0.kind == .input })
  #expect(points.contains { $0.report.event })
  #expect(points.contains { $0.output.lost != nil })
  #expect(points.contains { $0.sensor.source == .oneWire })
}

@Test func theDemoLivesWithinAMinute() throws {
  let configuration = try #require(try shipped("demo").configuration)
  for (point, simulation) in zip(configuration.points, configuration.simulations) {
    switch point.kind {
    case .input, .counter:
      #expect(simulation.on > .zero && simulation.off > .zero)
      #expect(simulation.on + simulation.off < .seconds(60))
    case .sensor:
      #expect(simulation.wave == .walk && simulation.amplitude > 0)
      #expect(simulation.mean > point.sensor.low && simulation.mean < point.sensor.high)
      #expect(point.sensor.every < .seconds(60))
    case .output: break
    }
  }
}

@Test func nothingCanBeLeftOutOfTheSmallest() throws {
  let text = #"{"device":{"id":"pi"},"points":{"cpu":{"kind":"sensor","thermal":"cpu-thermal"}}}"#
  #expect(Reading(text).configuration != nil)
  for member in [
    #""device":{"id":"pi"},"#, #""id":"pi""#, #"{"kind":"sensor","thermal":"cpu-thermal"}"#,
    #","points":{"cpu":{"kind":"sensor","thermal":"cpu-thermal"}}"#, #""kind":"sensor","#,
    #","thermal":"cpu-thermal""#,
  ] {
    let parts = text.split(separator: member, omittingEmptySubsequences: false)
    #expect(parts.count == 2)
    #expect(Reading(parts.joined()).configuration == nil, "\(member)")
  }
  #expect(try shipped("smallest").configuration?.points.count == 1)
}
