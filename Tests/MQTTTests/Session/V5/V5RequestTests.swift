import Core
import MQTT
import Testing

/// SUBSCRIBE and UNSUBSCRIBE with all that they may say, and their answers (sections 3.8 to 3.11).
@Suite struct V5RequestTests {
  @Test func optionsAreWritten() throws {
    let bench = Bench.onlineV5()
    let filter = utf8("a/#")
    var count: UInt16 = 0
    for qos in [QoS.atMostOnce, .atLeastOnce, .exactlyOnce] {
      for handling in [V5.SubscriptionOptions.RetainHandling.sendAlways, .sendIfNew, .sendNever] {
        for flags in 0..<4 as Range<UInt8> {
          let options = V5.SubscriptionOptions(
            qos: qos, noLocal: flags & 1 != 0, retainAsPublished: flags & 2 != 0,
            retainHandling: handling)
          let id = try bench.session.subscribe(filter: filter.span, options: options)
          count += 1
          #expect(id == count)
          let byte = qos.rawValue | flags << 2 | handling.rawValue << 4
          #expect(
            bench.output() == packet(0x82, [0, UInt8(id), 0] + prefixed("a/#") + [byte]))
          #expect(bench.tell([0x90, 4, 0, UInt8(id), 0, 1]) == ["subscribed \(id) [0x1]"])
        }
      }
    }
    #expect(count == 36)
  }

  @Test func subscriptionIdentifierAndUserPropertiesAreWritten() throws {
    let bench = Bench.onlineV5()
    let list = prop(.subscriptionIdentifier, 268_435_455) + prop(user: "k", "v")
    try bench.subscribe(list: [("a", 1), ("b/+", 0x2E)], list)
    #expect(
      bench.output()
        == packet(0x82, [0, 1] + sized(list) + prefixed("a") + [1] + prefixed("b/+") + [0x2E]))
    #expect(
      bench.tell(
        publishV5("x", with: prop(.subscriptionIdentifier, 7) + prop(.subscriptionIdentifier, 9)))
        == ["message t 'x' subscriptionIdentifier=7 subscriptionIdentifier=9"])
  }

  @Test func eachFilterHasItsAnswer() throws {
    let bench = Bench.onlineV5()
    try bench.subscribe(list: [("a", 2), ("b", 1), ("$share/g/c", 0), ("d", 1)])
    try bench.unsubscribe(list: ["a", "$share/g/c", "e"], prop(user: "k", "v"))
    _ = bench.output()
    let why = sized(prop(.reasonString, "why"))
    #expect(
      bench.tell(packet(0xB0, [0, 2] + why + [0x00, 0x11, 0x87])) == [
        "unsubscribed 2 [0x0 0x11 0x87] reasonString=why"
      ])
    #expect(
      bench.tell(packet(0x90, [0, 1] + why + [0x02, 0x87, 0x9E, 0xA2])) == [
        "subscribed 1 [0x2 0x87 0x9e 0xa2] reasonString=why"
      ])
  }

  @Test(arguments: [[], [0], [0, 0, 0]] as [[UInt8]])
  func answerWithTheWrongNumberOfCodesIsAProtocolError(codes: [UInt8]) throws {
    for (first, isSubscribe) in [(0x90, true), (0xB0, false)] as [(UInt8, Bool)] {
      let bench = Bench.onlineV5()
      if isSubscribe {
        try bench.subscribe(list: [("a", 0), ("b", 0)])
      } else {
        try bench.unsubscribe(list: ["a", "b"])
      }
      _ = bench.output()
      let events = bench.tell(packet(first, [0, 1, 0] + codes))
      #expect(
        events == [codes.isEmpty ? "failed malformed malformedBody" : "failed protocolViolation"])
      #expect(bench.output() == [0xE0, 1, codes.isEmpty ? 0x81 : 0x82])
    }
  }

  @Test func requestsThatCannotBe() throws {
    let bench = Bench.onlineV5()
    let wrong = ["", "a/#/b", "a+", "$share/g", "$share//a", "$share/+/a"]
    for filter in wrong {
      #expect(throws: RequestError.invalidFilter) { try bench.subscribe(filter, .atMostOnce) }
      #expect(throws: RequestError.invalidFilter) { try bench.unsubscribe(filter) }
      #expect(throws: RequestError.invalidFilter) {
        try bench.subscribe(list: [("a", 0), (filter, 0)])
      }
      #expect(throws: RequestError.invalidFilter) { try bench.unsubscribe(list: ["a", filter]) }
    }
    #expect(throws: RequestError.invalidFilter) { try bench.subscribe(list: []) }
    #expect(throws: RequestError.invalidFilter) { try bench.unsubscribe(list: []) }
    #expect(throws: RequestError.invalidFilter) { try bench.subscribe(list: [("a", 3)]) }
    #expect(throws: RequestError.invalidFilter) { try bench.subscribe(list: [("a", 0x40)]) }
    #expect(throws: RequestError.invalidOptions) {
      let filter = utf8("$share/g/a")
      return try bench.session.subscribe(
        filter: filter.span, options: V5.SubscriptionOptions(qos: .atMostOnce, noLocal: true))
    }
    for list in [prop(.reasonString, "x"), prop(.topicAlias, 1), [0x0B, 0], [0x26]] {
      #expect(throws: RequestError.invalidProperties) {
        try bench.subscribe(list: [("a", 0)], list)
      }
      #expect(throws: RequestError.invalidProperties) { try bench.unsubscribe(list: ["a"], list) }
    }
    #expect(bench.output() == [])
    #expect(try bench.subscribe("a", .atMostOnce) == 1)
  }

  @Test func whatOnly50HasIsRefusedBefore() throws {
    let bench = Bench.online()
    let filter = utf8("a")
    #expect(throws: RequestError.unsupportedLevel) {
      try bench.session.subscribe(
        filter: filter.span, options: V5.SubscriptionOptions(qos: .atMostOnce, noLocal: true))
    }
    #expect(throws: RequestError.invalidOptions) { try bench.subscribe(list: [("a", 0x04)]) }
    #expect(throws: RequestError.invalidProperties) {
      try bench.subscribe(list: [("a", 0)], prop(user: "k", "v"))
    }
    #expect(throws: RequestError.unsupportedLevel) { try bench.authenticate([]) }
    #expect(throws: RequestError.unsupportedLevel) { try bench.disconnect(.unspecifiedError) }
    #expect(throws: PublishError.invalidProperties) {
      try bench.send("x", with: prop(user: "k", "v"))
    }
    #expect(bench.output() == [] && bench.isOnline)
    #expect(try bench.subscribe(list: [("a", 2), ("b", 0)]) == 1)
    #expect(bench.output() == packet(0x82, [0, 1] + prefixed("a") + [2] + prefixed("b") + [0]))
  }

  @Test func requestsAreBounded() throws {
    let bench = Bench.onlineV5()
    try bench.subscribe(list: [("a", 0)])
    try bench.unsubscribe(list: ["a"])
    #expect(throws: RequestError.windowFull) { try bench.subscribe("b", .atMostOnce) }
    bench.tell([0x90, 4, 0, 1, 0, 0x97])
    #expect(try bench.subscribe("b", .atMostOnce) == 3)
    #expect(throws: RequestError.windowFull) { try bench.unsubscribe("b") }
  }
}
