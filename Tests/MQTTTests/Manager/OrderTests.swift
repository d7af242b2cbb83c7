import Core
import MQTT
import Testing

/// What is published arrives, in order, over any number of connections (mqtt-complaints: "Lost,
/// duplicated or reordered messages").
@Suite struct OrderTests {
  /// Complaint 22: what was queued offline is sent after the connection.
  @Test func queuedOfflineIsSentInOrderOnceOnline() throws {
    let bench = ManagerBench()
    for (index, name) in ["a", "b", "c"].enumerated() {
      let publication = try bench.publish(name, tag: UInt64(index))
      #expect(publication.isQueued)
    }
    bench.manager.connect()
    bench.accept()
    #expect(payloads(bench.output()) == ["a", "b", "c"])
  }

  @Test func resumedSessionRepeatsInOrderWithDup() throws {
    let bench = ManagerBench.online(cleanSession: false)
    try bench.publish("a", tag: 1)
    try bench.publish("b", .exactlyOnce, tag: 2)
    bench.output()
    bench.lose()
    try bench.publish("c", tag: 3)
    bench.accept(sessionPresent: true)
    #expect(payloads(bench.output()) == ["a!", "b!", "c"])
  }

  /// Complaint 21: a lost session loses no messages; they begin anew.
  @Test func lostSessionBeginsAnewInOrderWithoutDup() throws {
    let bench = ManagerBench.online()
    let first = try bench.publish("a", tag: 1)
    try bench.publish("b", .exactlyOnce, tag: 2)
    bench.output()
    bench.lose()
    try bench.publish("c", tag: 3)
    bench.accept()
    let sent = bench.output()
    #expect(payloads(sent) == ["a", "b", "c"])
    guard case .packet(.publish(let publish), _) = decode(sent, from: .client) else {
      Issue.record("no PUBLISH")
      return
    }
    #expect(publish.packetID == first.packetID, "the one that the owner was told")
    #expect(bench.receive(answer(0x40, publish.packetID)) == [.published(1, code: 0)])
  }

  /// A message that a server does not bear can be left out, sent or not, whether or not the session is
  /// kept.
  @Test(arguments: [true, false])
  func messageThatIsGivenUpIsNotRepeated(isPresent: Bool) throws {
    let bench = ManagerBench.online(cleanSession: !isPresent)
    bench.manager.windowMax = 2
    for (tag, name) in ["a", "b", "c", "d"].enumerated() {
      try bench.publish(name, tag: UInt64(tag + 1))
    }
    #expect(payloads(bench.output()) == ["a", "b"])
    var sent: [Bool] = []
    for tag in 1...4 as ClosedRange<UInt64> { sent.append(bench.manager.wasSentHere(tag: tag)) }
    #expect(sent == [true, true, false, false])
    bench.lose()
    let isGivenUp = [
      bench.manager.giveUp(tag: 2), bench.manager.giveUp(tag: 3), bench.manager.giveUp(tag: 7),
    ]
    #expect(isGivenUp == [true, true, false])
    bench.accept(sessionPresent: isPresent)
    #expect(payloads(bench.output()) == (isPresent ? ["a!", "d"] : ["a", "d"]))
  }

  /// The owner's window holds whatever the server takes, and for repetitions too.
  @Test func windowOfTheOwnerBoundsWhatIsUnderWay() throws {
    let bench = ManagerBench.online(cleanSession: false)
    for (tag, name) in ["a", "b", "c"].enumerated() {
      try bench.publish(name, tag: UInt64(tag + 1))
    }
    #expect(payloads(bench.output()) == ["a", "b", "c"])
    bench.lose()
    bench.manager.windowMax = 1
    bench.accept(sessionPresent: true)
    let first = bench.output()
    #expect(payloads(first) == ["a!"])
    guard case .packet(.publish(let publish), _) = decode(first, from: .client) else {
      Issue.record("no PUBLISH")
      return
    }
    bench.receive(answer(0x40, publish.packetID))
    #expect(payloads(bench.output()) == ["b!"])
  }

  /// Complaint 24: never sent again over a live connection.
  @Test func nothingIsRepeatedOverALiveConnection() throws {
    let bench = ManagerBench.online()
    try bench.publish("a", tag: 1)
    #expect(payloads(bench.output()) == ["a"])
    for _ in 0..<100 {
      bench.pass(.seconds(50))
      bench.receive([0xD0, 0])
      #expect(payloads(bench.output()) == [])
    }
  }

  /// Complaint 25: one list is the truth, so a QoS 2 message continues with PUBREL.
  @Test func releasedMessageIsNotPublishedAgain() throws {
    let bench = ManagerBench.online(cleanSession: false)
    let id = try bench.publish("a", .exactlyOnce, tag: 1).packetID
    bench.output()
    bench.receive(answer(0x50, id))
    bench.lose()
    bench.accept(sessionPresent: true)
    #expect(bench.output() == answer(0x62, id))
    #expect(bench.receive(answer(0x70, id)) == [.published(1, code: 0)])
    #expect(bench.owed == 0)
  }

  /// Complaint 31: an answer to nothing releases nothing.
  @Test func unknownAcknowledgementReleasesNothing() throws {
    let bench = ManagerBench.online()
    let id = try bench.publish("a", tag: 1).packetID
    bench.output()
    #expect(bench.receive(answer(0x40, id &+ 1)) == [])
    #expect(bench.receive(answer(0x70, id)) == [], "the wrong kind of answer")
    #expect(bench.owed == 1 && bench.isOnline)
    #expect(bench.receive(answer(0x40, id)) == [.published(1, code: 0)])
    #expect(bench.receive(answer(0x40, id)) == [], "once")
  }

  @Test func refusalByTheServerIsTheLastWord() throws {
    let bench = ManagerBench.online(level: .v50)
    let id = try bench.publish("a", tag: 1).packetID
    bench.output()
    #expect(bench.receive([0x40, 3, 0, UInt8(id), 0x97]) == [.published(1, code: 0x97)])
    #expect(bench.owed == 0)
  }

  /// Complaint 35: identifiers wrap and skip those in use.
  @Test func orderHoldsOverTheWrapOfIdentifiers() throws {
    let bench = ManagerBench.online(cleanSession: false)
    let stuck = try bench.publish("stuck", tag: 0).packetID
    bench.output()
    for index in 1...66_000 as ClosedRange<UInt64> {
      let id = try bench.publish("x", tag: index).packetID
      #expect(id != 0 && id != stuck)
      bench.output()
      #expect(bench.receive(answer(0x40, id)) == [.published(index, code: 0)])
    }
    try bench.publish("last", tag: 70_000)
    bench.lose()
    bench.accept(sessionPresent: true)
    #expect(payloads(bench.output()) == ["stuck!", "last!"])
  }

  /// The word that one is there goes before the backlog, and does not change its order.
  @Test func firstGoesBeforeWhatWaits() throws {
    let bench = ManagerBench(cleanSession: false)
    bench.manager.connect()
    bench.accept()
    try bench.publish("a", tag: 1)
    bench.output()
    bench.lose()
    try bench.publish("b", tag: 2)
    bench.awaitAttempt()
    bench.manager.opened(at: bench.now)
    bench.turn()
    bench.output()
    bench.bring(bench.connectAck(sessionPresent: true))
    guard case .connected? = bench.manager.nextEvent(at: bench.now) else {
      Issue.record("not connected")
      return
    }
    try bench.publish("birth", tag: 3, first: true)
    bench.turn()
    #expect(payloads(bench.output()) == ["birth", "a!", "b"])
  }

  // MARK: QoS 0

  @Test func sentOnceIsPublishedWhenItsBytesHaveLeft() throws {
    let bench = ManagerBench.online()
    try bench.publish("a", .atMostOnce, tag: 1)
    #expect(bench.turn() == [], "it lies in the buffer")
    bench.output()
    #expect(bench.turn() == [.published(1, code: 0)])
  }

  /// Complaint 27: QoS 0 is not queued.
  @Test func sentOnceIsNotQueued() {
    let bench = ManagerBench()
    #expect(bench.publishError("a", .atMostOnce, tag: 1) == .notConnected)
  }

  @Test func sentOnceAndNotLeftIsToldAtTheLoss() throws {
    let bench = ManagerBench.online()
    try bench.publish("a", .atMostOnce, tag: 1)
    try bench.publish("b", .atMostOnce, tag: 2)
    #expect(
      bench.lose() == [
        .ended(.transport, wasOnline: true), .dropped(1, .connectionLost),
        .dropped(2, .connectionLost), .retrying(attempt: 1),
      ])
  }

  @Test func moreThanTheMarksIsBackPressure() throws {
    let bench = ManagerBench.online()
    for tag in 0..<4 as Range<UInt64> { try bench.publish("a", .atMostOnce, tag: tag) }
    #expect(bench.publishError("a", .atMostOnce, tag: 9) == .bufferFull)
    bench.output()
    #expect(bench.turn().count == 4)
    #expect(bench.publishError("a", .atMostOnce, tag: 9) == nil)
  }
}
