import Core
import MQTT
import Testing

/// What a store does when it is full, and what does not last.
@Suite struct StoreTests {
  @Test func fullStoreRefuses() throws {
    let bench = ManagerBench()
    for tag in 0..<4 as Range<UInt64> { try bench.publish("x", tag: tag) }
    #expect(bench.publishError("x", tag: 9) == .windowFull)
    #expect(bench.turn() == [] && bench.owed == 4)
  }

  /// Whatever is answered makes room, though an older message still waits for its answer.
  @Test func answersOutOfOrderMakeRoom() throws {
    let bench = ManagerBench.online()
    try bench.publish("held", tag: 0)
    for tag in 1..<50 as Range<UInt64> {
      let id = try bench.publish("x", tag: tag).packetID
      bench.output()
      #expect(bench.receive(answer(0x40, id)) == [.published(tag, code: 0)])
    }
    #expect(bench.owed == 1)
    #expect(bench.receive(answer(0x40, 1)) == [.published(0, code: 0)])
  }

  @Test func fullStoreDropsTheOldestThatWasNeverSent() throws {
    let bench = ManagerBench { $0.whenFull = .dropOldest }
    for tag in 0..<6 as Range<UInt64> { try bench.publish("\(tag)", tag: tag) }
    #expect(bench.turn() == [.dropped(0, .full), .dropped(1, .full)])
    bench.manager.connect()
    bench.accept()
    #expect(payloads(bench.output()) == ["2", "3", "4", "5"])
  }

  /// What is under way is not dropped, and what is dropped behind it makes room.
  @Test func droppingBehindWhatIsUnderWayMakesRoom() throws {
    let bench = ManagerBench.online(cleanSession: false) { $0.whenFull = .dropOldest }
    try bench.publish("sent", tag: 0)
    bench.output()
    bench.lose()
    var told: [Told] = []
    for tag in 1..<10 as Range<UInt64> {
      try bench.publish("\(tag)", tag: tag)
      told += bench.turn()
    }
    #expect(told == (1...6).map { .dropped($0, .full) })
    bench.accept(sessionPresent: true)
    // What was sent may have arrived: it goes on.
    #expect(payloads(bench.output()) == ["sent!", "7", "8", "9"])
  }

  @Test func bytesCountAsMessagesDo() throws {
    let bench = ManagerBench { $0.whenFull = .dropOldest }
    let long = String(repeating: "x", count: 99)
    try bench.publish(long, tag: 1)
    try bench.publish(long, tag: 2)
    try bench.publish(String(repeating: "y", count: 199), tag: 3)
    #expect(bench.turn() == [.dropped(1, .full), .dropped(2, .full)])
    #expect(bench.owed == 1)
  }

  /// Messages that are all under way cannot give way, so none is dropped in vain.
  @Test func nothingIsDroppedInVain() throws {
    let bench = ManagerBench.online { $0.whenFull = .dropOldest }
    try bench.publish(String(repeating: "a", count: 180), tag: 1)
    bench.output()
    bench.lose()
    try bench.publish("b", tag: 2)
    #expect(bench.publishError(String(repeating: "c", count: 100), tag: 3) == .windowFull)
    #expect(bench.turn() == [] && bench.owed == 2)
  }

  @Test func messageThatNeverFitsIsRefusedAtOnce() {
    let bench = ManagerBench { $0.whenFull = .dropOldest }
    #expect(bench.publishError(String(repeating: "x", count: 256), tag: 1) == .packetTooLarge)
  }

  /// A report that waits is not lost by a disconnect that comes before it is taken.
  @Test func reportsSurviveADisconnect() throws {
    let bench = ManagerBench { $0.whenFull = .dropOldest }
    bench.manager.connect()
    bench.awaitAttempt()
    bench.lose()
    for tag in 0..<6 as Range<UInt64> { try bench.publish("x", tag: tag) }
    bench.manager.disconnect(at: bench.now)
    #expect(
      bench.turn() == [
        .dropped(0, .full), .dropped(1, .full), .ended(.asked, wasOnline: false),
      ])
  }

  /// The bytes go round: any pattern of settling leaves the rest as it was.
  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func storedBytesSurviveAnyOrderOfAnswers(seed: UInt64) throws {
    var chance = Generator(seed: seed)
    let bench = ManagerBench.online(cleanSession: false)
    var underWay: [(id: UInt16, payload: String)] = []
    for tag in 0..<300 as Range<UInt64> {
      let payload = String(repeating: "\(tag % 10)", count: Int(chance.next(below: 70)) + 1)
      if let id = try? bench.publish(payload, tag: tag).packetID { underWay.append((id, payload)) }
      bench.output()
      if chance.next(below: 3) > 0, !underWay.isEmpty {
        let index = Int(chance.next(below: UInt64(underWay.count)))
        bench.receive(answer(0x40, underWay.remove(at: index).id))
      }
      guard chance.next(below: 10) == 0 else { continue }
      bench.lose()
      bench.accept(sessionPresent: true)
      #expect(payloads(bench.output()) == underWay.map { $0.payload + "!" })
    }
  }

  // MARK: Expiry

  @Test func expiredMessageIsDroppedOffline() throws {
    let bench = ManagerBench()
    try bench.publish("a", tag: 1, expiry: .seconds(10))
    try bench.publish("b", tag: 2)
    try bench.publish("c", tag: 3, expiry: .seconds(5))
    #expect(bench.deadline == bench.now + .seconds(5))
    #expect(bench.pass(.seconds(5)) == [.dropped(3, .expired)])
    #expect(bench.deadline == bench.now + .seconds(5))
    #expect(bench.pass(.seconds(5)) == [.dropped(1, .expired)])
    #expect(bench.deadline == .never && bench.owed == 1)
  }

  @Test func manyThatExpireTogetherAreToldOnceEach() throws {
    let bench = ManagerBench()
    for tag in 0..<4 as Range<UInt64> { try bench.publish("x", tag: tag, expiry: .seconds(1)) }
    #expect(bench.pass(.seconds(1)) == (0..<4).map { .dropped($0, .expired) })
    #expect(bench.pass(.seconds(100)) == [] && bench.owed == 0)
  }

  /// 5.0 section 3.3.2.3.3: what is left of the Message Expiry Interval is sent.
  @Test func messageExpiryIntervalCountsDownWhileItWaits() throws {
    let bench = ManagerBench(level: .v50)
    try bench.publish("x", tag: 1, properties: [0x02, 0, 0, 0, 100])
    bench.pass(.seconds(30))
    bench.manager.connect()
    bench.accept()
    let sent = bench.output()
    guard case .publish(let publish)? = packetV5(sent, from: .client) else {
      Issue.record("no PUBLISH")
      return
    }
    #expect(publish.properties.number(.messageExpiryInterval, in: sent.span) == 70)
  }

  @Test func messageExpiryIntervalDropsAsTheOwnersDoes() throws {
    let bench = ManagerBench(level: .v50)
    try bench.publish("x", tag: 1, properties: [0x02, 0, 0, 0, 10])
    #expect(bench.pass(.seconds(10)) == [.dropped(1, .expired)])
  }

  /// At QoS 1 what was sent may have arrived; it is not sent once more when it is worth nothing.
  @Test func expiredMessageIsNotRepeated() throws {
    let bench = ManagerBench.online(cleanSession: false)
    try bench.publish("x", tag: 1, expiry: .seconds(10))
    bench.output()
    #expect(bench.pass(.seconds(20)) == [], "the server has it and is to answer")
    bench.lose()
    let told = bench.accept(sessionPresent: true)
    #expect(told.contains(.dropped(1, .expired)))
    #expect(payloads(bench.output()) == [] && bench.owed == 0)
  }

  /// At QoS 2 the server may still hold the identifier: it is released, and nothing told twice, even
  /// where the server has lost the session by then.
  @Test(arguments: [true, false])
  func expiredQoS2MessageIsReleasedAndToldOnce(isKept: Bool) throws {
    let bench = ManagerBench.online(cleanSession: false)
    let id = try bench.publish("x", .exactlyOnce, tag: 1, expiry: .seconds(10)).packetID
    bench.output()
    bench.pass(.seconds(20))
    bench.lose()
    #expect(bench.accept(sessionPresent: true).contains(.dropped(1, .expired)))
    #expect(bench.output() == answer(0x62, id))
    #expect(bench.owed == 1)
    if isKept {
      #expect(bench.receive(answer(0x70, id)) == [])
    } else {
      bench.lose()
      let told = bench.accept(sessionPresent: false) + bench.pass(.seconds(30))
      #expect(!told.contains(.dropped(1, .expired)))
      #expect(payloads(bench.output()) == [])
    }
    #expect(bench.owed == 0, "its place is free")
  }

  // MARK: What a server does not take

  @Test func messageForAnotherServerIsToldAsUnsendable() throws {
    let bench = ManagerBench(level: .v50)
    try bench.publish("x", .exactlyOnce, tag: 1)
    try bench.publish("y", tag: 2)
    bench.manager.connect()
    bench.awaitAttempt()
    bench.manager.opened(at: bench.now)
    bench.turn()
    bench.output()
    // Maximum QoS 1.
    let told = bench.receive([0x20, 5, 0, 0, 2, 0x24, 1])
    #expect(
      told == [
        .connected(sessionPresent: false), .dropped(1, .unsendable(.qosNotSupported)),
      ])
    #expect(bench.publishError("z", .exactlyOnce, tag: 3) == .qosNotSupported)
  }

  // MARK: Taking back

  @Test func waitingMessageCanBeTakenBack() throws {
    let bench = ManagerBench()
    for tag in 1...3 as ClosedRange<UInt64> { try bench.publish("\(tag)", tag: tag) }
    #expect(bench.manager.withdraw(tag: 2) == true)
    #expect(bench.manager.withdraw(tag: 2) == false)
    bench.manager.connect()
    bench.accept()
    #expect(payloads(bench.output()) == ["1", "3"])
    #expect(bench.manager.withdraw(tag: 1) == false, "it was sent")
    #expect(bench.turn() == [])
  }
}
