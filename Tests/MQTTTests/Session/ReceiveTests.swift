import Core
import MQTT
import Testing

@Suite struct ReceiveTests {
  @Test func messageIsAcknowledgedOnceItWasHandedOver() {
    let bench = Bench.online()
    let event = bench.receive(publishBytes("x", .atLeastOnce, id: 7))
    #expect(bench.text(event) == "t x")
    #expect(bench.output() == [])
    #expect(bench.next() == nil)
    #expect(bench.output() == answer(0x40, 7))
  }

  @Test func messageCanBeAcknowledgedAtOnce() {
    let bench = Bench.online()
    bench.receive(publishBytes("x", .atLeastOnce, id: 7))
    bench.session.messageHandled()
    #expect(bench.output() == answer(0x40, 7))
    #expect(bench.next() == nil)
    #expect(bench.output() == [])
  }

  @Test func messageStaysWhereItIsWhileMoreIsReceived() {
    let bench = Bench.online()
    bench.receive(publishBytes("first", .atMostOnce))
    let event = bench.receive(publishBytes("second", .atMostOnce))
    bench.bring(publishBytes("third", .atMostOnce))
    #expect(bench.text(event) == "t second")
    #expect(bench.text(bench.next()) == "t third")
  }

  @Test func exactlyOnceIsHandedOverOnce() {
    let bench = Bench.online()
    #expect(bench.text(bench.receive(publishBytes("x", .exactlyOnce, id: 7))) == "t x")
    #expect(bench.receive(publishBytes("x", .exactlyOnce, id: 7, dup: true)) == nil)
    #expect(bench.output() == answer(0x50, 7) + answer(0x50, 7))
    #expect(bench.counters.duplicates == 1)
    #expect(bench.receive(answer(0x62, 7)) == nil)
    #expect(bench.output() == answer(0x70, 7))
    // The identifier is free again: the same one is a new message.
    #expect(bench.text(bench.receive(publishBytes("y", .exactlyOnce, id: 7))) == "t y")
  }

  @Test func moreExactlyOnceMessagesThanPlannedFailTheSession() {
    let bench = Bench.online()
    for id in 1...3 as ClosedRange<UInt16> {
      #expect(bench.text(bench.receive(publishBytes("x", .exactlyOnce, id: id))) == "t x")
    }
    #expect(bench.receive(publishBytes("x", .exactlyOnce, id: 4)) == .failed(.receivedFull))
  }

  @Test func byteByByteGivesTheSameEvents() {
    let bench = Bench.online()
    var texts: [String] = []
    let stream =
      publishBytes("one", .atMostOnce) + [0xD0, 0] + publishBytes("two", .exactlyOnce, id: 3)
      + answer(0x62, 3) + publishBytes("three", .atLeastOnce, id: 4)
    for byte in stream {
      bench.bring([byte])
      while let event = bench.next() { texts.append(bench.text(event) ?? "?") }
    }
    #expect(texts == ["t one", "t two", "t three"])
    #expect(bench.output() == answer(0x50, 3) + answer(0x70, 3) + answer(0x40, 4))
  }

  /// Nothing is answered into a full output; what waits is answered once there is room.
  @Test func fullOutputHoldsMessagesBack() throws {
    let bench = Bench.online()
    var count = 0
    while true {
      bench.bring(publishBytes("x", .atLeastOnce, id: UInt16(count + 1)))
      guard bench.next() != nil else { break }
      count += 1
      try #require(count < 200)
    }
    // The last was taken with 12 bytes left: for its answer, one more, PINGREQ and DISCONNECT.
    #expect(count == (512 - 12) / 4 + 1)
    #expect(bench.output().count == count * 4)
    #expect(bench.text(bench.next()) == "t x")
  }

  @Test func acknowledgementsPassAFullOutput() throws {
    let bench = Bench.online()
    _ = try bench.publish("a", .atLeastOnce)
    while (try? bench.publish("b", .atMostOnce)) != nil {}
    while bench.receive(publishBytes("x", .atLeastOnce, id: 1)) != nil {}
    let held = Bench.online()
    _ = try held.publish("a", .atLeastOnce)
    while (try? held.publish("b", .atMostOnce)) != nil {}
    #expect(held.receive(answer(0x40, 1)) == .acknowledged(token: 0x61))
  }

  /// What the reserve is for: everything that the session owes by itself, into a full output.
  @Test func fullOutputHasRoomForAllThatIsOwed() throws {
    let bench = Bench.online(cleanSession: false, keepAlive: 10)
    for id in 1...2 as ClosedRange<UInt16> {
      _ = try bench.publish("a", .exactlyOnce)
      bench.receive(answer(0x50, id))
    }
    bench.reconnect(sessionPresent: true)
    var id: UInt16 = 0
    repeat {
      id += 1
      bench.bring(publishBytes("x", .atLeastOnce, id: id))
    } while bench.next() != nil && id < 125
    bench.bring(publishBytes("x", .atLeastOnce, id: id + 1))
    #expect(bench.next() != nil)
    // 12 bytes are left: PUBREL, PUBACK of the message that is lent, PINGREQ, DISCONNECT.
    #expect(bench.nextResend() == nil && bench.isResending)
    #expect(bench.next(after: .seconds(10)) == nil)
    bench.session.disconnect()
    let sent = bench.output()
    #expect(sent.count == 512 && sent.suffix(4) == [0xC0, 0, 0xE0, 0])
  }

  @Test func largestMessageFillsTheReceiveBuffer() {
    let bench = Bench.online()
    let payload = String(repeating: "x", count: 256 - 6)
    let bytes = [0x30, 0xFD, 0x01] + prefixed("t") + utf8(payload)
    #expect(bytes.count == 256)
    #expect(bench.text(bench.receive(bytes)) == "t " + payload)
    #expect(bench.receiveCapacity == 0)
    #expect(bench.next() == nil)
    #expect(bench.receiveCapacity == 256)
  }

  @Test(arguments: [QoS.atMostOnce, .atLeastOnce, .exactlyOnce], [1, 2, 7, 64, 256])
  func oversizedMessageIsSkippedAndAcknowledged(qos: QoS, chunk: Int) {
    let bench = Bench.online()
    let topic = String(repeating: "t", count: 300)
    let identifier: [UInt8] = qos == .atMostOnce ? [] : [0x12, 0x34]
    let body = prefixed(topic) + identifier + [UInt8](repeating: 0x78, count: 20_000)
    let head = [
      0x30 | qos.rawValue << 1, UInt8(body.count & 0x7F | 0x80),
      UInt8(body.count >> 7 & 0x7F | 0x80), UInt8(body.count >> 14),
    ]
    var events: [Heard] = []
    let stream = head + body + publishBytes("after", .atMostOnce)
    for start in stride(from: 0, to: stream.count, by: chunk) {
      bench.bring(Array(stream[start..<min(start + chunk, stream.count)]))
      while let event = bench.next() { events.append(event) }
    }
    #expect(events.count == 2)
    #expect(events.first == .skipped(packetBytes: 4 + body.count))
    guard case .message? = events.last else {
      Issue.record("what follows is lost")
      return
    }
    #expect(bench.counters.oversizedSkipped == 1)
    let first: UInt8 = qos == .atLeastOnce ? 0x40 : 0x50
    #expect(bench.output() == (qos == .atMostOnce ? [] : answer(first, 0x1234)))
  }

  @Test func quarterOfAGigabyteAnnouncedHoldsNoMemory() {
    let bench = Bench.online(keepAlive: 0)
    #expect(bench.receive([0x32, 0xFF, 0xFF, 0xFF, 0x7F] + prefixed("t") + [0, 1]) == nil)
    #expect(bench.receiveCapacity == 256)
    #expect(bench.deadline == bench.now + .seconds(15))
    #expect(bench.next(after: .seconds(15)) == .failed(.packetTimedOut))
  }

  /// 300 bytes a second are no trickle, however long they go on; less is.
  @Test func largePacketMayTakeItsTimeAsLongAsItComesAlong() {
    let bench = Bench.online(keepAlive: 0)
    bench.receive([0x32, 0xFF, 0xFF, 0xFF, 0x7F] + prefixed("t") + [0, 1])
    for _ in 0..<100 {
      for _ in 0..<30 { bench.receive([UInt8](repeating: 0x78, count: 150)) }
      #expect(bench.next(after: .seconds(14)) == nil)
    }
    bench.receive([UInt8](repeating: 0x78, count: 200))
    #expect(bench.next(after: .seconds(15)) == .failed(.packetTimedOut))
  }

  @Test func oversizedPacketsOfOtherTypesFailTheSession() {
    let bench = Bench.online()
    #expect(bench.receive([0x90, 0x80, 0x10]) == .failed(.malformed(.packetTooLarge)))
    let early = Bench()
    early.open()
    #expect(early.receive([0x30, 0x80, 0x10]) == .failed(.malformed(.packetTooLarge)))
  }

  @Test func oversizedMessageWhoseFieldsDoNotFitFailsTheSession() {
    let bench = Bench.online()
    #expect(
      bench.receive([0x32, 0x80, 0x02, 0x00, 0xFF]) == .failed(.malformed(.malformedBody)))
    let zero = Bench.online()
    #expect(
      zero.receive([0x32, 0x80, 0x02] + prefixed("t") + [0, 0])
        == .failed(.malformed(.invalidPacketID)))
  }

  @Test func packetThatTricklesInFailsTheSession() {
    let bench = Bench.online(keepAlive: 0, replyTimeout: .seconds(5))
    let bytes = publishBytes("trickle", .atMostOnce)
    #expect(bench.deadline == .never)
    #expect(bench.receive([bytes[0]]) == nil)
    #expect(bench.deadline == .boot + .seconds(15))
    // A byte each 2 seconds is progress, and not enough.
    var last: Heard?
    for byte in bytes[1...] {
      bench.now = bench.now + .seconds(2)
      last = bench.receive([byte])
      if last != nil { break }
    }
    #expect(last == .failed(.packetTimedOut))
    #expect(bench.now == .boot + .seconds(16))
  }

  @Test func wholePacketsOneAfterTheOtherDoNotTrickle() {
    let bench = Bench.online(keepAlive: 0, replyTimeout: .seconds(5))
    let bytes = publishBytes("x", .atMostOnce)
    bench.bring(Array(bytes[..<3]))
    for _ in 0..<10 {
      #expect(bench.next() == nil)
      bench.now = bench.now + .seconds(10)
      bench.bring(Array(bytes[3...]) + Array(bytes[..<3]))
      #expect(bench.text(bench.next()) == "t x")
    }
  }
}
