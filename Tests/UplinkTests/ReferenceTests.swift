import Core
import Dialing
import MQTT
import TestSupport
import Testing
import Uplink

/// Brokers that send us to another server (5.0, section 4.11).
@Suite struct ReferenceTests {
  private func bench(
    _ count: Int = 1, _ change: (inout UplinkSpec) -> Void = { _ in }
  ) -> LinkBench {
    LinkBench { spec in
      spec.version = VersionChoice(.v50, downTo: .v311)
      for _ in 1..<count { _ = spec.dial.others.append(Endpoint(.tcp, host: .empty)) }
      change(&spec)
    }
  }

  private func property(_ place: String) -> [UInt8] {
    place.isEmpty
      ? [0] : [UInt8(place.utf8.count + 3), 0x1C, 0, UInt8(place.utf8.count)] + utf8(place)
  }

  /// CONNACK that refuses so.
  private func refusal(_ code: UInt8, _ place: String) -> [UInt8] {
    let list = property(place)
    return [0x20, UInt8(2 + list.count), 0, code] + list
  }

  private let accepted: [UInt8] = [0x20, 3, 0, 0, 0]

  /// The next attempt begins; where it goes, nil for the list's broker.
  private func attempt(_ bench: LinkBench) -> String? {
    bench.open()
    return bench.reference
  }

  /// Is sent on; how long the next attempt waits.
  private func send(_ bench: LinkBench, _ code: UInt8 = 0x9C, to place: String = "b") -> Interval {
    bench.receive(refusal(code, place))
    return bench.deadline - bench.now
  }

  @Test(arguments: [0x9C, 0x9D] as [UInt8])
  func refusalWithAReferenceIsFollowedAtOnce(code: UInt8) {
    let bench = bench()
    #expect(attempt(bench) == nil)
    let wait = send(bench, code, to: "b.example:1884")
    #expect(wait >= .milliseconds(100) && wait < .milliseconds(1_100))
    #expect(bench.counters.refusals == 0 && bench.standing == .ordinary)
    #expect(attempt(bench) == "b.example:1884")
    bench.receive(accepted)
    #expect(bench.isOnline)
  }

  @Test func disconnectWithAReferenceIsFollowedAtOnce() {
    let bench = bench()
    _ = attempt(bench)
    bench.receive(accepted)
    let list = property("c")
    #expect(
      bench.receive([0xE0, UInt8(1 + list.count), 0x9C] + list)
        == .lost(.disconnected(.useAnotherServer)))
    #expect(bench.deadline - bench.now < .milliseconds(1_100))
    #expect(attempt(bench) == "c:0")
  }

  @Test func anotherServerIsForOneConnection() {
    let bench = bench()
    _ = attempt(bench)
    _ = send(bench, 0x9C)
    #expect(attempt(bench) == "b:0")
    bench.receive(accepted)
    bench.link.failed(.broken(code: 104), at: bench.now)
    _ = bench.event()
    #expect(attempt(bench) == nil)
  }

  @Test func movedIsForGood() {
    let bench = bench()
    _ = attempt(bench)
    _ = send(bench, 0x9D)
    for _ in 0..<5 {
      #expect(attempt(bench) == "b:0")
      bench.receive(accepted)
      bench.link.failed(.broken(code: 104), at: bench.now)
      _ = bench.event()
    }
  }

  /// A place where nobody is, told by a broker with a typing error: the device must not be lost by it.
  @Test(arguments: [0x9C, 0x9D] as [UInt8])
  func placeWhereNobodyIsCostsNothingButTime(code: UInt8) {
    let bench = bench()
    for _ in 0..<20 {
      #expect(attempt(bench) == nil)
      _ = send(bench, code)
      #expect(attempt(bench) == "b:0")
      bench.link.failed(.connectFailed(code: 111), at: bench.now)
      _ = bench.event()
    }
    #expect(attempt(bench) == nil)
    bench.receive(accepted)
    #expect(bench.isOnline)
  }

  @Test func serverThatHasMovedAndIsGoneIsLookedForInBothPlaces() {
    let bench = bench()
    _ = attempt(bench)
    _ = send(bench, 0x9D)
    _ = attempt(bench)
    bench.receive(accepted)
    bench.link.failed(.broken(code: 104), at: bench.now)
    _ = bench.event()
    for _ in 0..<4 {
      for place in ["b:0", nil] {
        #expect(attempt(bench) == place)
        bench.link.failed(.connectFailed(code: 111), at: bench.now)
        _ = bench.event()
      }
    }
  }

  @Test func circleIsMetByTheBackoff() {
    let bench = bench()
    var waits: [Interval] = []
    for round in 0..<60 {
      _ = attempt(bench)
      waits.append(send(bench, 0x9C, to: round % 2 == 0 ? "b" : "a"))
    }
    // Three at once, then the back-off, whose bound grows.
    let quick = waits.enumerated().filter { $0.offset % 4 != 3 }.map(\.element)
    let slow = waits.enumerated().filter { $0.offset % 4 == 3 }.map(\.element)
    #expect(quick.allSatisfy { $0 < .milliseconds(1_100) })
    #expect(slow.contains { $0 > .seconds(40) })
  }

  @Test(arguments: ["", "b/path", "mqtts://b", "a@b", "b:0"])
  func whatMakesNoSenseIsNotFollowed(place: String) {
    let bench = bench()
    _ = attempt(bench)
    _ = send(bench, to: place)
    #expect(attempt(bench) == nil)
  }

  @Test func profileCanForbidIt() {
    let bench = bench { $0.followsReferences = false }
    _ = attempt(bench)
    _ = send(bench)
    #expect(attempt(bench) == nil)
  }

  @Test func otherReasonsSendNobodyOn() {
    let bench = bench()
    _ = attempt(bench)
    _ = send(bench, 0x88)
    #expect(attempt(bench) == nil)
  }

  @Test func referenceIsOfTheBrokerThatNamedIt() {
    let bench = bench(2)
    #expect(attempt(bench) == nil && bench.broker == 0)
    _ = send(bench, 0x9D)
    #expect(attempt(bench) == "b:0" && bench.broker == 0)
    bench.link.failed(.connectFailed(code: 111), at: bench.now)
    _ = bench.event()
    #expect(attempt(bench) == nil && bench.broker == 1)
  }

  @Test func whatWasUnderWayIsPublishedAnewThere() {
    let bench = LinkBench { spec in
      spec.version = VersionChoice(.v50)
      spec.persistentSession = true
    }
    _ = attempt(bench)
    bench.receive([0x20, 3, 1, 0, 0])
    bench.append("a")
    bench.link.pump(bench.renderer, at: bench.moment)
    bench.link.session.withOutput(at: bench.now) { $0.count }
    #expect(bench.link.session.inflightCount == 1)
    let list = property("c")
    bench.receive([0xE0, UInt8(1 + list.count), 0x9C] + list)
    _ = attempt(bench)
    bench.link.session.withOutput(at: bench.now) { $0.count }
    bench.receive([0x20, 3, 1, 0, 0])
    #expect(bench.link.session.nextResend() == nil)
    #expect(bench.unacknowledged == 1)
  }
}
