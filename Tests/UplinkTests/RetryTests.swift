import Core
import Dialing
import MQTT
import TestSupport
import Testing
import Uplink

/// What the ends of connections and attempts lead to: when the back-off starts afresh, and what only a
/// person can mend.
@Suite struct RetryTests {
  private func bench(_ seed: UInt64 = 1) -> LinkBench {
    LinkBench(seed: seed) { spec in spec.stableAfter = .seconds(50) }
  }

  /// A connection of that length, with an acknowledgement or without; returns the wait behind it.
  private func connection(
    _ bench: LinkBench, lasting length: Interval, acknowledged: Bool,
    end: DialFault = .broken(code: 104)
  ) -> Interval {
    bench.connect()
    if acknowledged {
      #expect(bench.publishNow("online"))
      let id = bench.sent().compactMap(\.packetID).first ?? 0
      #expect(bench.receive(acknowledgement(id)) == .acknowledged(tag: 0, isTaken: true))
    }
    bench.now = bench.now + length
    bench.receive([0xD0, 0])
    bench.link.failed(end, at: bench.now)
    #expect(bench.event() == .lost(.dial(end)))
    return bench.deadline - bench.now
  }

  // MARK: The back-off

  @Test func stableConnectionThatCarriedAnAcknowledgementResetsTheBackoff() {
    let bench = bench()
    for _ in 0..<40 {
      #expect(connection(bench, lasting: .seconds(50), acknowledged: true) <= .seconds(1))
    }
  }

  /// The broker accepts and throws out: the wait grows as if it had not accepted.
  @Test func connectionThatDoesNotLastDoesNotResetTheBackoff() {
    let bench = bench()
    let waits = (0..<40).map { _ in
      connection(bench, lasting: .seconds(49), acknowledged: true)
    }
    #expect(waits.contains { $0 > .seconds(60) })
  }

  /// A broker whose disk is full, say: it accepts, answers pings, and does nothing.
  @Test func connectionWithoutAnAcknowledgementDoesNotResetTheBackoff() {
    let bench = bench()
    let waits = (0..<40).map { _ in
      connection(bench, lasting: .seconds(51), acknowledged: false)
    }
    #expect(waits.contains { $0 > .seconds(60) })
  }

  @Test func anAnsweredSubscriptionCountsAsAnAcknowledgement() throws {
    let bench = bench()
    for _ in 0..<40 {
      bench.connect()
      let id = try #require(bench.subscribe("a"))
      bench.receive([0x90, 3, 0, UInt8(id), 1])
      bench.now = bench.now + .seconds(50)
      bench.link.failed(.broken(code: 104), at: bench.now)
      #expect(bench.event() != nil)
      #expect(bench.deadline - bench.now <= .seconds(1))
    }
  }

  /// What an earlier connection has carried says nothing of the present.
  @Test func eachConnectionHasToCarryItsOwnAcknowledgement() {
    let bench = bench()
    _ = connection(bench, lasting: .seconds(50), acknowledged: true)
    let waits = (0..<40).map { _ in
      connection(bench, lasting: .seconds(51), acknowledged: false)
    }
    #expect(waits.contains { $0 > .seconds(60) })
  }

  // MARK: Refused

  @Test func refusalIsAStateUntilTheBrokerAccepts() {
    let bench = bench()
    #expect(bench.standing == .ordinary)
    for count in 1...3 as ClosedRange<UInt32> {
      bench.open()
      _ = bench.receive([0x20, 2, 0, 5])
      #expect(bench.standing == .refused && bench.counters.refusals == count)
    }
    bench.pass()
    bench.link.failed(.connectFailed(code: 111), at: bench.now)
    #expect(bench.event() != nil && bench.standing == .refused, "nobody has accepted us since")
    bench.connect()
    #expect(bench.standing == .ordinary)
  }

  @Test func whatMayPassIsNoRefusal() {
    let bench = bench()
    bench.open()
    _ = bench.receive([0x20, 2, 0, 3])
    #expect(bench.standing == .ordinary && bench.counters.refusals == 0)
  }

  @Test func throwingOutForLackOfRightsIsARefusal() {
    let bench = LinkBench { spec in spec.version = VersionChoice(.v50) }
    bench.open()
    _ = bench.action()
    bench.receive([0x20, 3, 0, 0, 0])
    #expect(bench.receive([0xE0, 1, 0x87]) == .lost(.disconnected(.notAuthorized)))
    #expect(bench.standing == .refused)
    #expect(bench.deadline - bench.now >= .seconds(60))
  }

  // MARK: Taken over

  @Test func thirdSilentCloseInARowMeansAnotherOfOurName() {
    let bench = bench()
    for _ in 0..<2 {
      let wait = connection(
        bench, lasting: .seconds(1), acknowledged: true, end: .closedByPeer)
      #expect(wait <= .seconds(2) && bench.standing == .ordinary)
    }
    for _ in 0..<20 {
      let wait = connection(
        bench, lasting: .seconds(1), acknowledged: true, end: .closedByPeer)
      #expect(wait >= .seconds(60) && wait < .seconds(120), "half the cap to the cap")
      #expect(bench.standing == .contested)
    }
    _ = connection(bench, lasting: .seconds(50), acknowledged: true)
    #expect(bench.standing == .ordinary, "the other has given in")
  }

  @Test func otherEndsInBetweenAreNoTakeover() {
    let bench = bench()
    for round in 0..<9 {
      let end: DialFault = round % 3 == 2 ? .broken(code: 104) : .closedByPeer
      _ = connection(bench, lasting: .seconds(1), acknowledged: true, end: end)
      #expect(bench.standing == .ordinary)
    }
  }

  /// A broker that restarts closes, too.
  @Test func stableConnectionsThatAreClosedAreNoTakeover() {
    let bench = bench()
    for _ in 0..<9 {
      let wait = connection(
        bench, lasting: .seconds(50), acknowledged: true, end: .closedByPeer)
      #expect(wait <= .seconds(1) && bench.standing == .ordinary)
    }
  }

  @Test func secondTakeoverInARowWaitsTheLongest() {
    let bench = LinkBench { spec in spec.version = VersionChoice(.v50) }
    for round in 0..<5 {
      bench.open()
      _ = bench.action()
      _ = bench.sent()
      bench.receive([0x20, 3, 0, 0, 0])
      #expect(bench.receive([0xE0, 1, 0x8E]) == .lost(.disconnected(.sessionTakenOver)))
      #expect(bench.standing == .contested)
      let wait = bench.deadline - bench.now
      #expect(round == 0 ? wait <= .seconds(1) : wait >= .seconds(60), "round \(round)")
    }
  }
}
