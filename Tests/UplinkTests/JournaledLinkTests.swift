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

  /// The latest state alone is sent, and the journal has nothing left of the ones before.
  @Test func aDurableStateThatIsReplacedIsCountedOnceAndSettled() {
    let bench = LinkBench.online(journalBytes: 65_536) { $0.inflight = 1 }
    let label = RecordLabel(.state, series: 0, durability: .always)
    bench.append(["1"], label)
    keep(bench)
    let first = bench.sent()
    for text in ["2", "3", "4"] {
      bench.append([text], label)
      keep(bench)
    }
    bench.receive(acknowledgement(first[0].packetID ?? 0))
    #expect(drain(bench) == ["4"])
    #expect(bench.losses.replaced == 2)
    bench.reconnect(sessionPresent: false)
    #expect(drain(bench) == [])
    #expect(bench.losses.replaced == 2)
  }

  /// Memory gets short while the link is there: what the journal has already leaves from there now, in
  /// order, and without waiting for another connection.
  @Test func whatLeavesMemoryForTheJournalIsSentOverTheSameConnection() {
    let bench = LinkBench.online(journalBytes: 65_536) { $0.inflight = 1 }
    let numbers = (1...30).map { "\(100 + $0)" }
    for number in numbers {
      bench.append([number], Self.always)
      keep(bench)
      if number == "101" { _ = bench.sent() }
    }
    // One is under way; the others have been looked at in the journal, and passed over.
    bench.receive(acknowledgement(1))
    let heard = drain(bench)
    let late = heard.drop { $0 != "102" }
    #expect(heard.sorted() == Array(numbers.dropFirst()))
    #expect(late.count > 3 && Array(late) == late.sorted())
    #expect(bench.losses.isEmpty && bench.unacknowledged == 0)
    bench.reconnect(sessionPresent: false)
    #expect(drain(bench) == [])
  }

  /// Memory gets short while some are under way, and then the link goes.
  @Test(arguments: [false, true])
  func whatIsUnderWayIsNotOvertakenByWhatGoesToTheJournal(isLong: Bool) {
    let bench = LinkBench.online(journalBytes: 65_536) { $0.inflight = 2 }
    let numbers = (1...80).map { "\(100 + $0)" }
    for number in numbers {
      bench.append([number], RecordLabel(.telemetry, series: 0))
      keep(bench)
      _ = bench.sent()
    }
    bench.link.failed(.broken(code: 104), at: bench.now)
    _ = bench.event()
    if isLong {
      bench.now = bench.now + .seconds(90)
      keep(bench)
    }
    bench.connect()
    let heard = drain(bench)
    #expect(heard.joined(separator: " ") == numbers.joined(separator: " "))
    #expect(bench.losses.isEmpty)
  }

  /// What need not be sent any more lies between records that are; their packet is lost three times.
  @Test func whatAPackPassesOverIsCountedOnceHoweverOftenItIsSent() {
    let bench = LinkBench.online(journalBytes: 65_536)
    bench.link.failed(.broken(code: 104), at: bench.now)
    _ = bench.event()
    for (text, recordClass) in [
      ("a", RecordClass.state), ("1", .event), ("b", .state), ("2", .event), ("c", .state),
    ] {
      bench.append([text], RecordLabel(recordClass, series: 0))
      bench.now = bench.now + .seconds(90)
      keep(bench)
    }
    for _ in 0..<3 {
      bench.connect()
      #expect(bench.sent().count == 1)
      bench.link.failed(.broken(code: 110), at: bench.now)
      _ = bench.event()
    }
    bench.connect()
    #expect(drain(bench) == ["1", "2"])
    #expect(bench.losses.replaced == 3 && bench.losses.dropped == 0)
  }

  /// A session that the broker keeps has a packet from memory sent again before anything else.
  @Test func whatIsLateInMemoryWaitsForTheJournalsPacketsWhereTheSessionIsKept() {
    let bench = LinkBench.online(journalBytes: 65_536) { $0.persistentSession = true }
    bench.link.failed(.broken(code: 110), at: bench.now)
    _ = bench.event()
    bench.append(["1", "2"], Self.event)
    bench.now = bench.now + .seconds(90)
    keep(bench)
    bench.append(["3", "4"], Self.event)
    bench.connect(sessionPresent: true)
    #expect(bench.sent() == [.publish("history", "1 2.", id: 1)])
    bench.link.failed(.broken(code: 110), at: bench.now)
    _ = bench.event()
    bench.connect(sessionPresent: true)
    #expect(drain(bench) == ["1", "2", "3", "4"])
  }
}
