import CLinux
import MQTTClient
import Testing

/// Messages of the broker's, and who gets them.
@Suite struct SubscribingTests {
  private func connected(
    _ url: String, _ adjust: (inout ClientConfiguration) -> Void = { _ in }
  ) async throws -> Client {
    let client = try Client(configuration(url, clientID: uniqueName(), adjust))
    _ = try await within { try await client.connect() }
    return client
  }

  @Test(arguments: [Version.v5, .v311, .v31])
  func messagesComeInOrder(version: Version) async throws {
    let broker = try Mosquitto()
    let client = try await connected(broker.url) { $0.version = .only(version) }
    let messages = try await within {
      try await client.subscribe(to: TopicSubscription("a/+", qos: .exactlyOnce))
    }
    #expect(messages.granted == [.exactlyOnce])
    for number in 0..<30 {
      _ = try await within {
        try await client.publish("\(number)", to: "a/b", qos: .exactlyOnce, waitFor: .queued)
      }
    }
    let got = try await within {
      var got: [String] = []
      for try await message in messages {
        got.append(message.text)
        if got.count == 30 { break }
      }
      return got
    }
    #expect(got == (0..<30).map { "\($0)" })
    try await within { try await client.disconnect() }
  }

  @Test func propertiesArrive() async throws {
    let broker = try Mosquitto()
    let client = try await connected(broker.url)
    let messages = try await within { try await client.subscribe(to: "t") }
    var properties = MessageProperties()
    properties.contentType = "text/plain"
    properties.correlationData = [1, 2, 3]
    properties.responseTopic = "answers"
    properties.isText = true
    properties.userProperties = [UserProperty("a", "1"), UserProperty("a", "2")]
    let sent = properties
    _ = try await within {
      try await client.publish("x", to: "t", properties: sent, expiry: .seconds(100))
    }
    let message = try await within { try await messages.first { _ in true } }
    let got = try #require(message).properties
    #expect(got.contentType == "text/plain" && got.correlationData == [1, 2, 3])
    #expect(got.responseTopic == "answers" && got.isText)
    #expect(got.userProperties == sent.userProperties)
    #expect(got.expirySeconds == 100)
  }

  @Test func overlappingSubscriptionsGetEachMessageOnceEach() async throws {
    let broker = try Mosquitto()
    let client = try await connected(broker.url)
    let all = try await within { try await client.subscribe(to: "a/#", "a/b") }
    let one = try await within { try await client.subscribe(to: "a/b") }
    for text in ["1", "2", "end"] {
      _ = try await within { try await client.publish(text, to: "a/b") }
    }
    for messages in [all, one] {
      let got = try await within {
        var got: [String] = []
        for try await message in messages {
          got.append(message.text)
          if message.text == "end" { break }
        }
        return got
      }
      // Mosquitto 2.0 sends a copy for each filter, which 5.0 allows (section 3.3.4).
      #expect(got.filter { $0 == "1" }.count == (messages === all ? 2 : 1))
    }
  }

  @Test func refusedSubscriptionThrowsWithItsReason() async throws {
    let peer = try ScriptedPeer { _, link in
      link.accept()
      guard let subscribe = link.packet(ofType: 8) else { return }
      link.send([0x90, 9, subscribe[2], subscribe[3], 5, 0x1F, 0, 2] + Array("no".utf8) + [0x87])
      _ = link.awaitEnd()
    }
    let client = try await connected(peer.url)
    let error = try await within {
      await failure { () async throws(ClientError) in _ = try await client.subscribe(to: "t") }
    }
    #expect(error == .refused(ClientError.Refusal(code: 0x87, reasonString: "no")))
  }

  @Test func subscriptionIsRestoredWhenTheBrokerHasLostIt() async throws {
    let peer = try ScriptedPeer { number, link in
      link.accept()
      guard let subscribe = link.packet(ofType: 8) else { return }
      link.send([0x90, 4, subscribe[2], subscribe[3], 0, 1])
      link.send(publishPacket("\(number)", qos: 0, isV5: true))
      if number == 2 { _ = link.awaitEnd() }
    }
    let client = try await connected(peer.url)
    let messages = try await within { try await client.subscribe(to: "t") }
    let got = try await within {
      var got: [String] = []
      for try await message in messages {
        got.append(message.text)
        if got.count == 2 { break }
      }
      return got
    }
    #expect(got == ["1", "2"])
  }

  @Test func subscriptionThatIsNotRestoredEndsWithTheReason() async throws {
    let peer = try ScriptedPeer { number, link in
      link.accept()
      guard let subscribe = link.packet(ofType: 8) else { return }
      link.send([0x90, 4, subscribe[2], subscribe[3], 0, number == 1 ? 1 : 0x87])
      if number == 2 { _ = link.awaitEnd() }
    }
    let client = try await connected(peer.url)
    let messages = try await within { try await client.subscribe(to: "t") }
    let error = try await within {
      await failure { () async throws(ClientError) in
        let iterator = messages.makeAsyncIterator()
        _ = try await iterator.next()
      }
    }
    #expect(error == .refused(ClientError.Refusal(code: 0x87)))
  }

  @Test func subscribingWaitsForAConnection() async throws {
    let broker = try Mosquitto()
    let client = try Client(configuration(broker.url))
    let task = Task { try await client.subscribe(to: "t") }
    try await Task.sleep(for: .milliseconds(20))
    client.start()
    let messages = try await within { try await task.value }
    #expect(messages.granted == [.atLeastOnce])
  }

  /// NIO 170: cancel a listener.
  @Test func subscriptionThatNobodyHoldsIsUnsubscribed() async throws {
    let seen = Seen()
    let peer = try ScriptedPeer { _, link in
      link.accept()
      while let packet = link.packet() {
        seen.append("\(packet[0])")
        if packet[0] == 0x82 { link.send([0x90, 4, packet[2], packet[3], 0, 1]) }
        if packet[0] == 0xA2 { link.send([0xB0, 4, packet[2], packet[3], 0, 0]) }
      }
    }
    let client = try await connected(peer.url)
    var messages: Subscription? = try await within { try await client.subscribe(to: "t") }
    #expect(messages != nil)
    messages = nil
    try await eventually { seen.all == ["130", "162"] }
  }

  @Test func unsubscribeEndsTheSequence() async throws {
    let broker = try Mosquitto()
    let client = try await connected(broker.url)
    let messages = try await within { try await client.subscribe(to: "t") }
    let reader = Task { try await messages.first { _ in true } }
    try await within { try await client.unsubscribe(messages) }
    #expect(try await within { try await reader.value } == nil)
  }

  @Test func cancelledReaderGetsTheEnd() async throws {
    let broker = try Mosquitto()
    let client = try await connected(broker.url)
    let messages = try await within { try await client.subscribe(to: "t") }
    let reader = Task { try await messages.first { _ in true } }
    reader.cancel()
    #expect(try await within { try await reader.value } == nil)
    _ = try await within { try await client.publish("x", to: "t") }
    #expect(try await within { try await messages.first { _ in true } }?.text == "x")
  }

  // MARK: Back-pressure

  /// What nobody takes is not acknowledged; pings and answers go on meanwhile.
  @Test func whatIsNotTakenIsNotAcknowledged() async throws {
    let seen = Seen()
    let peer = try ScriptedPeer { _, link in
      link.accept()
      guard let subscribe = link.packet(ofType: 8) else { return }
      link.send([0x90, 4, subscribe[2], subscribe[3], 0, 1])
      for id in 1...4 as ClosedRange<UInt16> {
        link.send(publishPacket("\(id)", qos: 1, id: id, isV5: true))
      }
      while let packet = link.packet() {
        seen.append("\(packet[0])")
        if packet[0] == 0xC0 { link.send([0xD0, 0]) }
        if packet[0] == 0x32 { link.acknowledge(packet) }
      }
    }
    let client = try await connected(peer.url) {
      // Long enough for a machine that has much else to do.
      $0.keepAlive = .seconds(6)
      $0.limits.receiveMaximum = 4
    }
    let messages = try await within { try await client.subscribe(to: "t") }
    try await eventually { client.statistics.unacknowledged == 4 }
    try await eventually { seen.all.contains("192") }
    _ = try await within { try await client.publish("x", to: "other") }
    #expect(!seen.all.contains("64"), "no PUBACK")
    for id in 1...4 {
      #expect(try await within { try await messages.first { _ in true } }?.text == "\(id)")
    }
    try await eventually { seen.all.filter { $0 == "64" }.count == 4 }
    try await eventually { client.statistics.unacknowledged == 0 }
    #expect(client.statistics.connections == 1)
  }

  /// Before 5.0 there is no Receive Maximum: the link itself holds the broker up.
  @Test func brokerBefore5IsHeldUpByTheLink() async throws {
    let broker = try Mosquitto("allow_anonymous true\nmax_inflight_messages 0")
    let client = try await connected(broker.url) {
      $0.version = .only(.v311)
      $0.limits.receiveMaximum = 5
      $0.limits.maximumPacketSize = 1024
    }
    let messages = try await within {
      try await client.subscribe(to: TopicSubscription("t", qos: .atLeastOnce))
    }
    let writer = try await connected(broker.url)
    for number in 0..<400 {
      _ = try await within {
        try await writer.publish("\(number) " + String(repeating: "x", count: 100), to: "t")
      }
    }
    #expect(client.statistics.unacknowledged < 400)
    let got = try await within {
      var got: [String] = []
      for try await message in messages {
        got.append(String(message.text.prefix { $0 != " " }))
        if got.count == 400 { break }
      }
      return got
    }
    #expect(got == (0..<400).map { "\($0)" } && client.statistics.connections == 1)
  }

  /// At QoS 0 the oldest give way, and are counted.
  @Test func slowReaderLosesTheOldestAtMostOnceMessages() async throws {
    let peer = try ScriptedPeer { _, link in
      link.accept()
      guard let subscribe = link.packet(ofType: 8) else { return }
      link.send([0x90, 4, subscribe[2], subscribe[3], 0, 0])
      for number in 0..<20 { link.send(publishPacket("\(number)", qos: 0, isV5: true)) }
      _ = link.awaitEnd()
    }
    let client = try await connected(peer.url)
    let messages = try await within { try await client.subscribe(to: ["t"], buffer: 5) }
    try await eventually { client.statistics.received == 20 }
    #expect(messages.dropped == 15 && client.statistics.receivedDropped == 15)
    #expect(try await within { try await messages.first { _ in true } }?.text == "15")
  }

  // MARK: By hand

  @Test func messageIsAcknowledgedOnlyByHand() async throws {
    let seen = Seen()
    let peer = try ScriptedPeer { _, link in
      link.accept()
      guard let subscribe = link.packet(ofType: 8) else { return }
      link.send([0x90, 4, subscribe[2], subscribe[3], 0, 1])
      for id in 1...3 as ClosedRange<UInt16> {
        link.send(publishPacket("\(id)", qos: 1, id: id, isV5: true))
      }
      while let packet = link.packet() { seen.append("\(packet)") }
    }
    let client = try await connected(peer.url)
    let messages = try await within {
      try await client.subscribe(to: "t", acknowledgement: .manual)
    }
    let all = try await within {
      var all: [Message] = []
      for try await message in messages {
        all.append(message)
        if all.count == 3 { break }
      }
      return all
    }
    #expect(seen.all == [])
    // Out of order: answers go out in order.
    all[1].refuse(.payloadFormatInvalid)
    all[1].acknowledge()
    try await Task.sleep(for: .milliseconds(50))
    #expect(seen.all == [])
    all[0].acknowledge()
    try await eventually { seen.all == ["[64, 2, 0, 1]", "[64, 3, 0, 2, 153]"] }
    #expect(client.statistics.unacknowledged == 1, "the third is deferred")
  }

  // MARK: Questions

  @Test func questionGetsItsAnswer() async throws {
    let broker = try Mosquitto()
    let server = try await connected(broker.url)
    let questions = try await within { try await server.subscribe(to: "double") }
    let work = Task {
      for try await question in questions {
        guard let topic = question.properties.responseTopic else { continue }
        var properties = MessageProperties()
        properties.correlationData = question.properties.correlationData
        try await server.publish(
          question.text + question.text, to: topic, properties: properties)
      }
    }
    let client = try await connected(broker.url)
    try await withThrowingTaskGroup(of: Bool.self) { group in
      for number in 0..<10 {
        group.addTask {
          let answer = try await client.request(Array("\(number)".utf8), to: "double")
          return answer.text == "\(number)\(number)"
        }
      }
      for try await isRight in group { #expect(isRight) }
    }
    work.cancel()
  }

  @Test func questionWithoutAnAnswerTimesOut() async throws {
    let broker = try Mosquitto()
    let client = try await connected(broker.url)
    let error = try await within {
      await failure { () async throws(ClientError) in
        _ = try await client.request([], to: "nobody", timeout: .milliseconds(200))
      }
    }
    #expect(error == .timedOut(nil))
  }

  @Test func invalidFiltersAreRefusedAtOnce() async throws {
    let client = try Client(configuration("mqtt://127.0.0.1:1"))
    for filter in ["", "a/#/b", "a+", "$share/g", "a\u{0}b"] {
      let error = await failure { () async throws(ClientError) in
        _ = try await client.subscribe(to: [TopicSubscription(filter)])
      }
      #expect(error == .invalidFilter(filter))
    }
  }
}
