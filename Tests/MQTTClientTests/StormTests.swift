import CLinux
import MQTTClient
import Synchronization
import Testing

/// Everything at once, over links that break.
@Suite struct StormTests {
  /// Complaint 25, and the sum of the others: over a broker that closes at any moment but keeps the
  /// session, each message at QoS 1 arrives, in order, and each `publish` comes to one end.
  @Test func everyMessageArrivesOverBreakingLinks() async throws {
    let arrived = Seen()
    let peer = try ScriptedPeer { number, link in
      link.accept(sessionPresent: number > 1)
      // Closed after some messages, before or after the last one's acknowledgement.
      for index in 0..<(number % 7 + 1) {
        guard let publish = link.packet(ofType: 3, 500) else { return }
        arrived.append(String(decoding: publish.suffix(4), as: UTF8.self))
        if index < number % 7 || number % 2 == 0 { link.acknowledge(publish) }
      }
    }
    let client = try Client(
      configuration(peer.url) {
        $0.cleanStart = false
        $0.sessionExpiry = .unlimited
        $0.reconnect.minimum = .milliseconds(10)
        $0.reconnect.maximum = .milliseconds(10)
        $0.limits.queueMessages = 20
        $0.limits.overflow = .wait
      })
    client.start()
    let sent = (1000..<1200).map { "\($0)" }
    try await within(.seconds(60)) {
      for text in sent { try await client.publish(text, to: "t", waitFor: .queued) }
    }
    try await eventually(.seconds(60)) { client.statistics.queuedMessages == 0 }
    var seen: Set<String> = []
    #expect(arrived.all.filter { seen.insert($0).inserted } == sent)
    #expect(client.statistics.connections > 20)
  }

  /// Many tasks publish, subscribe, cancel and leave, while the broker is killed and comes back: nobody
  /// hangs, and nothing traps.
  @Test func everyTaskComesToItsEnd() async throws {
    var broker: Mosquitto? = try Mosquitto()
    let port = try #require(broker).port
    let client = try Client(
      configuration("mqtt://127.0.0.1:\(port)", clientID: uniqueName()) {
        $0.limits.queueMessages = 50
        $0.limits.overflow = .wait
      })
    client.start()
    let tasks = (0..<60).map { number in
      Task {
        switch number % 4 {
        case 0: await self.publish(by: client, to: "t/\(number)", .exactlyOnce)
        case 1: await self.read(by: client)
        case 2: await self.cancel(by: client)
        default: await self.publish(by: client, to: "q", .atMostOnce)
        }
      }
    }
    for _ in 0..<3 {
      try await Task.sleep(for: .milliseconds(150))
      broker = nil
      try await Task.sleep(for: .milliseconds(100))
      broker = try Mosquitto(port: port)
    }
    try await Task.sleep(for: .milliseconds(300))
    // Readers whose messages are over are let go by the end.
    try await within(.seconds(60)) { try await client.disconnect(drain: .seconds(20)) }
    for task in tasks { try await within(.seconds(60)) { await task.value } }
    #expect(!client.statistics.isConnected)
  }

  private func publish(by client: Client, to topic: String, _ qos: QoS) async {
    for index in 0..<20 {
      _ = await failure { () async throws(ClientError) in
        try await client.publish("\(index)", to: topic, qos: qos)
      }
      await Task.yield()
    }
  }

  private func read(by client: Client) async {
    for _ in 0..<5 {
      _ = await failure { () async throws(ClientError) in
        let messages = try await client.subscribe(to: "t/#")
        _ = try await messages.makeAsyncIterator().next()
      }
    }
  }

  private func cancel(by client: Client) async {
    for index in 0..<20 {
      let task = Task {
        await failure { () async throws(ClientError) in try await client.publish("x", to: "c") }
      }
      if index % 2 == 0 { task.cancel() }
      _ = await task.value
    }
  }
}
