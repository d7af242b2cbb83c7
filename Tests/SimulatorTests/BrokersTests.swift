import Core
import Profile
import Scenarios
import Testing

@testable import Simulator

/// A world with two brokers: faults of one of them, what each is told, and what is written down of it.
@Suite struct BrokersTests {
  private static let status = Array("sandpiper/d/status".utf8)

  private func configuration(
    keepAlive: String = "30s", returnAfter: String = "10m"
  ) throws -> Configuration {
    let text = """
      {"device": {"id": "d"}, "broker": {"urls": ["mqtt://a", "mqtt://b"],
         "keepAlive": "\(keepAlive)", "returnAfter": "\(returnAfter)"},
       "points": {"pump": {"kind": "output", "line": "GPIO23"},
         "air": {"kind": "sensor", "simulated": true, "every": "5s"}}}
      """
    let reading = ProfileReader.read(Array(text.utf8))
    return try #require(reading.configuration, "\(reading.problems.map(\.message))")
  }

  /// A world whose device has come online.
  private func world(returnAfter: String = "10m") throws -> World {
    let world = World(
      try configuration(returnAfter: returnAfter), link: LinkConditions(), seed: 1)
    world.run(until: world.now + .seconds(60))
    #expect(place(world) == 1)
    return world
  }

  /// The broker at which the device is online; nil for none.
  private func place(_ world: World) -> Int? {
    world.device?.agent.link.isOnline == true ? world.site.number : nil
  }

  /// What a broker tells who subscribes to the status now.
  private func state(_ world: World, at broker: Int) -> String? {
    guard let status = world.sites[broker - 1].broker.retained(Self.status) else { return nil }
    return String(String(decoding: status.payload, as: UTF8.self).split(separator: "\"")[3])
  }

  private func happening(
    _ fault: Fault, broker: Int?, for length: Interval = .zero
  ) -> Happening {
    var happening = Happening(fault, for: length)
    happening.broker = broker
    return happening
  }

  private func pump(_ world: World, broker: Int, to value: String) {
    var command = happening(.publish, broker: broker)
    (command.topic, command.payload) = (Array("cmd/pump".utf8), Array(value.utf8))
    world.begin(command)
    world.run(until: world.now + .seconds(1))
  }

  @Test func aCutOfTheFirstLeadsToTheSecondAndItsEndBack() throws {
    let world = try world()
    let cut = happening(.cut, broker: 1, for: .seconds(300))
    world.begin(cut)
    world.run(until: world.now + .seconds(70))
    #expect(place(world) == 2 && state(world, at: 2) == "online" && state(world, at: 1) == "lost")
    world.end(cut)
    world.run(until: world.now + .seconds(600))
    #expect(place(world) == 1 && state(world, at: 1) == "online")
    #expect(state(world, at: 2) == "offline")
    world.settle()
    #expect(world.violations.isEmpty && world.messageCounts.repeated <= 16)
  }

  @Test func whatNamesNoBrokerIsOfAllOfThem() throws {
    let world = try world()
    let cut = happening(.cut, broker: nil, for: .seconds(300))
    world.begin(cut)
    world.run(until: world.now + .seconds(120))
    #expect(place(world) == nil && state(world, at: 2) == nil)
    world.end(cut)
    world.run(until: world.now + .seconds(180))
    #expect(place(world) != nil)
  }

  @Test func whatHappensAtTheOtherBrokerLeavesTheDeviceWhereItIs() throws {
    for fault in Fault.allCases where fault.isAtBroker {
      let world = try world()
      let happening = happening(fault, broker: 2, for: .seconds(60))
      world.begin(happening)
      world.run(until: world.now + .seconds(60))
      world.end(happening)
      world.run(until: world.now + .seconds(60))
      #expect(place(world) == 1 && world.counts.losses == 0, "\(fault)")
      #expect(world.violations.isEmpty)
    }
  }

  @Test func aCommandComesThroughTheBrokerWhereTheDeviceIs() throws {
    let world = try world()
    pump(world, broker: 2, to: "true")
    #expect(state(world, of: "pump", at: 1) == "false")
    pump(world, broker: 1, to: "true")
    #expect(state(world, of: "pump", at: 1) == "true")
    world.begin(happening(.refuse, broker: 1))
    world.run(until: world.now + .seconds(30))
    #expect(place(world) == 2)
    pump(world, broker: 1, to: "false")
    #expect(state(world, of: "pump", at: 2) == "true")
    pump(world, broker: 2, to: "false")
    #expect(state(world, of: "pump", at: 2) == "false")
    #expect(world.violations.isEmpty)
  }

  /// The value that a broker has of a point.
  private func state(_ world: World, of point: String, at broker: Int) -> String? {
    let topic = Array("sandpiper/d/state/\(point)".utf8)
    guard let message = world.sites[broker - 1].broker.retained(topic) else { return nil }
    let text = String(decoding: message.payload, as: UTF8.self)
    return text.split(separator: ",").first.map { String($0.dropFirst(#"{"v":"#.count)) }
  }

  @Test func whatALogSaysNamesTheBroker() throws {
    var cut = happening(.cut, broker: 2, for: .seconds(4))
    #expect(cut.text == "cut at broker 2 for 4 s" && cut.endText == "cut at broker 2: over")
    #expect(cut.json == #"{"at": "0s", "do": "cut", "for": "4s", "broker": 2}"#)
    cut.broker = nil
    #expect(cut.text == "cut for 4 s" && cut.endText == "cut: over")
  }

  @Test func chanceMeetsEachBrokerAndAll() throws {
    var met: Set<Int> = []
    var chaos = Chaos(ChanceOfFaults(perDay: 300), seed: 1)
    let configuration = try configuration()
    let happenings = chaos.happenings(within: .seconds(86_400), configuration)
    for happening in happenings where happening.fault.isAtBroker {
      met.insert(happening.broker ?? 0)
    }
    #expect(met == [0, 1, 2])
    #expect(happenings.allSatisfy { $0.fault.isAtBroker || $0.broker == nil })
    let text = "{\"events\": [" + happenings.map(\.json).joined(separator: ",\n") + "]}"
    let reading = ScenarioReader.read(Array(text.utf8), for: configuration)
    #expect(reading.scenario?.happenings == happenings)
  }

  // MARK: What is written down

  private func course(_ events: [Happening], for length: Interval) throws -> Course {
    var simulation = Simulation(try configuration(), link: ("cable", LinkConditions()))
    (simulation.scenario.happenings, simulation.length) = (events, length)
    return simulation.run().course
  }

  @Test func aReturnIsNoOutageAndNoLoss() throws {
    var away = happening(.refuse, broker: 1, for: .seconds(300))
    away.at = .seconds(600)
    let course = try course([away], for: .seconds(3_600))
    #expect(course.violations.isEmpty && course.sums.losses == 1)
    #expect(course.outages.map(\.reason) == ["connection-failed at broker 1"])
    #expect(course.brokers.map(\.connections) == [2, 1])
    #expect(course.brokers[1].online > .seconds(595) && course.brokers[1].online < .seconds(605))
    #expect(
      course.incidents.map(\.text) == [
        "refuse at broker 1 for 5 min", "the device is at broker 2", "the device is at broker 1",
      ])
  }

  @Test func aReturnToABrokerThatIsNotThereIsAnOutage() throws {
    var away = happening(.refuse, broker: 1, for: .seconds(900))
    away.at = .seconds(600)
    let course = try course([away], for: .seconds(3_600))
    #expect(course.outages.map(\.reason) == ["connection-failed at broker 1", "returned"])
    #expect(course.brokers.map(\.connections) == [2, 2])
  }

  // MARK: Whether use is made of them

  private let start = Instant.boot + .seconds(1_000)

  /// What is said of a device that is online there for so long, and in the end elsewhere.
  private func watch(
    onlineAt broker: Int?, for length: Interval, well: [Bool], returns: Int = 0
  ) throws -> String? {
    let spec = try configuration(returnAfter: "5m").uplink
    var watch = try #require(FailoverWatch(spec))
    watch.runBegan()
    for _ in 0..<returns { watch.returned() }
    var complaint: String?
    for second in 0...length.seconds {
      complaint =
        complaint
        ?? watch.check(
          isRunning: true, onlineAt: broker, isWell: { well[$0] }, at: start + .seconds(second))
    }
    return complaint
  }

  @Test func oneThatIsWellHasToBeFound() throws {
    let long = Interval.seconds(3_600)
    #expect(try watch(onlineAt: nil, for: long, well: [false, true]) != nil)
    #expect(try watch(onlineAt: nil, for: .seconds(300), well: [false, true]) == nil)
    #expect(try watch(onlineAt: nil, for: long, well: [false, false]) == nil)
    #expect(try watch(onlineAt: 0, for: long, well: [false, true]) == nil)
  }

  @Test func aLaterOneHasToBeLeftLaterEachTime() throws {
    #expect(try watch(onlineAt: 1, for: .seconds(421), well: [true, true]) != nil)
    #expect(try watch(onlineAt: 1, for: .seconds(420), well: [true, true]) == nil)
    #expect(try watch(onlineAt: 1, for: .seconds(720), well: [true, true], returns: 1) == nil)
    #expect(try watch(onlineAt: 1, for: .seconds(721), well: [true, true], returns: 1) != nil)
  }

  @Test func lifeWithTwoBrokersKeepsEveryPromise() throws {
    let swarm = Swarm(
      configuration: try configuration(returnAfter: "3m"), seeds: 1..<7, length: .seconds(21_600),
      faults: ChanceOfFaults(perDay: 240), links: [LinkConditions()])
    let outcome = swarm.run()
    #expect(outcome.failed == nil && outcome.good == 6, "\(String(describing: outcome.failed))")
    #expect(outcome.counts.losses > 18)
  }
}
