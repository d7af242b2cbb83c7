import Broker
import Core
import MQTT
import Testing

/// CONNECT and CONNACK of 5.0 (sections 3.1 and 3.2 of its standard).
@Suite struct V5ConnectTests {
  /// What CONNACK says of the default limits.
  private let announced: [Property] = [
    .number(.receiveMaximum, 1_000), .number(.maximumPacketSize, 1_048_576),
    .number(.topicAliasMaximum, 10),
  ]

  private func bench(_ change: (inout BrokerLimits) -> Void) -> Bench {
    var limits = BrokerLimits()
    change(&limits)
    return Bench(limits)
  }

  @Test func aGoodConnectIsAcceptedAndToldTheLimits() {
    let bench = Bench()
    #expect(
      bench.answer(to: connectV5Bytes("a", keepAlive: 60))
        == [.connectAck(.success, false, announced)])
    #expect(
      bench.takeEvents().first
        == .connected(client: utf8("a"), level: .v50, cleanSession: true, keepAlive: 60))
  }

  @Test func whatIsNotRestrictedIsNotAnnounced() {
    let bench = bench {
      $0.receivedMax = 65_535
      $0.packetBytesMax = 268_435_460
      $0.topicAliasMax = 0
    }
    #expect(bench.answer(to: connectV5Bytes("a")) == [.connectAck(.success)])
  }

  @Test func everyRestrictionIsAnnounced() {
    let bench = bench {
      $0.receivedMax = 2
      $0.packetBytesMax = 300
      $0.topicAliasMax = 0
      $0.maximumQoS = .atLeastOnce
      $0.retainIsAvailable = false
      $0.wildcardsAreAvailable = false
      $0.sharesAreAvailable = false
      $0.subscriptionIdentifiersAreAvailable = false
      $0.sessionExpiryMax = 100
      $0.keepAliveMax = 30
    }
    let answer = bench.answer(
      to: connectV5Bytes("a", keepAlive: 31, [.number(.sessionExpiryInterval, 101)]))
    let expected: [Property] = [
      .number(.sessionExpiryInterval, 100), .number(.receiveMaximum, 2), .number(.maximumQoS, 1),
      .number(.retainAvailable, 0), .number(.maximumPacketSize, 300),
      .number(.wildcardSubscriptionAvailable, 0), .number(.subscriptionIdentifierAvailable, 0),
      .number(.sharedSubscriptionAvailable, 0), .number(.serverKeepAlive, 30),
    ]
    #expect(answer == [.connectAck(.success, false, expected)])
  }

  @Test func theServersKeepAliveCountsInPlaceOfALongerOneOrNone() {
    for keepAlive in [0, 11] as [UInt16] {
      let bench = bench { $0.keepAliveMax = 10 }
      _ = bench.connectV5("a", keepAlive: keepAlive)
      #expect(bench.deadline == .boot + .seconds(15))
    }
    let bench = bench { $0.keepAliveMax = 10 }
    _ = bench.connectV5("a", keepAlive: 4)
    #expect(bench.deadline == .boot + .seconds(6))
  }

  @Test func theOldVersionsCannotBeToldAnotherKeepAlive() {
    let bench = bench { $0.keepAliveMax = 10 }
    _ = bench.connect("a", keepAlive: 60)
    #expect(bench.deadline == .boot + .seconds(90))
  }

  @Test func aNamelessClientIsToldItsName() {
    let bench = Bench()
    let first = bench.answer(to: connectV5Bytes("", cleanStart: false))
    let second = bench.answer(to: connectV5Bytes(""))
    #expect(
      first == [
        .connectAck(
          .success, false,
          [
            announced[0], announced[1], .text(.assignedClientIdentifier, "auto-1"), announced[2],
          ])
      ])
    #expect(second[0].properties.contains(.text(.assignedClientIdentifier, "auto-2")))
  }

  @Test func responseInformationIsForWhoAsks() {
    let bench = Bench()
    bench.rules.responseInformation = utf8("answers/")
    let asked = bench.answer(to: connectV5Bytes("a", [.number(.requestResponseInformation, 1)]))
    #expect(asked[0].properties.contains(.text(.responseInformation, "answers/")))
    let silent = bench.answer(to: connectV5Bytes("a", [.number(.requestResponseInformation, 0)]))
    #expect(silent == [.connectAck(.success, false, announced)])
  }

  @Test func aHigherLevelIsAnsweredInTheNearestVersion() {
    let bench = Bench()
    var bytes = connectV5Bytes("a")
    bytes[8] = 6
    #expect(bench.answer(to: bytes) == [.connectAck(.unsupportedProtocolVersion)])
    #expect(bench.takeEvents() == [.refused(client: [], .unsupportedProtocolVersion)])
  }

  @Test func aBrokerWithout50AnswersAsThoseBeforeItDo() {
    let bench = bench { $0.levels = [.v31, .v311] }
    let client = bench.open()
    client.send(connectV5Bytes("a", [.number(.receiveMaximum, 3)]))
    #expect(client.take() == [.connectAck(.unacceptableProtocolVersion)])
    #expect(client.isClosed)
    #expect(!bench.connect("a").isClosed)
  }

  @Test func aBrokerOf50AloneRefusesTheOthers() {
    let bench = bench { $0.levels = [.v50] }
    for level in [ProtocolLevel.v31, .v311] {
      let client = bench.open(level: level)
      client.send(connectBytes("a", level: level))
      #expect(client.take() == [.connectAck(.unacceptableProtocolVersion)])
      #expect(client.isClosed)
    }
    #expect(!bench.connectV5("a").isClosed)
  }

  @Test func aMalformedConnectIsAnsweredWithTheReason() {
    let bench = Bench()
    var flags = connectV5Bytes("a")
    flags[9] |= 1
    #expect(bench.answer(to: flags) == [.connectAck(.malformedPacket)])
    // Receive Maximum twice.
    let twice: [UInt8] = [0x10, 20, 0, 4] + utf8("MQTT") + [5, 2, 0, 0, 6, 0x21, 0, 1, 0x21, 0, 1]
    #expect(bench.answer(to: twice + [0, 1, 0x61]) == [.connectAck(.protocolError)])
    let zero: [UInt8] = [0x10, 17, 0, 4] + utf8("MQTT") + [5, 2, 0, 0, 3, 0x21, 0, 0]
    #expect(bench.answer(to: zero + [0, 1, 0x61]) == [.connectAck(.protocolError)])
  }

  @Test func aConnectOverTheLimitIsAnsweredByItsHead() {
    let bench = bench { $0.packetBytesMax = 100 }
    let head: [UInt8] = [0x10, 120, 0, 4] + utf8("MQTT")
    let client = V5Client(bench)
    client.send(head)
    #expect(!client.isClosed, "the version is not there yet")
    client.send([5])
    #expect(client.take() == [.connectAck(.packetTooLarge)])
    #expect(client.isClosed)
  }

  @Test func aSecondConnectEndsInDisconnect() {
    let bench = Bench()
    let client = bench.connectV5("a")
    client.send(connectV5Bytes("a"))
    #expect(client.take() == [.disconnect(.protocolError)])
    #expect(client.isClosed)
  }

  @Test func whatComesBeforeConnectIsOnlyClosed() {
    for bytes in [publishV5Bytes("t", "x"), disconnectV5Bytes(), [0xC0, 0], [0xF0, 0]] {
      #expect(Bench().answer(to: bytes) == [])
    }
  }

  @Test func anAnswerThatTheClientDoesNotTakeIsARefusal() {
    let bench = Bench()
    #expect(
      bench.answer(to: connectV5Bytes("a", [.number(.maximumPacketSize, 14)]))
        == [.connectAck(.packetTooLarge)])
    #expect(
      bench.answer(to: connectV5Bytes("a", [.number(.maximumPacketSize, 4)])) == [])
    #expect(
      !bench.takeEvents().contains {
        if case .connected = $0 { true } else { false }
      })
    #expect(
      bench.answer(to: connectV5Bytes("a", [.number(.maximumPacketSize, 16)]))
        == [.connectAck(.success, false, announced)])
  }

  @Test func aRefusalTakesNobodysPlace() {
    let bench = Bench()
    let first = bench.connectV5("a")
    bench.rules.login = { _ in .notAuthorized }
    #expect(bench.answer(to: connectV5Bytes("a")) == [.connectAck(.notAuthorized)])
    #expect(!first.isClosed)
  }

  @Test func tooManyConnectionsAndSessionsAreToldApartFromFaults() {
    let bench = bench { $0.sessionsMax = 1 }
    _ = bench.connectV5("a")
    #expect(bench.answer(to: connectV5Bytes("b")) == [.connectAck(.serverUnavailable)])
  }

  // MARK: What a will may not be

  @Test func aWillThatIsNotOfferedIsRefused() {
    let bench = bench {
      $0.maximumQoS = .atLeastOnce
      $0.retainIsAvailable = false
      $0.payloadFormatIsChecked = true
    }
    func answer(_ will: V5TestWill) -> [V5Received] {
      bench.answer(to: connectV5Bytes("a", will: will))
    }
    #expect(answer(V5TestWill(qos: .exactlyOnce)) == [.connectAck(.qosNotSupported)])
    #expect(answer(V5TestWill(retain: true)) == [.connectAck(.retainNotSupported)])
    #expect(answer(V5TestWill(topic: "$SYS/x")) == [.connectAck(.topicNameInvalid)])
    bench.rules.mayPublish = { _, topic in topic != utf8("no") }
    #expect(answer(V5TestWill(topic: "no")) == [.connectAck(.notAuthorized)])
  }

  @Test func aWillThatIsNotOfferedEndsAConnectionOfTheOldVersions() {
    let bench = bench { $0.maximumQoS = .atMostOnce }
    let client = bench.open()
    client.send(connectBytes("a", will: TestWill(qos: .atLeastOnce)))
    #expect(client.take() == [] && client.isClosed)
  }
}
