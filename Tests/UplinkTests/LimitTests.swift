import Core
import MQTT
import TestSupport
import Testing
import Uplink

/// A broker of 5.0 that does not take everything.
@Suite struct LimitTests {
  /// Online at such a broker, or what became of the attempt.
  private func connect(
    _ properties: [UInt8], journalBytes: Int = 0
  ) -> (bench: LinkBench, event: LinkEvent?) {
    let bench = LinkBench(journalBytes: journalBytes) { $0.version = VersionChoice(.v50) }
    bench.open()
    _ = bench.action()
    let size = UInt8(properties.count)
    let event = bench.receive([0x20, size + 3, 0, 0, size] + properties)
    _ = bench.sent()
    return (bench, event)
  }

  private func acknowledgement(_ packetID: UInt8, code: UInt8) -> [UInt8] {
    [0x40, 3, 0, packetID, code]
  }

  @Test(arguments: [0x87, 0x97, 0x10] as [UInt8])
  func whatTheBrokerRefusesIsCountedAndNotAsAcknowledged(code: UInt8) {
    let (bench, _) = connect([])
    bench.append("1", "2")
    _ = bench.sent()
    bench.receive(acknowledgement(1, code: code))
    bench.receive(acknowledgement(2, code: 0))
    let isRefused = code >= 0x80
    #expect(bench.counters.acknowledged == (isRefused ? 1 : 2))
    #expect(bench.counters.unsendable == (isRefused ? 1 : 0))
    if isRefused { #expect(bench.counters.lastGivingUp == .refused(code)) }
    #expect(bench.unacknowledged == 0)
  }

  @Test func whatTheBrokerRefusesOfTheJournalIsCountedToo() {
    let (bench, _) = connect([], journalBytes: 65_536)
    bench.append(["1", "2", "3"], RecordLabel(.event, series: 0))
    bench.link.keepAll(bench.renderer, at: bench.moment)
    _ = bench.sent()
    bench.receive(acknowledgement(1, code: 0x87))
    #expect(bench.counters.unsendable == 3 && bench.counters.acknowledged == 0)
    #expect(bench.losses.dropped == 3)
    bench.append(["4", "5"], RecordLabel(.event, series: 0))
    bench.link.keepAll(bench.renderer, at: bench.moment)
    _ = bench.sent()
    bench.receive(acknowledgement(2, code: 0))
    #expect(bench.counters.unsendable == 3 && bench.counters.acknowledged == 2)
  }

  @Test func whatIsTooLongForTheBrokerIsGivenUpFromTheJournalAlone() {
    let (bench, _) = connect([0x27, 0, 0, 0, 80], journalBytes: 65_536)
    bench.append(
      ["1", String(repeating: "x", count: 90), "2"], RecordLabel(.event, series: 0))
    bench.link.keepAll(bench.renderer, at: bench.moment)
    let sent = bench.sent()
    #expect(sent == [.publish("history", "\u{0}1.", id: 1), .publish("history", "\u{0}2.", id: 2)])
    #expect(bench.counters.unsendable == 1 && bench.losses.dropped == 1)
    #expect(bench.counters.lastGivingUp == .tooLarge)
  }

  /// It had to refuse our will: nothing would be acknowledged there, or no status be kept.
  @Test func aBrokerWithoutAcknowledgementsOrRetainedMessagesIsLeft() {
    let cases: [([UInt8], V5.ConnectReason)] = [
      ([0x24, 0], .qosNotSupported), ([0x25, 0], .retainNotSupported),
    ]
    for (properties, reason) in cases {
      let (bench, event) = connect(properties)
      guard case .attemptFailed(.refused(let refusal), _) = event else {
        Issue.record("\(String(describing: event))")
        continue
      }
      #expect(refusal == .reason(reason) && bench.standing == .refused)
      bench.append("1")
      #expect(!bench.isOnline && bench.sent() == [] && bench.unacknowledged == 1)
      #expect(bench.counters.unsendable == 0)
    }
  }
}
