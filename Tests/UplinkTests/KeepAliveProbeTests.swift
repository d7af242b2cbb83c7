import Core
import MQTT
import TestSupport
import Testing
import Uplink

/// How long a link may be idle is found out, and never more often broken than it takes.
@Suite struct KeepAliveProbeTests {
  /// Idles over a way that forgets connections after `limit`; the intervals of the pings.
  private func intervals(_ probe: inout KeepAliveProbe, limit: Interval, count: Int) -> [Interval] {
    (0..<count).map { _ in
      let interval = probe.interval
      if interval <= limit { probe.survived(interval) } else { probe.died(after: interval) }
      return interval
    }
  }

  @Test func intervalGrowsByHalfUpToTheKeepAlive() {
    var probe = KeepAliveProbe(from: .seconds(40), to: .seconds(120))
    #expect(
      intervals(&probe, limit: .seconds(3_600), count: 5)
        == [40, 60, 90, 120, 120].map { Interval.seconds($0) })
    #expect(probe.borne == .seconds(120))
  }

  @Test(arguments: [35, 60, 100, 300, 1_000] as [Int64])
  func longestThatIsBorneIsFoundWithFewLosses(limit: Int64) {
    let limit = Interval.seconds(limit)
    var probe = KeepAliveProbe(from: .seconds(30), to: .seconds(3_600))
    let all = intervals(&probe, limit: limit, count: 100)
    #expect(all.count { $0 > limit } <= 6, "links lost by it")
    #expect(all.suffix(50).allSatisfy { $0 <= limit }, "and none for ever")
    #expect(probe.interval * 5 >= limit * 4 && probe.borne == probe.interval)
  }

  @Test func wayThatBearsLessThanBeforeIsProbedAnew() {
    var probe = KeepAliveProbe(from: .seconds(30), to: .seconds(3_600))
    _ = intervals(&probe, limit: .seconds(600), count: 50)
    let all = intervals(&probe, limit: .seconds(50), count: 50)
    #expect(all.suffix(30).allSatisfy { $0 <= .seconds(50) } && probe.interval >= .seconds(40))
  }

  @Test func whatWasNotIdleForSoLongTellsNothing() {
    var probe = KeepAliveProbe(from: .seconds(30), to: .seconds(3_600))
    probe.survived(.seconds(10))
    probe.died(after: .zero)
    #expect(probe.interval == .seconds(30) && probe.borne == .zero)
  }

  // MARK: The link

  private func bench() -> LinkBench {
    LinkBench.online { spec in
      spec.keepAlive = .seconds(600)
      spec.probeFrom = .seconds(40)
    }
  }

  /// Lets the ping become due; how long that took.
  private func idle(_ bench: LinkBench) -> Interval {
    let start = bench.now
    bench.now = bench.deadline
    #expect(bench.event() == nil)
    #expect(bench.sent() == [.ping])
    return bench.now - start
  }

  @Test func answeredPingsComeLessAndLessOften() {
    let bench = bench()
    for seconds in [40, 60, 90, 135] as [Int64] {
      #expect(idle(bench) == .seconds(seconds))
      bench.receive([0xD0, 0])
    }
    #expect(bench.idleBorne == .seconds(135))
  }

  @Test func announcedKeepAliveIsTheProfiles() {
    let bench = LinkBench { spec in
      spec.keepAlive = .seconds(600)
      spec.probeFrom = .seconds(40)
    }
    bench.open()
    guard case .connect(_, let keepAlive, _, _, _)? = bench.sent().first else {
      Issue.record("no CONNECT")
      return
    }
    #expect(keepAlive == 600)
  }

  @Test func whatWasBorneIsRememberedOverALossThatProbingHasLedTo() {
    let bench = bench()
    for _ in 0..<2 {
      _ = idle(bench)
      bench.receive([0xD0, 0])
    }
    #expect(idle(bench) == .seconds(90))
    #expect(bench.pass(.seconds(10)) == .lost(.session(.pingTimedOut)))
    bench.connect()
    #expect(idle(bench) == .seconds(60))
    bench.receive([0xD0, 0])
    #expect(idle(bench) == .seconds(75))
  }

  @Test func trafficProbesNothing() {
    let bench = bench()
    for _ in 0..<20 {
      bench.now = bench.now + .seconds(20)
      bench.append("a")
      for id in bench.sent().compactMap(\.packetID) { bench.receive(acknowledgement(id)) }
    }
    #expect(bench.idleBorne == .zero)
  }
}
