import Core
import MQTT
import Testing
import Uplink

/// What leaves when, and what is settled by what.
@Suite struct DeliveryTests {
  @Test func recordIsPublishedAndSettled() {
    let bench = LinkBench.online()
    bench.append("a", "retained")
    #expect(
      bench.sent() == [
        .publish("live", "a", id: 1), .publish("live", "retained", id: 2, retain: true),
      ])
    #expect(bench.unacknowledged == 2)
    #expect(bench.receive(acknowledgement(2)) == nil)
    #expect(bench.unacknowledged == 1)
    #expect(bench.receive(acknowledgement(1)) == nil)
    #expect(bench.unacknowledged == 0)
    #expect(bench.counters.published == 2 && bench.counters.acknowledged == 2)
  }

  @Test func windowBoundsWhatIsUnderWay() {
    let bench = LinkBench.online { spec in spec.inflight = 2 }
    bench.append("a", "b", "c")
    #expect(bench.sent().count == 2)
    #expect(bench.sent() == [])
    bench.receive(acknowledgement(1))
    #expect(bench.sent() == [.publish("live", "c", id: 3)])
  }

  @Test func backlogLeavesInPacksBehindWhatIsNew() {
    let bench = LinkBench()
    bench.append("1", "2", "3")
    bench.connect()
    bench.append("new")
    #expect(bench.sent() == [.publish("live", "new", id: 1), .publish("history", "1 2 3.", id: 2)])
    bench.receive(acknowledgement(2))
    #expect(bench.unacknowledged == 1 && bench.counters.acknowledged == 3)
  }

  @Test func lateRecordThatIsNoReadingLeavesAlone() {
    let bench = LinkBench()
    bench.append("1", "2", "!result", "3")
    bench.connect()
    var packets: [Sent] = []
    for _ in 0..<4 {
      for packet in bench.sent() {
        packets.append(packet)
        if case .publish(_, _, let id, _, _) = packet { bench.receive(acknowledgement(id)) }
      }
    }
    #expect(
      packets == [
        .publish("history", "1 2.", id: 1), .publish("live", "!result", id: 2),
        .publish("history", "3.", id: 3),
      ])
    #expect(bench.unacknowledged == 0)
  }

  /// However long the backlog is, a quarter of the packets stays free for what is new.
  @Test func backlogLeavesAQuarterOfThePlaces() {
    let bench = LinkBench { spec in
      spec.inflight = 4
      spec.outboxBytes = 4096
    }
    for number in 0..<90 { bench.append("number \(number)") }
    bench.connect()
    #expect(bench.sent().count == 3, "packs")
    bench.append("new 1", "new 2")
    #expect(bench.sent() == [.publish("live", "new 1", id: 4)])
    bench.receive(acknowledgement(1))
    #expect(bench.sent() == [.publish("live", "new 2", id: 5)], "before the next pack")
    bench.receive(acknowledgement(4))
    #expect(bench.sent().count == 1, "the next pack")
  }

  @Test func windowHoldsTheBacklogBackAndNotWhatIsNew() {
    let bench = LinkBench { spec in
      spec.inflight = 16
      spec.outboxBytes = 16_384
      spec.packetBytes = 1024
    }
    for number in 100..<700 { bench.append("number \(number)") }
    bench.connect()
    #expect(bench.sent().count == 2, "packs, more than a KiB")
    for number in 1...8 { bench.append("new \(number)") }
    #expect(bench.sent().count == 8)
    #expect(bench.sent() == [])
    bench.now = bench.now + .milliseconds(200)
    for id in 1...2 as ClosedRange<UInt16> { bench.receive(acknowledgement(id)) }
    // One send buffer, and another.
    #expect(bench.sent().count + bench.sent().count >= 3, "the path has carried it")
  }

  @Test func packFillsAPacketAndNoMore() {
    let bench = LinkBench { spec in spec.outboxBytes = 4096 }
    for number in 100..<200 { bench.append("number \(number)") }
    bench.connect()
    guard case .publish("history", let payload, _, _, _)? = bench.sent().first else {
      Issue.record("there is no pack")
      return
    }
    #expect(payload.utf8.count <= 512 - BrokerLink<NoStorage>.topicBytesMax)
    #expect(payload.utf8.count > 150)
  }

  @Test func lostSessionPublishesAnewWhatWasUnderWay() {
    let bench = LinkBench.online()
    bench.append("a", "b")
    #expect(bench.sent().count == 2)
    bench.receive(acknowledgement(1))
    bench.reconnect(sessionPresent: false)
    #expect(bench.sent() == [.publish("history", "b.", id: 3)])
  }

  /// MQTT 3.1.1 section 4.4: with DUP and the identifier that it had.
  @Test func keptSessionSendsAgainWhatWasUnderWay() {
    let bench = LinkBench.online { spec in spec.persistentSession = true }
    bench.append("a", "b", "c")
    #expect(bench.sent().count == 3)
    bench.receive(acknowledgement(1))
    bench.append("d")
    bench.reconnect(sessionPresent: true)
    #expect(
      bench.sent() == [
        .publish("live", "b", id: 2, dup: true), .publish("live", "c", id: 3, dup: true),
        .publish("history", "d.", id: 4),
      ])
    for id in 2...4 as ClosedRange<UInt16> { bench.receive(acknowledgement(id)) }
    #expect(bench.unacknowledged == 0)
  }

  @Test func keptSessionSendsThePackAgain() {
    let bench = LinkBench { spec in spec.persistentSession = true }
    bench.append("1", "2", "3")
    bench.connect()
    #expect(bench.sent() == [.publish("history", "1 2 3.", id: 1)])
    bench.reconnect(sessionPresent: true)
    #expect(bench.sent() == [.publish("history", "1 2 3.", id: 1, dup: true)])
    bench.receive(acknowledgement(1))
    #expect(bench.unacknowledged == 0)
  }

  @Test func recordThatCannotBeSentIsGivenUpAndCounted() {
    let bench = LinkBench.online()
    bench.append("a", "#", "b")
    #expect(bench.sent() == [.publish("live", "a", id: 1), .publish("live", "b", id: 2)])
    #expect(bench.counters.unsendable == 1 && bench.unacknowledged == 2)
  }
}
