import Linux
import MQTTClient
import Testing

/// Messages that outlive the program: facts 1, 2, 4, 9, 12 to 15 of poor networks. One test at a time:
/// opening a file holds up a thread that others need.
@Suite(.serialized) struct JournalingTests {
  /// Clean start, the default, discards nothing (fact 1).
  @Test func whatWasPublishedOfflineArrivesAfterTheNextStart() async throws {
    let broker = try Mosquitto()
    let folder = try Folder()
    let reader = try Client(configuration(broker.url, clientID: "reader"))
    _ = try await within { try await reader.connect() }
    let messages = try await within { try await reader.subscribe(to: "t", buffer: 1000) }
    do {
      let first = try await makeClient(configuration("mqtt://127.0.0.1:1"), folder.journal)
      for number in 0..<200 {
        let result = try await within {
          try await first.publish("\(number)", to: "t", waitFor: .queued)
        }
        #expect(result.isQueued && result.isStored)
      }
    }
    let second = try await makeClient(configuration(broker.url), folder.journal)
    _ = try await second.publish("200", to: "t", waitFor: .queued)
    async let got = texts(messages, 202)
    _ = try await within { try await second.connect() }
    _ = try await within { try await second.publish("201", to: "t") }
    #expect(try await got == (0..<202).map { "\($0)" })
    #expect(second.statistics.journal?.recovered == 200)
    try await eventually { second.statistics.journal?.messages == 0 }
  }

  @Test func whatTheBrokerHasDoesNotComeAgain() async throws {
    let broker = try Mosquitto()
    let folder = try Folder()
    for _ in 0..<3 {
      let client = try await makeClient(configuration(broker.url), folder.journal)
      _ = try await within { try await client.connect() }
      #expect(client.statistics.journal?.recovered == 0)
      for qos in [QoS.atLeastOnce, .exactlyOnce] {
        for number in 0..<20 {
          _ = try await within { try await client.publish("\(number)", to: "t", qos: qos) }
        }
      }
      try await within { try await client.disconnect() }
    }
  }

  /// Fact 2; and it begins anew, as a message that was never sent.
  @Test func onlyItsAcknowledgementEndsAMessage() async throws {
    let folder = try Folder()
    let seen = Seen()
    for run in 0..<3 {
      let peer = try ScriptedPeer { _, link in
        link.accept()
        while let publish = link.packet(ofType: 3) {
          seen.append("\(publish[0]) \(payload(publish))")
          if run == 2 { link.acknowledge(publish) }
        }
      }
      let client = try await makeClient(configuration(peer.url), folder.journal)
      if run == 0 { _ = try await client.publish("x", to: "t", waitFor: .queued) }
      client.start()
      try await eventually { seen.all.count == run + 1 }
      if run == 2 { try await eventually { client.statistics.journal?.messages == 0 } }
    }
    #expect(seen.all == ["50 x", "50 x", "50 x"], "without DUP: each session is new")
  }

  // MARK: Caps (fact 9)

  @Test func fullJournalRefuses() async throws {
    let folder = try Folder()
    var journal = folder.journal
    journal.maximumMessages = 3
    let client = try await makeClient(configuration("mqtt://127.0.0.1:1"), journal)
    for _ in 0..<3 { _ = try await client.publish("x", to: "t", waitFor: .queued) }
    let error = await failure { () async throws(ClientError) in
      try await client.publish("x", to: "t", waitFor: .queued)
    }
    #expect(error == .queueFull)
  }

  @Test func fullJournalDropsTheOldestAndCountsIt() async throws {
    let folder = try Folder()
    var journal = folder.journal
    journal.maximumMessages = 3
    journal.whenFull = .dropOldest
    do {
      let client = try await makeClient(configuration("mqtt://127.0.0.1:1"), journal)
      let events = client.events
      for number in 0..<5 {
        _ = try await client.publish("\(number)", to: "t", waitFor: .queued)
      }
      try await wait(for: events) { $0 == .dropped(.dropped) }
      try await eventually { client.statistics.journal?.displaced == 2 }
    }
    try await expectLeft(["2", "3", "4"], in: journal)
  }

  @Test(arguments: [JournalConfiguration.Policy.refuse, .dropOldest])
  func ringThatIsFullOfBytesGoesOn(policy: JournalConfiguration.Policy) async throws {
    let folder = try Folder()
    var journal = folder.journal
    journal.maximumBytes = 64 << 10
    journal.whenFull = policy
    var last = -1
    do {
      let client = try await makeClient(configuration("mqtt://127.0.0.1:1"), journal)
      for number in 0..<400 {
        let text = "\(number)" + String(repeating: "x", count: 1_000)
        let error = try await within {
          await failure { () async throws(ClientError) in
            try await client.publish(text, to: "t", waitFor: .queued)
          }
        }
        if error == nil { last = number }
        #expect(error == nil || (error == .queueFull && policy == .refuse))
      }
      let statistics = try #require(client.statistics.journal)
      #expect(statistics.messages > 35 && statistics.messages < 60)
      #expect(policy == .refuse ? last < 60 : last == 399)
    }
    // Those that are left are the oldest, or the newest, and all of them.
    let second = try await makeClient(configuration("mqtt://127.0.0.1:1"), journal)
    try await eventually { second.statistics.journal != nil }
    let left = try #require(second.statistics.journal).messages
    #expect(left > 35)
  }

  @Test func messageThatNeverFitsIsRefusedClearly() async throws {
    let folder = try Folder()
    var journal = folder.journal
    journal.maximumBytes = 64 << 10
    let client = try await makeClient(configuration("mqtt://127.0.0.1:1"), journal)
    let error = await failure { () async throws(ClientError) in
      try await client.publish([UInt8](repeating: 0, count: 20_000), to: "t", waitFor: .queued)
    }
    #expect(error == .tooLargeForJournal(maximum: 13_104))
    let atMost = [UInt8](repeating: 0, count: 13_104 - 9)
    _ = try await within { try await client.publish(atMost, to: "t", waitFor: .queued) }
  }

  // MARK: What is given up

  /// Fact 13: only where it is asked for, and it is told and counted.
  @Test func expiredMessagesAreDroppedWhileTheyWait() async throws {
    let folder = try Folder()
    let client = try await makeClient(configuration("mqtt://127.0.0.1:1"), folder.journal)
    let events = client.events
    _ = try await client.publish("kept", to: "t", waitFor: .queued)
    _ = try await client.publish("a", to: "t", expiry: .milliseconds(30), waitFor: .queued)
    let error = try await within {
      await failure { () async throws(ClientError) in
        try await client.publish("b", to: "t", expiry: .milliseconds(60))
      }
    }
    #expect(error == .expired)
    try await wait(for: events) { $0 == .dropped(.expired) }
    try await eventually { client.statistics.journal?.expired == 2 }
    #expect(client.statistics.journal?.messages == 1)
  }

  @Test func expiryGoesOnOverARestart() async throws {
    let folder = try Folder()
    do {
      let client = try await makeClient(configuration("mqtt://127.0.0.1:1"), folder.journal)
      _ = try await client.publish("a", to: "t", expiry: .milliseconds(300), waitFor: .queued)
      _ = try await client.publish("b", to: "t", expiry: .seconds(100), waitFor: .queued)
    }
    try await Task.sleep(for: .milliseconds(400))
    let seen = Seen()
    let peer = try ScriptedPeer { _, link in
      link.accept()
      while let publish = link.packet(ofType: 3) {
        // Five bytes of properties: 2 and the seconds.
        seen.append("\(publish[7]) \(publish[8]) \(publish[12])")
        link.acknowledge(publish)
      }
    }
    let second = try await makeClient(configuration(peer.url), folder.journal)
    second.start()
    try await eventually { second.statistics.journal?.messages == 0 }
    #expect(second.statistics.journal?.expired == 1)
    // Less what the test itself has taken.
    #expect(seen.all.count == 1 && (60...100).contains { seen.all == ["5 2 \($0)"] })
  }

  /// Fact 14, after a CONNACK that says less than the one before.
  @Test func messageTooLargeForTheBrokerIsDroppedAndNotTriedAgain() async throws {
    let folder = try Folder()
    let seen = Seen()
    let peer = try ScriptedPeer { _, link in
      link.accept(properties: [0x27, 0, 0, 0, 64])
      while let publish = link.packet(ofType: 3) {
        seen.append(payload(publish))
        link.acknowledge(publish)
      }
    }
    let client = try await makeClient(configuration(peer.url), folder.journal)
    let events = client.events
    _ = try await client.publish(
      [UInt8](repeating: 65, count: 100), to: "t", waitFor: .queued)
    _ = try await client.publish("small", to: "t", waitFor: .queued)
    client.start()
    try await wait(for: events) { $0 == .dropped(.packetTooLarge) }
    try await eventually { client.statistics.journal?.messages == 0 }
    #expect(seen.all == ["small"])
    #expect(client.statistics.journal?.unsendable == 1)
  }

  /// Fact 14: a broker that closes whenever it sees one message gets all the others.
  @Test func poisonIsGivenUpAndNothingElse() async throws {
    let folder = try Folder()
    let arrived = Seen()
    let peer = try ScriptedPeer { _, link in
      link.accept()
      while let publish = link.packet(ofType: 3) {
        if payload(publish) == "5" { return }
        arrived.append(payload(publish))
        link.acknowledge(publish)
      }
    }
    let client = try await makeClient(
      configuration(peer.url) { $0.reconnect.maximum = .milliseconds(20) }, folder.journal)
    let events = client.events
    for number in 0..<20 { _ = try await client.publish("\(number)", to: "t", waitFor: .queued) }
    client.start()
    try await wait(for: events) { $0 == .dropped(.poisonous) }
    try await eventually { client.statistics.journal?.messages == 0 }
    var once: Set<String> = []
    let inOrder = arrived.all.filter { once.insert($0).inserted }
    #expect(inOrder == (0..<20).filter { $0 != 5 }.map { "\($0)" })
    #expect(client.statistics.journal?.poisonous == 1)
    // Three with it, a first one in which more were under way, and the last.
    #expect(peer.connections <= 5)
  }

  /// A broker that goes three times for reasons of its own takes no message with it.
  @Test func brokerThatRestartsIsNoPoison() async throws {
    let folder = try Folder()
    let peer = try ScriptedPeer { number, link in
      link.accept()
      guard let publish = link.packet(ofType: 3) else { return }
      // Server shutting down.
      guard number > 5 else { return link.send([0xE0, 1, 0x8B]) }
      link.acknowledge(publish)
      _ = link.awaitEnd()
    }
    let client = try await makeClient(configuration(peer.url), folder.journal)
    client.start()
    _ = try await within { try await client.publish("x", to: "t") }
    #expect(client.statistics.journal?.poisonous == 0)
  }

  @Test func cancelledPublishLeavesNothing() async throws {
    let folder = try Folder()
    let client = try await makeClient(configuration("mqtt://127.0.0.1:1"), folder.journal)
    let task = Task {
      await failure { () async throws(ClientError) in try await client.publish("x", to: "t") }
    }
    try await eventually { client.statistics.journal?.messages == 1 }
    task.cancel()
    #expect(try await within { await task.value } == .cancelled)
    try await eventually { client.statistics.journal?.messages == 0 }
  }

  // MARK: Helpers

  /// What a journal holds, as a broker gets it.
  func expectLeft(_ wanted: [String], in journal: JournalConfiguration) async throws {
    let seen = Seen()
    let peer = try ScriptedPeer { _, link in
      link.accept()
      while let publish = link.packet(ofType: 3) {
        seen.append(payload(publish))
        link.acknowledge(publish)
      }
    }
    let last = try await makeClient(configuration(peer.url), journal)
    last.start()
    try await eventually { seen.all.count >= wanted.count }
    try await within { try await last.disconnect() }
    #expect(seen.all == wanted)
  }

  func read(_ path: String) throws -> String {
    let memory = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 1 << 20)
    defer { memory.deallocate() }
    var out = OutputSpan(buffer: memory, initializedCount: 0)
    try File.read(Array(path.utf8).span, into: &out)
    let count = out.finalize(for: memory)
    return String(decoding: memory[..<count], as: UTF8.self)
  }
}
