import CLinux
import MQTTClient
import Testing

/// Complaints 40 to 43: how a client leaves, and what the broker makes of the will.
@Suite struct LeavingTests {
  /// A peer that notes the packets behind CONNECT, and the end.
  private func peer(_ seen: Seen, isV5: Bool = true) throws -> ScriptedPeer {
    try ScriptedPeer { _, link in
      link.accept()
      while let packet = link.packet() { seen.append("\(packet)") }
      seen.append(link.isEnded ? "end" : "open")
    }
  }

  @Test func disconnectIsFlushed() async throws {
    let seen = Seen()
    let peer = try peer(seen)
    let client = try Client(configuration(peer.url))
    _ = try await within { try await client.connect() }
    try await within { try await client.disconnect() }
    try await eventually { seen.all.last == "end" }
    #expect(seen.all == ["[224, 0]", "end"])
  }

  /// An application that forgets to disconnect, or dies: the will is published.
  @Test func droppedClientLeavesWithoutAWord() async throws {
    let seen = Seen()
    let peer = try peer(seen)
    do {
      let client = try Client(configuration(peer.url))
      _ = try await within { try await client.connect() }
    }
    try await eventually { seen.all.last == "end" }
    #expect(seen.all == ["end"])
  }

  @Test func withClientLeavesInOrder() async throws {
    let seen = Seen()
    let peer = try peer(seen)
    let result = try await withClient(configuration(peer.url)) { _ in 42 }
    #expect(result == 42)
    try await eventually { seen.all.last == "end" }
    #expect(seen.all == ["[224, 0]", "end"])
  }

  /// An error in the application never suppresses the will silently.
  @Test(arguments: [Version.v5, .v311])
  func withClientLeavesTheWillWhenItsBodyThrows(version: Version) async throws {
    let seen = Seen()
    let peer = try peer(seen)
    await #expect(throws: TooLate.self) {
      try await withClient(configuration(peer.url) { $0.version = .only(version) }) { _ in
        throw TooLate()
      }
    }
    try await eventually { seen.all.last == "end" }
    #expect(seen.all == (version == .v5 ? ["[224, 1, 4]", "end"] : ["end"]))
  }

  @Test func withClientLeavesTheWillWhenItsTaskIsCancelled() async throws {
    let seen = Seen()
    let peer = try peer(seen)
    let task = Task {
      try await withClient(configuration(peer.url)) { _ in
        try await Task.sleep(for: .seconds(3600))
      }
    }
    try await eventually { peer.connections == 1 }
    try await Task.sleep(for: .milliseconds(50))
    task.cancel()
    _ = await task.result
    try await eventually { seen.all.last == "end" }
    #expect(seen.all == ["[224, 1, 4]", "end"] || seen.all == ["end"])
  }

  /// The real broker publishes the will of a client that throws, and not of one that leaves.
  @Test func brokerPublishesTheWillOfAnError() async throws {
    let broker = try Mosquitto()
    let watcher = try Client(configuration(broker.url, clientID: uniqueName()))
    _ = try await within { try await watcher.connect() }
    let wills = try await within { try await watcher.subscribe(to: "status/#") }
    for throwing in [false, true] {
      _ = try? await withClient(
        configuration(broker.url, clientID: uniqueName()) {
          $0.will = Will(topic: "status/x", payload: Array("lost \(throwing)".utf8), retain: false)
        }
      ) { _ in if throwing { throw TooLate() } }
    }
    let first = try await within { try await wills.first { _ in true } }
    #expect(first?.text == "lost true")
  }

  @Test func disconnectDrainsWhatWasPublished() async throws {
    let peer = try ScriptedPeer { _, link in
      link.accept()
      guard let publish = link.packet(ofType: 3) else { return }
      usleep(100_000)
      link.acknowledge(publish)
      _ = link.awaitEnd()
    }
    let client = try Client(configuration(peer.url))
    _ = try await within { try await client.connect() }
    let published = Task { try await client.publish("x", to: "t") }
    try await eventually { client.statistics.queuedMessages == 1 }
    try await within { try await client.disconnect(drain: .seconds(5)) }
    _ = try await within { try await published.value }
    #expect(client.statistics.published == 1)
  }

  /// Complaint 18: nobody waits for ever when the connection ends.
  @Test func everyoneWhoWaitsIsTold() async throws {
    let peer = try ScriptedPeer { _, link in
      link.accept()
      _ = link.awaitEnd()
    }
    let client = try Client(configuration(peer.url))
    _ = try await within { try await client.connect() }
    let publish = Task {
      await failure { () async throws(ClientError) in try await client.publish("x", to: "t") }
    }
    let subscribe = Task {
      await failure { () async throws(ClientError) in _ = try await client.subscribe(to: "t") }
    }
    try await eventually { client.statistics.queuedMessages == 1 }
    try await within { try await client.disconnect(drain: .zero) }
    #expect(try await within { await publish.value } == .disconnected)
    #expect(try await within { await subscribe.value } == .disconnected)
    #expect(client.statistics.queuedMessages == 1, "it is sent after the next connect")
  }

  /// A refusal that ends `connect` leaves nobody waiting for a connection that is not wanted.
  @Test func refusedConnectLeavesNobodyWaiting() async throws {
    let peer = try ScriptedPeer { _, link in
      _ = link.packet()
      link.send([0x20, 3, 0, 0x87, 0])
      _ = link.awaitEnd()
    }
    let client = try Client(configuration(peer.url))
    let events = client.events
    let publish = Task {
      await failure { () async throws(ClientError) in try await client.publish("x", to: "t") }
    }
    try await eventually { client.statistics.queuedMessages == 1 }
    let connect = try await within {
      await failure { () async throws(ClientError) in try await client.connect() }
    }
    guard case .connectionRefused? = connect else {
      Issue.record("\(String(describing: connect))")
      return
    }
    #expect(try await within { await publish.value } == .disconnected)
    try await wait(for: events) { $0 == .stopped }
  }

  /// The peer's garbage is answered by a last DISCONNECT, which is on its way when the owner leaves, too.
  @Test func disconnectComesToItsEndInEveryState() async throws {
    let peer = try ScriptedPeer { number, link in
      link.accept()
      if number % 2 == 0 { link.send([0x00, 0x00]) }
      if number % 3 != 0 { _ = link.awaitEnd(100) }
    }
    let client = try Client(configuration(peer.url))
    for round in 0..<40 {
      client.start()
      try await Task.sleep(for: .milliseconds(round % 8 * 5))
      try await within { try await client.disconnect(drain: .milliseconds(10)) }
      #expect(!client.statistics.isConnected)
    }
  }

  @Test func streamsEndWithTheClient() async throws {
    var client: Client? = try Client(configuration("mqtt://127.0.0.1:1"))
    let events = try #require(client).events
    client = nil
    let count = try await within {
      var count = 0
      for await _ in events { count += 1 }
      return count
    }
    #expect(count <= 1)
  }
}
