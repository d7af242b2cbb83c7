import Core
import MQTT
import Testing

/// Everything that a CONNECT may have or not, byte for byte (section 3.1), and what CONNACK does.
@Suite struct V5ConnectTests {
  private static let properties =
    prop(.sessionExpiryInterval, 60) + prop(.receiveMaximum, 3) + prop(.maximumPacketSize, 200)
    + prop(.topicAliasMaximum, 2) + prop(.requestResponseInformation, 1)
    + prop(.requestProblemInformation, 1) + prop(user: "k", "v")
  private static let willProperties =
    prop(.willDelayInterval, 5) + prop(.payloadFormatIndicator, 1)
    + prop(.messageExpiryInterval, 9) + prop(.contentType, "c") + prop(.responseTopic, "r")
    + prop(.correlationData, "d") + prop(user: "w", "x")

  /// No will, or 3 QoS x 2 retains x 2 lists of properties; no user name, an empty one or some; the
  /// same for the password: 117 packets for each argument.
  @Test(arguments: [false, true], [[], properties])
  func connectIsByteExact(cleanStart: Bool, properties: [UInt8]) throws {
    var count = 0
    for name in [nil, "", "user"] {
      for password in [nil, "", "secret"] {
        check(cleanStart, properties, will: nil, [], name, password)
        count += 1
        for qos in [QoS.atMostOnce, .atLeastOnce, .exactlyOnce] {
          for retain in [false, true] {
            for list in [[], Self.willProperties] {
              check(cleanStart, properties, will: (qos, retain), list, name, password)
              count += 1
            }
          }
        }
      }
    }
    #expect(count == 117)
  }

  private func check(
    _ cleanStart: Bool, _ properties: [UInt8], will: (qos: QoS, retain: Bool)?,
    _ willProperties: [UInt8], _ name: String?, _ password: String?
  ) {
    let bench = Bench.newV5(properties, cleanSession: cleanStart, keepAlive: 0x1234)
    open(bench, will: will, willProperties, name, password)
    var flags: UInt8 = cleanStart ? 2 : 0
    var payload = prefixed("c")
    if let will {
      flags |= 4 | will.qos.rawValue << 3 | (will.retain ? 0x20 : 0)
      payload += sized(willProperties) + prefixed("w/t") + prefixed("gone")
    }
    if let name {
      flags |= 0x80
      payload += prefixed(name)
    }
    if let password {
      flags |= 0x40
      payload += prefixed(password)
    }
    let head = prefixed("MQTT") + [5, flags, 0x12, 0x34] + sized(properties)
    #expect(bench.output() == longPacket(0x10, head + payload))
  }

  private func open(
    _ bench: Bench, will: (qos: QoS, retain: Bool)?, _ willProperties: [UInt8], _ name: String?,
    _ password: String?
  ) {
    let (id, topic, payload) = (utf8("c"), utf8("w/t"), utf8("gone"))
    let properties = bench.connectProperties
    let (nameBytes, passwordBytes) = (utf8(name ?? ""), utf8(password ?? ""))
    let (topicSpan, payloadSpan, list) = (topic.span, payload.span, willProperties.span)
    let (nameSpan, passwordSpan) = (nameBytes.span, passwordBytes.span)
    var lent: Will?
    if let will {
      lent = Will(
        properties: list, topic: topicSpan, payload: payloadSpan, qos: will.qos,
        retain: will.retain)
    }
    do throws(EncodeError) {
      try bench.session.open(
        bench.options, clientID: id.span, will: lent, userName: name == nil ? nil : nameSpan,
        password: password == nil ? nil : passwordSpan,
        properties: properties.span, at: bench.now)
    } catch { Issue.record("CONNECT was refused: \(error)") }
  }

  @Test(arguments: [
    prop(.receiveMaximum, 4), prop(.topicAliasMaximum, 4), prop(.topicAlias, 1),
    prop(.receiveMaximum, 1) + prop(.receiveMaximum, 1), prop(.authenticationData, "x"),
    prop(.serverKeepAlive, 1), [0x21, 0, 0], [0x21, 0], [0x7E],
  ])
  func connectWithPropertiesThatCannotBeHeldIsRefused(properties: [UInt8]) {
    let bench = Bench.newV5(properties)
    bench.open()
    #expect(bench.output() == [])
    // It is closed still: a connection with others is opened.
    bench.connectProperties = prop(.receiveMaximum, 3)
    bench.open()
    #expect(bench.output().first == 0x10)
  }

  @Test func propertiesAreFor50Only() {
    let bench = Bench()
    bench.connectProperties = prop(.receiveMaximum, 1)
    bench.open()
    #expect(bench.output() == [])
  }

  @Test func connectThatDoesNotFitIsRefused() {
    let bench = Bench.newV5(prop(user: "k", String(repeating: "v", count: 600)))
    bench.open()
    #expect(!bench.hasOutput)
  }

  @Test func assignedClientIdentifierIsLent() {
    let bench = Bench.newV5()
    bench.open()
    let given = prop(.assignedClientIdentifier, "auto-1") + prop(.responseInformation, "resp/")
    #expect(
      bench.tell(connectAckV5(0, given)) == [
        "connected assignedClientIdentifier=auto-1 responseInformation=resp/"
      ])
  }

  @Test(arguments: [
    UInt8(0x80), 0x81, 0x82, 0x83, 0x84, 0x85, 0x86, 0x87, 0x88, 0x89, 0x8A, 0x8C, 0x90, 0x95,
    0x97, 0x99, 0x9A, 0x9B, 0x9C, 0x9D, 0x9F,
  ])
  func refusalIsReportedWithItsReason(code: UInt8) {
    let bench = Bench.newV5()
    bench.open()
    _ = bench.output()
    let why = prop(.reasonString, "why") + prop(.serverReference, "other")
    #expect(
      bench.tell(connectAckV5(code, why)) == [
        "refused \(hex(code)) reasonString=why serverReference=other"
      ])
    #expect(bench.output() == [])
  }

  /// Section 3.1.2.2 of 3.1.1: a server of that version does not know 5.0.
  @Test(arguments: 1...5 as ClosedRange<UInt8>)
  func oldServerRefusesInItsOwnWords(code: UInt8) throws {
    let bench = Bench.newV5()
    bench.open()
    _ = bench.output()
    for byte in [0x20, 2, 0] as [UInt8] { #expect(bench.tell([byte]) == []) }
    bench.bring([code])
    let next = bench.session.nextEvent(at: bench.now)
    let event = try #require(next)
    guard case .refused(let refusal, _) = event else {
      Issue.record("\(event)")
      return
    }
    #expect(refusal == .returnCode(try #require(ConnectReturnCode(rawValue: code))))
    #expect(refusal.isUnsupportedVersion == (code == 1))
    #expect(bench.output() == [])
  }

  @Test(arguments: [
    // Accepted, as 3.1.1 has it; a reserved code; a session that was not asked for; reserved flags;
    // a session in a refusal; a property that is for others; one twice.
    [0x20, 2, 0, 0], connectAckV5(0x42), connectAckV5(sessionPresent: true), [0x20, 3, 2, 0, 0],
    connectAckV5(sessionPresent: true, 0x80), connectAckV5(0, prop(.topicAlias, 1)),
    connectAckV5(0, prop(.receiveMaximum, 1) + prop(.receiveMaximum, 1)),
    connectAckV5(0, prop(.authenticationMethod, "m")), [0x20, 5, 0, 0, 2, 0x24, 2],
  ])
  func wrongConnectAckFailsWithoutADisconnect(bytes: [UInt8]) {
    let bench = Bench.newV5()
    bench.open()
    _ = bench.output()
    let events = bench.tell(bytes)
    #expect(events.count == 1 && events[0].hasPrefix("failed"))
    #expect(bench.output() == [])
  }

  @Test func serverKeepAliveCounts() {
    let bench = Bench.onlineV5(connack: prop(.serverKeepAlive, 10), keepAlive: 60)
    #expect(bench.serverLimits.keepAlive == 10)
    #expect(bench.deadline == .boot + .seconds(10))
    bench.now = .boot + .seconds(10)
    #expect(bench.events() == [])
    #expect(bench.output() == [0xC0, 0])
  }

  @Test func serverCanTurnKeepAliveOffOrOn() {
    let off = Bench.onlineV5(connack: prop(.serverKeepAlive, 0), keepAlive: 60)
    #expect(off.deadline == .never)
    let on = Bench.onlineV5(connack: prop(.serverKeepAlive, 5), keepAlive: 0)
    #expect(on.deadline == .boot + .seconds(5))
    // Only for that connection.
    on.reconnectV5(sessionPresent: false)
    #expect(on.deadline == .never && on.serverLimits.keepAlive == 0)
  }
}
