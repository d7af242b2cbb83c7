import Core
import MQTT
import Testing
import Uplink
import WebSocket

/// From the back-off to CONNACK.
@Suite struct ConnectingTests {
  @Test func firstAttemptIsWithinTheFirstBackoff() {
    var latest = Instant.boot
    for seed in 0..<100 as Range<UInt64> {
      let bench = LinkBench(seed: seed)
      #expect(bench.deadline < .boot + .seconds(1))
      latest = max(latest, bench.deadline)
    }
    #expect(latest > .boot + .milliseconds(900), "a fleet that boots together comes apart")
  }

  @Test func nameIsResolvedThenTheAddressConnected() {
    let bench = LinkBench()
    #expect(bench.action() == nil)
    bench.pass()
    #expect(bench.action() == .resolve)
    #expect(bench.action() == nil)
    bench.link.resolved(count: 2, at: bench.now)
    #expect(bench.action() == .connect(address: 0))
    #expect(bench.deadline == bench.now + .seconds(15))
  }

  @Test func connectSaysWhoWeAreAndWhatToSayWhenWeAreLost() {
    let bench = LinkBench { spec in
      spec.keepAlive = .seconds(20)
      spec.user = LinkBench.user
    }
    bench.open(password: "secret")
    #expect(
      bench.sent() == [
        .connect(
          clean: true, keepAlive: 20, id: "device", will: "status lost", login: "user:secret")
      ])
    #expect(!bench.isOnline)
    #expect(bench.receive([0x20, 2, 0, 0]) == .online(sessionPresent: false))
    #expect(bench.isOnline && bench.counters.connections == 1)
  }

  @Test func passwordWithoutAUserStaysHere() {
    let bench = LinkBench { spec in spec.persistentSession = true }
    bench.open(password: "secret")
    #expect(
      bench.sent() == [
        .connect(clean: false, keepAlive: 60, id: "device", will: "status lost", login: nil)
      ])
  }

  @Test func eachAddressIsTriedInTurn() {
    let bench = LinkBench()
    bench.pass()
    bench.link.resolved(count: 3, at: bench.now)
    #expect(bench.action() == .connect(address: 0))
    bench.link.transportFailed(code: 111, at: bench.now)
    #expect(bench.action() == .connect(address: 1))
    bench.pass()
    #expect(bench.action() == .connect(address: 2), "the deadline of each is its own")
    #expect(bench.deadline == bench.now + .seconds(15))
    bench.link.transportFailed(code: 111, at: bench.now)
    #expect(bench.action() == .close)
    expectFailure(bench, .connectFailed(code: 111))
  }

  @Test func nameThatDoesNotResolveIsAFailedAttempt() {
    let bench = LinkBench()
    bench.pass()
    bench.link.resolveFailed(code: -2, at: bench.now)
    expectFailure(bench, .resolveFailed(code: -2))
    bench.pass()
    bench.link.resolved(count: 0, at: bench.now)
    expectFailure(bench, .resolveFailed(code: 0))
  }

  @Test func resolverHasADeadline() {
    let bench = LinkBench { spec in spec.resolveTimeout = .seconds(7) }
    bench.pass()
    let asked = bench.now
    bench.pass()
    #expect(bench.now == asked + .seconds(7))
    expectFailure(bench, .resolveTimedOut)
  }

  @Test func connectionHasADeadline() {
    let bench = LinkBench { spec in spec.connectTimeout = .seconds(3) }
    bench.pass()
    bench.link.resolved(count: 1, at: bench.now)
    let begun = bench.now
    bench.pass()
    #expect(bench.now == begun + .seconds(3))
    expectFailure(bench, .connectTimedOut)
  }

  @Test func upgradeHasTheSameDeadlineAndAnotherName() {
    let bench = LinkBench { spec in spec.connectTimeout = .seconds(3) }
    bench.pass()
    bench.link.resolved(count: 2, at: bench.now)
    let begun = bench.now
    bench.link.upgrading()
    bench.pass()
    #expect(bench.now == begun + .seconds(3))
    #expect(bench.action() == .connect(address: 1))
    bench.link.upgrading()
    bench.pass()
    expectFailure(bench, .upgradeTimedOut)
    bench.pass()
    bench.link.resolved(count: 1, at: bench.now)
    bench.pass()
    expectFailure(bench, .connectTimedOut)
  }

  @Test func upgradeThatFailsLeadsToTheNextAddress() {
    let bench = LinkBench()
    bench.link.upgradeFailed(.malformed, at: bench.now)
    bench.link.webSocketEnded(.closed(code: nil), at: bench.now)
    bench.link.upgrading()
    #expect(bench.event() == nil, "nothing was tried so far")
    bench.pass()
    bench.link.resolved(count: 2, at: bench.now)
    bench.link.upgrading()
    bench.link.upgradeFailed(.status(404), at: bench.now)
    #expect(bench.action() == .connect(address: 1))
    bench.link.upgradeFailed(.wrongAccept, at: bench.now)
    #expect(bench.action() == .close)
    expectFailure(bench, .upgradeFailed(.wrongAccept))
  }

  @Test func endOfTheWebSocketIsALoss() {
    for end in [.closed(code: 1001), .failed(.text)] as [FrameEnd] {
      let bench = LinkBench.online()
      bench.link.webSocketEnded(end, at: bench.now)
      #expect(bench.event() == .lost(.webSocket(end)))
      #expect(bench.action() == .close)
    }
  }

  @Test func connackHasADeadline() {
    let bench = LinkBench { spec in spec.replyTimeout = .seconds(4) }
    bench.open()
    let begun = bench.now
    #expect(bench.deadline == begun + .seconds(4))
    bench.pass()
    expectFailure(bench, .session(.connectTimedOut))
    #expect(bench.action() == .close)
  }

  @Test func latecomersChangeNothing() {
    let bench = LinkBench()
    let deadline = bench.deadline
    bench.link.resolved(count: 1, at: bench.now)
    bench.link.resolveFailed(code: 1, at: bench.now)
    bench.link.transportFailed(code: 1, at: bench.now)
    bench.opened()
    #expect(bench.action() == nil && bench.event() == nil && bench.deadline == deadline)
    #expect(bench.counters.attemptsFailed == 0)
  }

  @Test(arguments: [1, 2, 4, 5] as [UInt8])
  func refusalForGoodWaitsHalfTheCap(code: UInt8) throws {
    let bench = LinkBench()
    bench.open()
    let event = bench.receive([0x20, 2, 0, code])
    guard case .attemptFailed(let fault, let wait)? = event else {
      Issue.record("\(String(describing: event))")
      return
    }
    #expect(fault == .refused(.returnCode(try #require(ConnectReturnCode(rawValue: code)))))
    #expect(fault.isPermanent)
    #expect(wait >= .seconds(60) && wait < .seconds(120))
    #expect(bench.deadline == bench.now + wait && bench.action() == .close)
  }

  @Test func busyBrokerIsTriedAgainSoon() {
    let bench = LinkBench()
    bench.open()
    guard case .attemptFailed(let fault, let wait)? = bench.receive([0x20, 2, 0, 3]) else {
      Issue.record("the attempt goes on")
      return
    }
    #expect(fault == .refused(.returnCode(.serverUnavailable)) && !fault.isPermanent)
    #expect(wait <= .seconds(1))
  }

  @Test func nonsenseInsteadOfConnackIsAFailedAttempt() {
    let bench = LinkBench()
    bench.open()
    #expect(bench.receive([0x20, 2, 2, 0]) != nil)
    #expect(bench.counters.attemptsFailed == 1 && !bench.isOnline)
  }

  /// The broker accepts and throws out at once: the wait grows as if it had not accepted.
  @Test func connectionThatDoesNotLastDoesNotResetTheBackoff() {
    let bench = LinkBench { spec in spec.stableAfter = .seconds(60) }
    var longest = Interval.zero
    for _ in 0..<40 {
      bench.connect()
      bench.now = bench.now + .seconds(59)
      bench.receive([0xD0, 0])
      bench.link.transportFailed(code: 0, at: bench.now)
      #expect(bench.event() == .lost(.closedByPeer))
      longest = max(longest, bench.deadline - bench.now)
    }
    #expect(longest > .seconds(30))
  }

  @Test func stableConnectionResetsTheBackoff() {
    let bench = LinkBench { spec in spec.stableAfter = .seconds(50) }
    for _ in 0..<40 {
      bench.connect()
      bench.now = bench.now + .seconds(50)
      bench.link.transportFailed(code: 104, at: bench.now)
      #expect(bench.event() == .lost(.transport(code: 104)))
      #expect(bench.deadline <= bench.now + .seconds(1))
    }
  }

  @Test func waitsGrowWhileNobodyAnswers() {
    let bench = LinkBench { spec in spec.backoffMaximum = .seconds(120) }
    var longest = Interval.zero
    for _ in 0..<60 {
      bench.pass()
      bench.link.resolveFailed(code: 1, at: bench.now)
      #expect(bench.event() != nil)
      let wait = bench.deadline - bench.now
      #expect(wait >= .milliseconds(100) && wait < .seconds(120))
      longest = max(longest, wait)
    }
    #expect(longest > .seconds(90))
    #expect(bench.counters.attemptsFailed == 60)
  }

  private func expectFailure(_ bench: LinkBench, _ fault: LinkFault) {
    let event = bench.event()
    guard case .attemptFailed(fault, let wait)? = event else {
      Issue.record("\(String(describing: event))")
      return
    }
    #expect(bench.deadline == bench.now + wait)
    #expect(bench.event() == nil)
  }
}
