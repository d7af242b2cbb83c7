import CLinux
import Dialing
import MQTTClient
import Synchronization
import Testing

/// How a client connects, and what it makes of brokers that do not let it.
@Suite struct ConnectingTests {
  @Test func connectReturnsWhenTheBrokerHasAccepted() async throws {
    let broker = try Mosquitto()
    let client = try Client(configuration(broker.url))
    let info = try await within { try await client.connect() }
    #expect(info.version == .v5 && !info.sessionPresent)
    #expect(client.statistics.connections == 1)
    try await within { try await client.disconnect() }
  }

  @Test func connectWhileConnectedReturnsAtOnce() async throws {
    let broker = try Mosquitto()
    let client = try Client(configuration(broker.url))
    let first = try await within { try await client.connect() }
    let second = try await within { try await client.connect() }
    #expect(first == second && client.statistics.connections == 1)
  }

  /// Complaint 15: connect never returns.
  @Test func blackHoleBeforeConnectAckTimesOut() async throws {
    let peer = try ScriptedPeer { _, link in _ = link.awaitEnd() }
    let client = try Client(
      configuration(peer.url) { $0.timeouts.reply = .milliseconds(50) })
    let error = try await within {
      await failure { () async throws(ClientError) in
        try await client.connect(timeout: .milliseconds(400))
      }
    }
    #expect(error == .timedOut(.session(.connectTimedOut)))
    #expect(peer.connections > 1, "it has tried again")
  }

  @Test func nobodyListeningIsToldAsSuch() async throws {
    let port = try { try ScriptedPeer { _, _ in }.port }()
    let client = try Client(configuration("mqtt://127.0.0.1:\(port)"))
    let error = try await within {
      await failure { () async throws(ClientError) in
        try await client.connect(timeout: .milliseconds(300))
      }
    }
    #expect(error == .timedOut(.transport(.connectFailed(code: ECONNREFUSED))))
  }

  /// Complaint 1: a stop rule for refusals that will not pass by themselves.
  @Test func permanentRefusalEndsConnect() async throws {
    let peer = try ScriptedPeer { _, link in
      _ = link.packet()
      // 0x86 with a reason string.
      link.send([0x20, 8, 0, 0x86, 5, 0x1F, 0, 2] + Array("no".utf8))
      _ = link.awaitEnd()
    }
    let client = try Client(configuration(peer.url))
    let error = try await within {
      await failure { () async throws(ClientError) in try await client.connect() }
    }
    guard case .connectionRefused(.refused(let word))? = error else {
      Issue.record("\(String(describing: error))")
      return
    }
    #expect(word.code == 0x86 && word.reasonString == "no" && word.isPermanent)
    try await Task.sleep(for: .milliseconds(300))
    #expect(peer.connections == 1, "nothing goes on behind it")
  }

  @Test func startGoesOnAfterARefusal() async throws {
    let peer = try ScriptedPeer { number, link in
      guard number > 1 else {
        _ = link.packet()
        link.send([0x20, 3, 0, 0x87, 0])
        _ = link.awaitEnd()
        return
      }
      link.accept()
      _ = link.awaitEnd()
    }
    let client = try Client(configuration(peer.url))
    let events = client.events
    client.start()
    try await wait(for: events) { if case .connected = $0 { true } else { false } }
    #expect(client.statistics.failedAttempts == 1)
  }

  /// Complaints 3 and 11: a broker that accepts and closes gets no storm.
  @Test func acceptThenCloseGetsGrowingWaits() async throws {
    let peer = try ScriptedPeer { _, link in link.accept() }
    let client = try Client(
      configuration(peer.url) {
        $0.reconnect.minimum = .milliseconds(40)
        $0.reconnect.maximum = .milliseconds(640)
      })
    let events = client.events
    client.start()
    let waits = try await within {
      var waits: [Duration] = []
      for await event in events {
        if case .retrying(let wait, _) = event { waits.append(wait) }
        if waits.count == 7 { break }
      }
      return waits
    }
    #expect(waits == [40, 80, 160, 320, 640, 640, 640].map { .milliseconds($0) })
  }

  /// Complaint 2: two clients of one name; both notice, and the waits grow.
  @Test func secondClientOfTheSameNameIsSuspected() async throws {
    let broker = try Mosquitto()
    let name = uniqueName()
    let first = try Client(configuration(broker.url, clientID: name))
    let events = first.events
    first.start()
    try await wait(for: events) { if case .connected = $0 { true } else { false } }
    let second = try Client(configuration(broker.url, clientID: name))
    second.start()
    try await wait(for: events) { if case .takeoverSuspected = $0 { true } else { false } }
    second.abort()
  }

  @Test(arguments: [
    [0x00, 0x00], [0x20, 0xFF, 0xFF, 0xFF, 0xFF, 0x7F], [0x48, 0x54, 0x54, 0x50],
  ])
  func garbageForConnectAckIsAFault(bytes: [UInt8]) async throws {
    let peer = try ScriptedPeer { _, link in
      _ = link.packet()
      link.send(bytes)
      _ = link.awaitEnd()
    }
    let client = try Client(configuration(peer.url))
    let events = client.events
    client.start()
    let reason = try await event(events) { event -> LossReason? in
      if case .attemptFailed(let reason) = event { reason } else { nil }
    }
    guard case .session = reason else {
      Issue.record("\(reason)")
      return
    }
  }

  /// Complaints 12 to 14: a link that is dead, and no event.
  @Test func blackHoleAfterConnectAckIsNoticed() async throws {
    let peer = try ScriptedPeer { number, link in
      link.accept()
      if number == 1 { usleep(10_000_000) }
    }
    let client = try Client(configuration(peer.url) { $0.keepAlive = .seconds(1) })
    let events = client.events
    client.start()
    try await wait(for: events) { $0 == .lost(.session(.pingTimedOut)) }
  }

  /// Complaints 4 and 9: the broker closes, and the client is back by itself.
  @Test func closingByTheBrokerLeadsToAnotherConnection() async throws {
    let peer = try ScriptedPeer { number, link in
      link.accept()
      if number > 1 { _ = link.awaitEnd() }
    }
    let client = try Client(configuration(peer.url))
    let events = client.events
    client.start()
    try await wait(for: events) { $0 == .lost(.transport(.closedByPeer)) }
    try await wait(for: events) { if case .connected = $0 { true } else { false } }
  }

  @Test func reasonOfDisconnectIsKept() async throws {
    let peer = try ScriptedPeer { number, link in
      link.accept()
      if number == 1 { link.send([0xE0, 7, 0x8B, 5, 0x1F, 0, 2] + Array("by".utf8)) }
      _ = link.awaitEnd()
    }
    let client = try Client(configuration(peer.url))
    let events = client.events
    client.start()
    let reason = try await event(events) { event -> LossReason? in
      if case .lost(let reason) = event { reason } else { nil }
    }
    guard case .disconnected(let word) = reason else {
      Issue.record("\(reason)")
      return
    }
    #expect(word.code == 0x8B && word.reasonString == "by")
  }

  @Test func brokerWithout5IsSpokenToIn311() async throws {
    let peer = try ScriptedPeer { _, link in
      guard let connect = link.packet() else { return }
      link.send([0x20, 2, 0, connect[8] == 5 ? 1 : 0])
      _ = link.awaitEnd()
    }
    let client = try Client(configuration(peer.url))
    let info = try await within { try await client.connect() }
    #expect(info.version == .v311)
  }

  @Test func referenceToAnotherServerIsFollowed() async throws {
    let other = try ScriptedPeer { _, link in
      link.accept()
      _ = link.awaitEnd()
    }
    let name = "127.0.0.1:\(other.port)"
    let peer = try ScriptedPeer { _, link in
      _ = link.packet()
      let property = [0x1C, 0, UInt8(name.utf8.count)] + Array(name.utf8)
      link.send([0x20, UInt8(3 + property.count), 0, 0x9C, UInt8(property.count)] + property)
      _ = link.awaitEnd()
    }
    let client = try Client(configuration(peer.url))
    let events = client.events
    _ = try await within { try await client.connect() }
    try await wait(for: events) { $0 == .followingReference(name) }
    #expect(peer.connections == 1 && other.connections == 1)
  }

  /// Complaint 7: what was asked for counts.
  @Test func disconnectIsForGoodAndConnectComesBack() async throws {
    let peer = try ScriptedPeer { _, link in
      link.accept()
      _ = link.awaitEnd()
    }
    let client = try Client(configuration(peer.url))
    for round in 1...3 {
      _ = try await within { try await client.connect() }
      try await within { try await client.disconnect() }
      #expect(peer.connections == round)
    }
    try await Task.sleep(for: .milliseconds(200))
    #expect(peer.connections == 3 && !client.statistics.isConnected)
  }

  @Test func cancelledConnectLeavesNothingBehind() async throws {
    let peer = try ScriptedPeer { _, link in _ = link.awaitEnd() }
    let client = try Client(configuration(peer.url))
    let events = client.events
    let task = Task {
      await failure { () async throws(ClientError) in try await client.connect() }
    }
    try await wait(for: events) { if case .attempting = $0 { true } else { false } }
    task.cancel()
    #expect(await task.value == .cancelled)
    try await wait(for: events) { $0 == .stopped }
  }

  @Test func taskThatWasCancelledBeforeGetsThatAtOnce() async throws {
    let client = try Client(configuration("mqtt://127.0.0.1:1"))
    let task = Task {
      while !Task.isCancelled { await Task.yield() }
      return await failure { () async throws(ClientError) in try await client.connect() }
    }
    task.cancel()
    #expect(try await within { await task.value } == .cancelled)
  }
}
