import Broker
import Core
import MQTT
import Testing

/// CONNECT and its answers (sections 3.1 and 3.2).
@Suite struct ConnectTests {
  @Test func aGoodConnectIsAccepted() {
    let bench = Bench()
    let client = bench.open()
    client.send(connectBytes("a", keepAlive: 60))
    #expect(client.take() == [.connectAck(.accepted)])
    #expect(!client.isClosed)
    #expect(
      bench.takeEvents() == [
        .connected(client: utf8("a"), level: .v311, cleanSession: true, keepAlive: 60)
      ])
  }

  @Test func anUnknownLevelIsAnsweredWithOne() {
    let bench = Bench()
    let client = bench.open()
    var bytes = connectBytes("a")
    bytes[8] = 2
    client.send(bytes)
    #expect(client.take() == [.connectAck(.unacceptableProtocolVersion)])
    #expect(client.isClosed)
    #expect(bench.takeEvents() == [.refused(client: [], .unsupportedProtocolVersion)])
  }

  @Test func anUnknownProtocolIsOnlyClosed() {
    let bench = Bench()
    let client = bench.open()
    var bytes = connectBytes("a")
    bytes[4] = UInt8(ascii: "m")
    client.send(bytes)
    #expect(client.take() == [])
    #expect(client.isClosed)
  }

  @Test func anEmptyNameWithoutCleanSessionIsAnsweredWithTwo() {
    let bench = Bench()
    let client = bench.open()
    var bytes = connectBytes("")
    #expect(bytes[9] == 0b10, "clean session")
    bytes[9] = 0
    client.send(bytes)
    #expect(client.take() == [.connectAck(.identifierRejected)])
    #expect(client.isClosed)
  }

  @Test func anEmptyNameWithCleanSessionIsReplacedByOneOfItsOwn() {
    let bench = Bench()
    let first = bench.connect("")
    let second = bench.connect("")
    #expect(!first.isClosed && !second.isClosed)
    let names = bench.takeEvents().compactMap { event in
      if case .connected(let client, _, _, _) = event { client } else { nil }
    }
    #expect(names.count == 2 && names[0] != names[1] && !names.contains([]))
  }

  @Test func aNameThatTheBrokerMakesUpIsNobodysYet() {
    let bench = Bench()
    let anonymous = bench.connect("")
    guard case .connected(let name, _, _, _)? = bench.takeEvents().first else {
      Issue.record("connected")
      return
    }
    let other = Bench()
    let taken = other.connect(String(decoding: name, as: UTF8.self))
    let late = other.connect("")
    #expect(!taken.isClosed && !late.isClosed && !anonymous.isClosed)
  }

  @Test func oneTransportTooManyIsAnsweredWithThree() {
    var limits = BrokerLimits()
    limits.connectionsMax = 1
    let bench = Bench(limits)
    let first = bench.connect("a")
    let second = bench.open()
    second.send(connectBytes("b"))
    #expect(second.take() == [.connectAck(.serverUnavailable)])
    #expect(second.isClosed && !first.isClosed)
    second.cut()
    first.cut()
    #expect(!bench.connect("b").isClosed)
  }

  @Test func aClientThatTakesItsOwnPlaceIsNotOneTooMany() {
    var limits = BrokerLimits()
    limits.connectionsMax = 1
    let bench = Bench(limits)
    let halfOpen = bench.connect("a")
    let again = bench.connect("a")
    #expect(halfOpen.isClosed && !again.isClosed)
  }

  @Test func oneSessionTooManyIsAnsweredWithThree() {
    var limits = BrokerLimits()
    limits.sessionsMax = 1
    let bench = Bench(limits)
    bench.connect("a", cleanSession: false).cut()
    let second = bench.open()
    second.send(connectBytes("b"))
    #expect(second.take() == [.connectAck(.serverUnavailable)])
    #expect(!bench.connect("a", cleanSession: false).isClosed)
  }

  @Test(arguments: [
    publishBytes("t", "x"), subscribeBytes([("t", .atMostOnce)]), unsubscribeBytes("t"),
    answerBytes(.publishAck, 1), answerBytes(.publishRelease, 1), [0xC0, 0], [0xE0, 0],
  ])
  func anythingBeforeConnectCloses(bytes: [UInt8]) {
    let bench = Bench()
    let client = bench.open()
    client.send(bytes)
    #expect(client.isClosed)
    #expect(client.take() == [])
    client.send(connectBytes("a"))
    #expect(client.take() == [], "nothing is taken after the end")
  }

  @Test func aSecondConnectCloses() {
    let bench = Bench()
    let client = bench.connect("a")
    client.send(connectBytes("a"))
    #expect(client.isClosed)
    #expect(client.take() == [])
    #expect(bench.takeReasons() == [.protocolViolation])
  }

  @Test func whatOnlyAServerSendsCloses() {
    let bench = Bench()
    let client = bench.connect("a")
    client.send([0xD0, 0])
    #expect(client.isClosed)
    #expect(bench.takeReasons() == [.malformed(.wrongDirection)])
  }

  @Test func aTransportWithoutConnectIsClosedInTime() {
    let bench = Bench()
    let client = bench.open()
    client.send(Array(connectBytes("a").dropLast()))
    #expect(bench.deadline == .boot + .seconds(10))
    bench.pass(.milliseconds(9_999))
    #expect(!client.isClosed)
    bench.pass(.milliseconds(1))
    #expect(client.isClosed)
    #expect(bench.deadline == .never)
  }

  @Test func aPingIsAnswered() {
    let client = Bench().connect("a")
    client.send([0xC0, 0])
    #expect(client.take() == [.pingResponse])
  }

  // MARK: 3.1

  @Test func aClientOfTheOldVersionIsServed() {
    let bench = Bench()
    let client = bench.open(level: .v31)
    client.send(connectBytes("old", level: .v31, cleanSession: false))
    client.subscribe("t", .exactlyOnce)
    bench.publish("t", "x", .exactlyOnce)
    #expect(
      client.take() == [
        .connectAck(.accepted), .subscribeAck(1, [.grantedExactlyOnce]),
        .message("t", "x", .exactlyOnce, id: 1),
      ])
  }

  @Test func theOldVersionIsNotToldOfItsSession() {
    let bench = Bench()
    bench.subscriber("old", "t", .atLeastOnce, level: .v31, cleanSession: false).cut()
    let again = bench.open(level: .v31)
    again.send(connectBytes("old", level: .v31, cleanSession: false))
    #expect(bench.output(of: again.id) == [0x20, 2, 0, 0])
    bench.publish("t", "x", .atLeastOnce)
    #expect(again.take() == [.message("t", "x", .atLeastOnce, id: 1)])
  }

  @Test func aRepeatedReleaseIsMarkedInTheOldVersionOnly() {
    for level in [ProtocolLevel.v31, .v311] {
      let bench = Bench()
      let client = bench.subscriber("a", "t", .exactlyOnce, level: level, cleanSession: false)
      bench.publish("t", "x", .exactlyOnce)
      client.send(answerBytes(.publishReceived, 1, level: level))
      client.cut()
      let again = bench.open(level: level)
      again.send(connectBytes("a", level: level, cleanSession: false))
      #expect(bench.output(of: again.id).dropFirst(4) == [level == .v31 ? 0x6A : 0x62, 2, 0, 1])
    }
  }

  @Test func anEmptyNameIsRejectedInTheOldVersion() {
    let bench = Bench()
    let client = bench.open(level: .v31)
    client.send([0x10, 14, 0, 6] + utf8("MQIsdp") + [3, 2, 0, 0, 0, 0])
    #expect(client.take() == [.connectAck(.identifierRejected)])
    #expect(client.isClosed)
  }
}
