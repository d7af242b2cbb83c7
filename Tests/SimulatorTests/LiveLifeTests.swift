import Broker
import Core
import Dialing
import Profile
import Scenarios
import Testing

@testable import Simulator

/// A life whose clock and broker are outside.
@Suite struct LiveLifeTests {
  /// A broker beyond the world, with the world's time.
  private final class Outside: FarBroker {
    var broker = MessageBroker(isObserved: true)
    var now = Instant.boot
    var isThere = true
    /// Which brokers of the profile were asked for, in turn.
    var dialled: [Int] = []
    private var present: ConnectionID?
    private var waiting: [UInt8] = []
    private var hasEnded = false
    private var answer: FarAnswer?

    func dial(_ number: Int, sentTo reference: ServerReference?) {
      close()
      dialled.append(number)
      answer = isThere ? .opened(password: nil) : .failed(.connectFailed(code: 111))
      if isThere { present = broker.open(at: now) }
      (waiting, hasEnded) = ([], false)
    }

    func takeAnswer() -> FarAnswer? {
      defer { answer = nil }
      return answer
    }

    func send(_ bytes: Span<UInt8>) {
      if let present { broker.receive(bytes, from: present, at: now) }
    }

    func receive(_ take: (Span<UInt8>) -> Void) -> Bool {
      serve()
      if !waiting.isEmpty { take(waiting.span) }
      waiting = []
      return hasEnded
    }

    func close() {
      if let present { broker.closed(present, at: now) }
      present = nil
    }

    func leave() { present = nil }

    func serve() {
      broker.advance(to: now)
      broker.drain(at: now) { id, bytes, isLast in
        guard id == present else { return }
        waiting.append(addingCapacity: bytes.count) { $0.append(contentsOf: bytes) }
        hasEnded = hasEnded || isLast
      }
    }
  }

  /// What somebody saw of a life.
  private struct Seen {
    var states: [String] = []
    var lines: [String] = []
    var numbers: Set<UInt32> = []
    var hasTakenLeave = false
    var lasted = Interval.zero

    /// True when, of the numbers from the first on, none is missing, and there are more than so many.
    func hasAll(over count: Int) -> Bool {
      numbers.count > count && numbers == Set(1...UInt32(numbers.count))
    }

    mutating func hear(_ event: BrokerEvent) {
      guard case .published(_, let message, _) = event else { return }
      if message.topic.elementsEqual("sandpiper/d/status".utf8) {
        let words = String(decoding: message.payload, as: UTF8.self).split(separator: "\"")
        states.append(String(words[3]))
      } else {
        var readings: [HeardReading] = []
        guard HeardReading.read(message.payload.span, into: &readings, { _ in nil }) else { return }
        numbers.formUnion(readings.map(\.number))
      }
    }
  }

  private static let profile = """
    {"device": {"id": "d", "diagnostics": "0s"},
     "broker": {"urls": ["mqtt://a", "mqtt://b"], "keepAlive": "10s"},
     "points": {"air": {"kind": "sensor", "simulated": true, "every": "1s"}}}
    """

  /// A life through a scenario; `step` is asked each time before it goes on.
  private func live(
    _ events: String, for length: Interval, to outside: Outside = Outside(),
    _ step: (LiveLife, Interval) -> Void = { _, _ in }
  ) throws -> Seen {
    let configuration = try #require(
      ProfileReader.read(Array(Self.profile.utf8)).configuration)
    let reading = ScenarioReader.read(
      Array("{\"events\": [\(events)]}".utf8), for: configuration, ownsBroker: false)
    var simulation = Simulation(configuration, link: ("cable", LinkConditions()))
    simulation.scenario = try #require(reading.scenario)
    simulation.length = length
    var seen = Seen()
    let life = LiveLife(simulation, to: outside, wallAtStart: 1_800_000_000_000) {
      seen.lines.append($0)
    }
    var elapsed = Interval.zero
    while !life.isOver, elapsed < length + .seconds(300) {
      step(life, elapsed)
      life.turn(at: elapsed)
      outside.serve()
      outside.broker.drainEvents { seen.hear($0) }
      elapsed = min(max(life.deadline, elapsed + .milliseconds(1)), elapsed + .milliseconds(100))
      outside.now = .boot + elapsed
    }
    (seen.hasTakenLeave, seen.lasted) = (life.hasTakenLeave, elapsed)
    return seen
  }

  @Test func itEndsInOrderWithItsScenario() throws {
    let seen = try live("", for: .seconds(10))
    #expect(seen.states == ["online", "stopping", "offline"])
    #expect(seen.hasTakenLeave && seen.lasted < .seconds(12))
    #expect(seen.hasAll(over: 9))
    #expect(seen.lines.contains("the scenario is over"))
  }

  @Test func aCutIsLivedThroughWithoutAWord() throws {
    let seen = try live(#"{"at": "3s", "do": "cut", "for": "4s"}"#, for: .seconds(12))
    #expect(seen.states == ["online", "stopping", "offline"])
    #expect(seen.hasAll(over: 11))
    #expect(seen.lines.contains("cut for 4 s") && seen.lines.contains("cut: over"))
  }

  @Test func aBrokerThatTheScenarioTakesAwayIsPassedOver() throws {
    let outside = Outside()
    let seen = try live(
      #"{"at": "3s", "do": "refuse", "broker": 1, "for": "20s"}"#, for: .seconds(30), to: outside)
    #expect(outside.dialled == [0, 1])
    #expect(seen.states == ["online", "lost", "online", "stopping", "offline"])
    #expect(seen.hasAll(over: 29) && seen.lines.contains("refuse at broker 1: over"))
    #expect(seen.lines.contains("broker 2"))
  }

  @Test func aKillIsToldByTheWillAtOnceAndAPowerCutByTheKeepAlive() throws {
    let killed = try live(#"{"at": "3s", "do": "kill", "for": "2s"}"#, for: .seconds(12))
    #expect(killed.states == ["online", "lost", "online", "stopping", "offline"])
    let outside = Outside()
    var lostAt = Interval.zero
    let cut = try live(
      #"{"at": "3s", "do": "power-cut", "for": "30s"}"#, for: .seconds(45), to: outside
    ) { _, elapsed in
      let status = outside.broker.retained(Array("sandpiper/d/status".utf8))
      guard lostAt == .zero, let status else { return }
      if String(decoding: status.payload, as: UTF8.self).contains("\"lost\"") { lostAt = elapsed }
    }
    #expect(cut.states == ["online", "lost", "online", "stopping", "offline"])
    #expect(lostAt > .seconds(15) && lostAt < .seconds(22))
  }

  @Test func aBrokerThatIsNotThereIsNotToldAnything() throws {
    let outside = Outside()
    outside.isThere = false
    let seen = try live("", for: .seconds(5), to: outside)
    #expect(seen.states.isEmpty && !seen.hasTakenLeave && seen.lasted < .seconds(200))
    #expect(seen.lines.contains { $0.hasPrefix("no connection to the broker: connect-failed") })
  }

  @Test func whoeverWantsItToEndWaitsForNothing() throws {
    let seen = try live(#"{"at": "3s", "do": "power-cut", "for": "1h"}"#, for: .seconds(7_200)) {
      life, elapsed in if elapsed >= .seconds(5) { life.stop() }
    }
    #expect(seen.lasted < .seconds(6) && !seen.hasTakenLeave)
    let cut = try live(#"{"at": "3s", "do": "cut"}"#, for: .seconds(7_200)) { life, elapsed in
      if elapsed >= .seconds(5) { life.stop() }
    }
    #expect(cut.states == ["online", "stopping", "offline"] && cut.hasTakenLeave)
  }

  @Test func whatTheBrokerWouldHaveToDoIsNotPlayed() throws {
    let seen = try live(
      #"{"at": "3s", "do": "restart"}, {"at": "4s", "do": "reset"}"#, for: .seconds(8))
    #expect(!seen.lines.contains { $0.contains("restart") } && seen.lines.contains("reset"))
  }
}
