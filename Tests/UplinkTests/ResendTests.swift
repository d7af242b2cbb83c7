import Core
import MQTT
import TestSupport
import Testing
import Uplink

/// A kept session, and an outbox that no longer has, or can no longer say, what was under way.
@Suite struct ResendTests {
  /// Each packet under way holds one of few tokens; one that is not sent again must give it back.
  @Test func droppedRecordsFreeTheirPackets() {
    let bench = LinkBench.online { spec in
      spec.persistentSession = true
      spec.inflight = 2
      spec.outboxBytes = 64
    }
    bench.append("a", "b")
    #expect(bench.sent().count == 2)
    bench.link.failed(.broken(code: 104), at: bench.now)
    _ = bench.event()
    for number in 0..<10 { bench.append("number \(number)") }
    bench.connect(sessionPresent: true)
    let packets = bench.sent()
    #expect(packets.count == 1, "half of the window for the backlog")
    bench.append("new")
    #expect(bench.sent().count == 1)
  }

  @Test func recordThatCannotBeSentAgainIsGivenUp() {
    let bench = LinkBench.online { spec in
      spec.persistentSession = true
      spec.inflight = 1
    }
    bench.append("a")
    #expect(bench.sent().count == 1)
    bench.renderer.liveTopic = "#"
    bench.reconnect(sessionPresent: true)
    #expect(bench.sent() == [])
    #expect(bench.unacknowledged == 0 && bench.counters.unsendable == 1)
    bench.renderer.liveTopic = "live"
    bench.append("b")
    #expect(bench.sent() == [.publish("live", "b", id: 2)])
  }

  /// A clock that was set meanwhile makes readings longer, so fewer fit into the same pack.
  @Test func packThatGrewLosesNothing() {
    let bench = LinkBench { spec in
      spec.persistentSession = true
      spec.outboxBytes = 4096
    }
    let records = (100..<140).map { "record \($0)" }
    for record in records { bench.append(record) }
    bench.connect()
    _ = bench.sent()
    bench.renderer.suffix = " at half past ten"
    bench.reconnect(sessionPresent: true)
    var received: [String] = []
    for _ in 0..<100 where bench.unacknowledged > 0 {
      for case .publish(_, let payload, let id, _, _) in bench.sent() {
        received.append(payload)
        bench.receive([0x40, 2, 0, UInt8(id)])
      }
    }
    #expect(bench.unacknowledged == 0)
    let text = received.joined()
    #expect(records.filter { !text.contains($0) } == [])
  }
}
