import Core
import Dialing
import MQTT
import TestSupport
import Testing
import Uplink

/// Several brokers: which one is tried when, and the way back to the first.
@Suite struct BrokersTests {
  private func bench(
    _ count: Int = 3, seed: UInt64 = 1, _ change: (inout UplinkSpec) -> Void = { _ in }
  ) -> LinkBench {
    LinkBench(seed: seed) { spec in
      for _ in 1..<count { _ = spec.dial.others.append(Endpoint(.tcp, host: .empty)) }
      spec.stableAfter = .seconds(50)
      change(&spec)
    }
  }

  /// An attempt begins and fails; returns the broker, and how long the next one waits.
  private func fail(
    _ bench: LinkBench, _ fault: DialFault = .connectFailed(code: 111)
  ) -> (broker: Int, wait: Interval) {
    bench.pass()
    bench.link.failed(fault, at: bench.now)
    #expect(bench.event() != nil)
    return (bench.broker, bench.deadline - bench.now)
  }

  /// A connection comes about, with an acknowledgement, and is lost after so long; returns the broker.
  private func connection(_ bench: LinkBench, lasting length: Interval) -> Int {
    bench.connect()
    acknowledge(bench)
    bench.now = bench.now + length
    bench.receive([0xD0, 0])
    bench.link.failed(.broken(code: 104), at: bench.now)
    #expect(bench.event() == .lost(.dial(.broken(code: 104))))
    return bench.broker
  }

  /// The birth is said and acknowledged.
  private func acknowledge(_ bench: LinkBench) {
    #expect(bench.publishNow("online"))
    for id in bench.sent().compactMap(\.packetID) { bench.receive(acknowledgement(id)) }
  }

  // MARK: Failover

  @Test func listIsTriedInOrderAndOnceThroughItThatGoesQuickly() {
    for seed in 1...20 as ClosedRange<UInt64> {
      let bench = bench(seed: seed)
      for broker in 0..<2 {
        let attempt = fail(bench)
        #expect(attempt.broker == broker && attempt.wait == .milliseconds(100))
      }
      var waits: [Interval] = []
      for round in 2..<30 {
        let attempt = fail(bench)
        #expect(attempt.broker == round % 3)
        waits.append(attempt.wait)
      }
      #expect(waits.contains { $0 > .seconds(40) }, "the back-off counts for all of them")
      #expect(waits.allSatisfy { $0 <= .seconds(120) })
    }
  }

  @Test func brokerThatWasLostIsTriedAgainFirst() {
    let bench = bench()
    _ = fail(bench)
    #expect(connection(bench, lasting: .seconds(50)) == 1)
    #expect(fail(bench).broker == 1)
    let next = fail(bench)
    #expect(next.broker == 2 && next.wait == .milliseconds(100), "it was stable: all anew")
    #expect(fail(bench).broker == 0)
  }

  @Test func brokerThatAcceptsAndLosesTwiceInARowIsLeft() {
    let bench = bench()
    #expect(connection(bench, lasting: .seconds(1)) == 0)
    #expect(connection(bench, lasting: .seconds(1)) == 0)
    #expect(connection(bench, lasting: .seconds(1)) == 1)
    #expect(connection(bench, lasting: .seconds(50)) == 1)
    #expect(connection(bench, lasting: .seconds(50)) == 1)
  }

  @Test func refusalLeadsToTheNextBroker() {
    let bench = bench(2)
    bench.open()
    #expect(
      bench.receive([0x20, 2, 0, 5])
        == .attemptFailed(.refused(.returnCode(.notAuthorized)), wait: .milliseconds(100)))
    #expect(bench.standing == .refused && bench.counters.refusals == 1)
    bench.connect()
    #expect(bench.broker == 1 && bench.isOnline && bench.standing == .ordinary)
  }

  @Test func allThatRefuseAreAskedSeldom() {
    let bench = bench(2)
    for round in 0..<20 {
      bench.open()
      bench.receive([0x20, 2, 0, 5])
      #expect(bench.broker == round % 2)
      if round > 0 { #expect(bench.deadline - bench.now >= .seconds(60)) }
    }
  }

  @Test func proxyThatFailsIsTheSameForAll() {
    let bench = bench()
    for _ in 0..<5 {
      #expect(fail(bench, .proxy(.connectFailed(code: 111))).broker == 0)
    }
    #expect(fail(bench, .proxy(.status(502))).broker == 0)
    #expect(fail(bench).broker == 1, "it may be another's fault")
  }

  @Test func singleBrokerIsNeverTriedQuickly() {
    for seed in 1...20 as ClosedRange<UInt64> {
      let waits = (0..<8).map { _ in fail(self.bench(1, seed: seed)).wait }
      #expect(waits.allSatisfy { $0 >= .milliseconds(100) })
      let bench = self.bench(1, seed: seed)
      #expect((0..<8).map { _ in fail(bench).broker } == Array(repeating: 0, count: 8))
    }
  }

  @Test func eachBrokerIsAskedForTheNewestVersionFirst() {
    let bench = bench(2) { spec in spec.version = VersionChoice(.v50, downTo: .v311) }
    bench.open()
    bench.receive([0x20, 3, 0, 0x84, 0])
    #expect(bench.deadline - bench.now == .milliseconds(100))
    bench.open()
    #expect(bench.broker == 0 && bench.link.session.level == .v311)
    bench.receive([0x20, 2, 0, 3])
    bench.open()
    #expect(bench.broker == 1 && bench.link.session.level == .v50)
  }

  /// Two brokers that both remember us: packets under way at one mean nothing to the other.
  @Test func whatWasUnderWayAtOneBrokerIsPublishedAnewAtAnother() {
    let bench = bench(2) { spec in spec.persistentSession = true }
    bench.connect(sessionPresent: true)
    bench.append("a")
    #expect(bench.sent() == [.publish("live", "a", id: 1)])
    bench.link.failed(.broken(code: 104), at: bench.now)
    _ = bench.event()
    #expect(fail(bench).broker == 0)
    bench.connect(sessionPresent: true)
    #expect(bench.broker == 1)
    #expect(bench.sent() == [.publish("history", "a.", id: 2)], "no duplicate of anything there")
    bench.receive(acknowledgement(2))
    #expect(bench.unacknowledged == 0)
  }

  // MARK: Return

  /// A link that has been online at the second broker for `UplinkSpec.returnAfter`.
  private func away(_ change: (inout UplinkSpec) -> Void = { _ in }) -> LinkBench {
    let bench = bench(2) { spec in
      spec.keepAlive = .seconds(3_600)
      change(&spec)
    }
    _ = fail(bench)
    bench.connect()
    acknowledge(bench)
    return bench
  }

  @Test func stableConnectionElsewhereGoesBackToTheFirst() {
    let bench = away()
    let start = bench.now
    #expect(bench.deadline == start + .seconds(600))
    bench.now = start + .milliseconds(599_999)
    #expect(!bench.beginReturn())
    bench.now = start + .seconds(600)
    #expect(bench.beginReturn() && !bench.beginReturn(), "once")
    #expect(bench.isIdle)
    bench.link.returnToFirst(at: bench.now, timeout: .seconds(2))
    #expect(bench.sent() == [.disconnect] && bench.link.isClosing)
    bench.link.failed(.closedByPeer, at: bench.now)
    #expect(bench.event() == .lost(.returned))
    #expect(bench.deadline == bench.now + .milliseconds(100))
    bench.connect()
    #expect(bench.broker == 0 && bench.isOnline)
    #expect(bench.deadline == bench.now + .seconds(3_600), "it stays there")
  }

  @Test func returnWaitsForAStableConnection() {
    let bench = away { spec in
      spec.returnAfter = .seconds(1)
      spec.stableAfter = .seconds(70)
    }
    #expect(bench.deadline == bench.now + .seconds(70))
  }

  @Test func returnIsNotWantedWhereTheProfileSaysSo() {
    let bench = away { spec in spec.returnAfter = .zero }
    #expect(bench.deadline == bench.now + .seconds(3_600))
  }

  @Test func nothingLeavesWhileAReturnBeginsAndWhatIsUnderWayIsAwaited() {
    let bench = away()
    bench.now = bench.now + .seconds(600)
    bench.append("a")
    #expect(bench.sent().count == 1)
    #expect(bench.beginReturn() && !bench.isIdle)
    bench.append("b")
    #expect(bench.sent() == [])
    bench.receive(acknowledgement(2))
    #expect(bench.isIdle)
    bench.cancelReturn()
    #expect(bench.sent() == [.publish("live", "b", id: 3)])
  }

  @Test func brokerThatDoesNotCloseIsLeftAllTheSame() {
    let bench = away()
    bench.now = bench.now + .seconds(600)
    #expect(bench.beginReturn())
    bench.link.returnToFirst(at: bench.now, timeout: .seconds(2))
    #expect(bench.sent() == [.disconnect])
    #expect(bench.pass(.milliseconds(1_999)) == nil)
    #expect(bench.pass(.milliseconds(1)) == .lost(.returned))
  }

  @Test func returnThatFailsGoesOnAtOnceAndTheNextIsLater() {
    let bench = away()
    for wait in [600, 1_200, 2_400] as [Int64] {
      #expect(bench.deadline == bench.now + .seconds(wait))
      bench.now = bench.now + .seconds(wait)
      #expect(bench.beginReturn())
      bench.link.returnToFirst(at: bench.now, timeout: .seconds(2))
      bench.link.failed(.closedByPeer, at: bench.now)
      #expect(bench.event() == .lost(.returned))
      let attempt = fail(bench)
      #expect(attempt.broker == 0 && attempt.wait == .milliseconds(100))
      bench.connect()
      #expect(bench.broker == 1)
      acknowledge(bench)
    }
  }

  @Test func stableConnectionToTheFirstMakesReturnsSoonAgain() {
    let bench = away()
    bench.now = bench.now + .seconds(600)
    #expect(bench.beginReturn())
    bench.link.returnToFirst(at: bench.now, timeout: .seconds(2))
    bench.link.failed(.closedByPeer, at: bench.now)
    _ = bench.event()
    #expect(connection(bench, lasting: .seconds(50)) == 0)
    #expect(fail(bench).broker == 0)
    bench.connect()
    #expect(bench.broker == 1 && bench.deadline == bench.now + .seconds(600))
  }

  @Test func stopDuringAReturnStops() {
    let bench = away()
    bench.now = bench.now + .seconds(600)
    #expect(bench.beginReturn())
    bench.link.returnToFirst(at: bench.now, timeout: .seconds(2))
    bench.link.disconnect(at: bench.now, timeout: .seconds(2))
    bench.link.failed(.closedByPeer, at: bench.now)
    #expect(bench.event() == .stopped && bench.isStopped)
  }
}
