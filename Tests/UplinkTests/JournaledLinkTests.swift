import Core
import MQTT
import TestSupport
import Testing
import Uplink

/// What the journal and the outbox know of each other while messages are under way.
@Suite struct JournaledLinkTests {
  private static let event = RecordLabel(.event, series: 0)
  private static let always = RecordLabel(.event, series: 0, durability: .always)

  /// All that the broker hears until nothing more comes, each message acknowledged.
  private func drain(_ bench: LinkBench) -> [String] {
    var texts: [String] = []
    for _ in 0..<100 {
      bench.link.keep(bench.renderer, at: bench.moment)
      let packets = bench.sent()
      guard !packets.isEmpty else { break }
      for packet in packets {
        guard case .publish(let topic, let payload, let id, _, _) = packet else { continue }
        texts +=
          topic == "live" ? [payload] : payload.dropLast().split(separator: " ").map(String.init)
        bench.receive(acknowledgement(id))
      }
    }
    return texts
  }

  private func keep(_ bench: LinkBench) { bench.link.keep(bench.renderer, at: bench.moment) }

  @Test func whatHasNoAnswerAtAnOrderlyStopIsKept() {
    let bench = LinkBench.online(journalBytes: 65_536)
    bench.append(["1", "2", "3", "4", "5", "6"], Self.event)
    #expect(bench.sent().count == 4)
    bench.link.keepAll(bench.renderer, at: bench.moment)
    #expect(bench.unacknowledged == 0)
    bench.reconnect(sessionPresent: false)
    #expect(drain(bench) == ["1", "2", "3", "4", "5", "6"])
  }
}
