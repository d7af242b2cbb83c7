import Core
import Dialing
import MQTT
import Testing
import Uplink

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

  @Test func wayIsOpenedOnceTheBackoffIsOver() {
    let bench = LinkBench()
    #expect(bench.action() == nil)
    bench.pass()
    #expect(bench.action() == .open)
    #expect(bench.action() == nil)
    #expect(bench.deadline == .never, "the steps on the way have deadlines of their own")
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

  @Test(
    arguments: [
      .nameNotResolved(code: -2), .connectFailed(code: 111), .timedOut(.connect),
      .timedOut(.webSocket), .proxy(.login), .upgradeFailed(.status(404)), .closedByPeer,
    ] as [DialFault])
  func wayThatDoesNotComeAboutIsAFailedAttempt(fault: DialFault) {
    let bench = LinkBench()
    for attempt in 1...3 as ClosedRange<UInt32> {
      bench.pass()
      #expect(bench.action() == .open)
      bench.link.failed(fault, at: bench.now)
      #expect(bench.action() == .close)
      expectFailure(bench, .dial(fault))
      #expect(bench.counters.attemptsFailed == attempt)
    }
  }

  @Test(
    arguments: [
      .closedByPeer, .broken(code: 104), .webSocket(.closed(code: 1001)),
      .webSocket(.failed(.text)),
    ] as [DialFault])
  func endOfTheWayIsALoss(fault: DialFault) {
    let bench = LinkBench.online()
    bench.link.failed(fault, at: bench.now)
    #expect(bench.event() == .lost(.dial(fault)))
    #expect(bench.action() == .close)
  }

  @Test func endBeforeConnackIsAFailedAttempt() {
    let bench = LinkBench()
    bench.open()
    _ = bench.action()
    bench.link.failed(.closedByPeer, at: bench.now)
    expectFailure(bench, .dial(.closedByPeer))
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
    bench.link.failed(.connectFailed(code: 1), at: bench.now)
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

  @Test func waitsGrowWhileNobodyAnswers() {
    let bench = LinkBench { spec in spec.backoffMaximum = .seconds(120) }
    var longest = Interval.zero
    for _ in 0..<60 {
      bench.pass()
      bench.link.failed(.nameNotResolved(code: 1), at: bench.now)
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
