import CLinux
import MQTTClient
import Testing

/// Messages of ours, over connections that come and go.
@Suite struct PublishingTests {
  @Test(arguments: [QoS.atMostOnce, .atLeastOnce, .exactlyOnce])
  func publishReturnsWhenTheBrokerHasTheMessage(qos: QoS) async throws {
    let broker = try Mosquitto()
    let client = try Client(configuration(broker.url))
    _ = try await within { try await client.connect() }
    let result = try await within { try await client.publish("x", to: "t", qos: qos) }
    #expect(!result.isQueued)
    // Nobody is subscribed, which 5.0 says (Mosquitto at QoS 1 alone).
    #expect(result.reasonCode == (qos == .atLeastOnce ? 0x10 : 0))
    #expect(client.statistics.published == 1)
  }

  /// Complaints 21, 22 and 28: queued offline, in order, none lost.
  @Test func queuedOfflineIsSentInOrder() async throws {
    let broker = try Mosquitto()
    let reader = try Client(configuration(broker.url, clientID: "reader"))
    _ = try await within { try await reader.connect() }
    let messages = try await within { try await reader.subscribe(to: "t") }
    let client = try Client(configuration(broker.url))
    for number in 0..<50 {
      let result = try await within {
        try await client.publish("\(number)", to: "t", waitFor: .queued)
      }
      #expect(result.isQueued)
    }
    _ = try await within { try await client.connect() }
    let got = try await within {
      var got: [String] = []
      for try await message in messages {
        got.append(message.text)
        if got.count == 50 { break }
      }
      return got
    }
    #expect(got == (0..<50).map { "\($0)" })
  }

  /// Complaint 27.
  @Test func atMostOnceIsNotQueuedOffline() async throws {
    let client = try Client(configuration("mqtt://127.0.0.1:1"))
    let error = await failure { () async throws(ClientError) in
      try await client.publish("x", to: "t", qos: .atMostOnce)
    }
    #expect(error == .notConnected)
  }

  /// Complaints 17, 24 and 26: the outcome is told once, over any number of connections.
  @Test func unansweredMessageIsSentOverTheNextConnection() async throws {
    let seen = Seen()
    let peer = try ScriptedPeer { number, link in
      link.accept(sessionPresent: number > 1)
      guard let publish = link.packet(ofType: 3) else { return }
      seen.append("\(publish[0])")
      guard number == 3 else { return }
      link.acknowledge(publish)
      _ = link.awaitEnd()
    }
    let client = try Client(
      configuration(peer.url) {
        $0.cleanStart = false
        $0.sessionExpiry = .unlimited
      })
    client.start()
    _ = try await within { try await client.publish("x", to: "t") }
    #expect(seen.all == ["50", "58", "58"], "with DUP when it is repeated")
    #expect(client.statistics.published == 1 && client.statistics.resent == 2)
  }

  @Test func refusalIsKeptWithItsReason() async throws {
    let peer = try ScriptedPeer { _, link in
      link.accept()
      guard let publish = link.packet(ofType: 3) else { return }
      let id = packetID(publish)
      link.send(
        [0x40, 11, UInt8(id >> 8), UInt8(id & 0xFF), 0x97, 7, 0x1F, 0, 4] + Array("full".utf8))
      _ = link.awaitEnd()
    }
    let client = try Client(configuration(peer.url))
    _ = try await within { try await client.connect() }
    let error = try await within {
      await failure { () async throws(ClientError) in try await client.publish("x", to: "t") }
    }
    #expect(error == .refused(ClientError.Refusal(code: 0x97, reasonString: "full")))
  }

  /// At QoS 2 it is PUBREC that has something to say.
  @Test func wordsOfPublishReceivedAreKept() async throws {
    let peer = try ScriptedPeer { _, link in
      link.accept()
      guard let publish = link.packet(ofType: 3) else { return }
      let id = packetID(publish)
      let bytes = [UInt8(id >> 8), UInt8(id & 0xFF)]
      link.send([0x50, 10] + bytes + [0x10, 6, 0x1F, 0, 3] + Array("why".utf8))
      guard link.packet(ofType: 6) != nil else { return }
      link.send([0x70, 2] + bytes)
      _ = link.awaitEnd()
    }
    let client = try Client(configuration(peer.url))
    _ = try await within { try await client.connect() }
    let result = try await within {
      try await client.publish("x", to: "t", qos: .exactlyOnce)
    }
    #expect(result.reasonCode == 0x10 && result.reasonString == "why")
  }

  // MARK: A full queue (complaints 23 and 29)

  @Test func fullQueueRefuses() async throws {
    let client = try Client(
      configuration("mqtt://127.0.0.1:1") { $0.limits.queueMessages = 2 })
    for _ in 0..<2 { _ = try await client.publish("x", to: "t", waitFor: .queued) }
    let error = await failure { () async throws(ClientError) in
      try await client.publish("x", to: "t", waitFor: .queued)
    }
    #expect(error == .queueFull)
  }

  @Test func fullQueueDropsTheOldestAndTellsIt() async throws {
    let client = try Client(
      configuration("mqtt://127.0.0.1:1") {
        $0.limits.queueMessages = 2
        $0.limits.overflow = .dropOldest
      })
    let events = client.events
    let first = Task {
      await failure { () async throws(ClientError) in try await client.publish("x", to: "t") }
    }
    try await eventually { client.statistics.queuedMessages == 1 }
    for _ in 0..<3 { _ = try await client.publish("x", to: "t", waitFor: .queued) }
    #expect(try await within { await first.value } == .dropped)
    try await wait(for: events) { $0 == .dropped(.dropped) }
    #expect(client.statistics.dropped == 2 && client.statistics.queuedMessages == 2)
  }

  @Test func fullQueueLetsPublishersWait() async throws {
    let broker = try Mosquitto()
    let client = try Client(
      configuration(broker.url) {
        $0.limits.queueMessages = 2
        $0.limits.overflow = .wait
      })
    let tasks = (0..<20).map { number in
      Task { try await client.publish("\(number)", to: "t", waitFor: .queued) }
    }
    try await eventually { client.statistics.queuedMessages == 2 }
    _ = try await within { try await client.connect() }
    for task in tasks { _ = try await within { try await task.value } }
    try await eventually { client.statistics.published == 20 }
  }

  @Test func cancelledPublishTakesBackWhatWasNotSent() async throws {
    let client = try Client(configuration("mqtt://127.0.0.1:1"))
    let task = Task {
      await failure { () async throws(ClientError) in try await client.publish("x", to: "t") }
    }
    try await eventually { client.statistics.queuedMessages == 1 }
    task.cancel()
    #expect(try await within { await task.value } == .cancelled)
    try await eventually { client.statistics.queuedMessages == 0 }
  }

  @Test func expiredMessageIsToldToWhoWaits() async throws {
    let client = try Client(configuration("mqtt://127.0.0.1:1"))
    let error = try await within {
      await failure { () async throws(ClientError) in
        try await client.publish("x", to: "t", expiry: .milliseconds(50))
      }
    }
    #expect(error == .expired)
  }

  @Test func whatTheBrokerForbidsFailsBeforeItIsSent() async throws {
    let seen = Seen()
    let peer = try ScriptedPeer { _, link in
      // Maximum QoS 1, no retained messages, packets of 64 bytes.
      link.accept(properties: [0x24, 1, 0x25, 0, 0x27, 0, 0, 0, 64])
      while let packet = link.packet() { seen.append("\(packet[0])") }
    }
    let client = try Client(configuration(peer.url))
    let info = try await within { try await client.connect() }
    #expect(
      info.maximumQoS == .atLeastOnce && !info.retainAvailable && info.maximumPacketSize == 64)
    #expect(
      await failure { () async throws(ClientError) in
        try await client.publish("x", to: "t", qos: .exactlyOnce)
      } == .qosNotSupported)
    #expect(
      await failure { () async throws(ClientError) in
        try await client.publish("x", to: "t", retain: true)
      } == .retainNotSupported)
    #expect(
      await failure { () async throws(ClientError) in
        try await client.publish([UInt8](repeating: 0, count: 100), to: "t")
      } == .packetTooLarge)
    #expect(
      await failure { () async throws(ClientError) in try await client.publish("x", to: "a/#") }
        == .invalidTopic("a/#"))
    #expect(seen.all == [])
  }

  /// Complaint 42: the birth goes before the backlog, at each connection.
  @Test func birthGoesFirstAtEachConnection() async throws {
    let seen = Seen()
    let peer = try ScriptedPeer { number, link in
      link.accept()
      for _ in 0..<2 {
        guard let publish = link.packet(ofType: 3) else { return }
        seen.append(String(decoding: publish.suffix(1), as: UTF8.self))
      }
      if number == 2 { _ = link.awaitEnd() }
    }
    let client = try Client(
      configuration(peer.url) { $0.birth = Birth(topic: "status", payload: Array("B".utf8)) })
    _ = try await client.publish("x", to: "t", waitFor: .queued)
    let events = client.events
    client.start()
    try await wait(for: events) { $0 == .birthPublished }
    try await wait(for: events) { $0 == .birthPublished }
    try await eventually { seen.all.count == 4 }
    #expect(seen.all.first == "B" && seen.all[2] == "B")
    #expect(seen.all.filter { $0 == "x" }.count >= 1)
  }

  /// Complaint 19: a large message over a slow link makes progress, and that counts.
  @Test func largeMessageOverASlowLinkArrives() async throws {
    let peer = try ScriptedPeer { _, link in
      link.accept()
      guard let publish = link.packet(ofType: 3, 15_000) else { return }
      // Packet identifier behind a two-byte length and "t".
      let id = publish.firstIndex(of: UInt8(ascii: "t")).map { Array(publish[($0 + 1)...($0 + 2)]) }
      link.send([0x40, 2] + (id ?? []))
      _ = link.awaitEnd()
    }
    let client = try Client(
      configuration(peer.url) {
        $0.limits.maximumPacketSize = 8 << 20; $0.limits.queueBytes = 8 << 20
      }
    )
    _ = try await within { try await client.connect() }
    _ = try await within {
      try await client.publish([UInt8](repeating: 7, count: 6 << 20), to: "t")
    }
  }
}
