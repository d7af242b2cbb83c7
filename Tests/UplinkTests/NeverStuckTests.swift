import Core
import Dialing
import MQTT
import TestSupport
import Testing
import Uplink

/// The link goes on by itself, whatever happens, and nothing but time makes it try again.
@Suite struct NeverStuckTests {
  /// Faults of every kind, those among them that a clock which nobody has set yet leads to.
  static let faults: [LinkFault] = [
    .dial(.nameNotResolved(code: -3)), .dial(.timedOut(.name)), .dial(.timedOut(.tls)),
    .dial(.connectFailed(code: 101)), .dial(.proxy(.login)), .dial(.tls(.notYetValid(depth: 0))),
    .dial(.tls(.expired(depth: 1))), .dial(.tls(.libraryMissing)),
    .dial(.tls(.protocolError(code: 1))), .dial(.upgradeFailed(.status(404))),
    .dial(.webSocket(.closed(code: 1011))), .dial(.closedByPeer), .dial(.broken(code: 71)),
  ]

  @Test func stoppedIsTheOnlyStateWithoutATimer() {
    let bench = LinkBench { spec in
      _ = spec.dial.others.append(Endpoint(.tcp, host: .empty))
    }
    #expect(bench.deadline < .never, "waiting")
    bench.pass()
    #expect(bench.action() == .open && bench.deadline == .never, "dialing: the transport's")
    bench.link.failed(.nameNotResolved(code: -3), at: bench.now)
    #expect(bench.event() != nil && bench.deadline < .never, "waiting")
    bench.open()
    #expect(bench.deadline < .never, "opening")
    bench.receive([0x20, 2, 0, 0])
    #expect(bench.isOnline && bench.deadline < .never, "online")
    bench.now = bench.now + .seconds(59)
    bench.receive([0xD0, 0])
    bench.link.returnToFirst(at: bench.now, timeout: .seconds(2))
    #expect(bench.deadline < .never, "returning")
    #expect(bench.pass(.seconds(2)) == .lost(.returned) && bench.deadline < .never, "waiting")
    bench.connect()
    bench.link.disconnect(at: bench.now, timeout: .seconds(2))
    #expect(bench.deadline < .never, "closing")
    #expect(bench.pass(.seconds(2)) == .stopped)
    #expect(bench.isStopped && bench.deadline == .never)
  }

  @Test(arguments: faults) func everyFaultIsTriedAgainForEver(fault: LinkFault) {
    guard case .dial(let fault) = fault else { return }
    let bench = LinkBench()
    for _ in 0..<1_000 {
      bench.pass()
      #expect(bench.action() == .open)
      bench.link.failed(fault, at: bench.now)
      #expect(bench.event() != nil)
      let wait = bench.deadline - bench.now
      #expect(wait >= .milliseconds(100) && wait <= .seconds(120))
    }
    bench.connect()
    #expect(bench.isOnline)
  }

  /// Readings, statuses, subscriptions: none of them is a reason to try sooner.
  @Test func publishNeverBypassesTheBackoff() {
    let bench = LinkBench()
    for _ in 0..<8 {
      bench.pass()
      _ = bench.action()
      bench.link.failed(.connectFailed(code: 111), at: bench.now)
      _ = bench.event()
    }
    let until = bench.deadline
    bench.append("a", "b")
    #expect(!bench.publishNow("c") && bench.subscribe("d") == nil && bench.unsubscribe("d") == nil)
    #expect(bench.sent() == [])
    bench.link.deadlineReached(at: until - .nanoseconds(1))
    #expect(bench.action() == .close && bench.action() == nil && bench.deadline == until)
    bench.link.deadlineReached(at: until)
    #expect(bench.action() == .open)
  }

  /// What happens to a link that is stopped, stays without effect.
  @Test func stoppedStaysStopped() {
    let bench = LinkBench.online()
    bench.link.disconnect(at: bench.now, timeout: .seconds(2))
    bench.link.failed(.closedByPeer, at: bench.now)
    #expect(bench.event() == .stopped && bench.action() == .close)
    bench.link.failed(.broken(code: 104), at: bench.now)
    bench.append("a")
    bench.link.disconnect(at: bench.now, timeout: .seconds(2))
    bench.now = bench.now + .seconds(86_400)
    bench.link.deadlineReached(at: bench.now)
    #expect(bench.sent() == [] && bench.isStopped)
    while let action = bench.action() { #expect(action == .close) }
  }
}
