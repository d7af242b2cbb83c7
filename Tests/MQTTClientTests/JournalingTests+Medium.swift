import Glibc
import Linux
import MQTTClient
import Testing

/// The medium: who has it, and what happens while it fails.
extension JournalingTests {
  @Test func oneClientAtATimeHasAJournal() async throws {
    let folder = try Folder()
    let first = try await makeClient(configuration("mqtt://127.0.0.1:1"), folder.journal)
    #expect(throws: ConfigurationError.journal(.inUse)) {
      _ = try Client(configuration("mqtt://127.0.0.1:1"), journal: folder.journal)
    }
    first.abort()
  }

  /// Fact 12: it never refuses to start. The client goes on in memory and finds the medium again.
  @Test func clientGoesOnInMemoryUntilTheMediumIsThere() async throws {
    let folder = try Folder()
    rmdir(folder.path)
    do {
      let client = try await makeClient(configuration("mqtt://127.0.0.1:1"), folder.journal)
      let events = client.events
      #expect(client.statistics.journal?.fault ?? .system(code: ENOENT) == .system(code: ENOENT))
      for number in 0..<10 {
        let result = try await within {
          try await client.publish("\(number)", to: "t", waitFor: .queued)
        }
        #expect(result.isQueued && !result.isStored)
      }
      try #require(mkdir(folder.path, 0o700) == 0)
      try await wait(for: events) { $0 == .journal(.restored) }
      let result = try await within {
        try await client.publish("10", to: "t", waitFor: .queued)
      }
      #expect(result.isStored)
    }
    try await expectLeft((0...10).map { "\($0)" }, in: folder.journal)
  }

  @Test func memoryIsBoundedWhileTheMediumFails() async throws {
    let folder = try Folder()
    rmdir(folder.path)
    let client = try await makeClient(
      configuration("mqtt://127.0.0.1:1") { $0.limits.queueMessages = 5 }, folder.journal)
    for _ in 0..<5 { _ = try await client.publish("x", to: "t", waitFor: .queued) }
    let error = await failure { () async throws(ClientError) in
      try await client.publish("x", to: "t", waitFor: .queued)
    }
    #expect(error == .queueFull)
  }

  @Test func foreignFileIsLeftAlone() async throws {
    let folder = try Folder()
    let path = folder.path + "/journal"
    let text = String(repeating: "somebody's letters\n", count: 8_000)
    try File.write(atomically: Array(text.utf8).span, to: Array(path.utf8).span)
    do {
      let client = try await makeClient(configuration("mqtt://127.0.0.1:1"), folder.journal)
      _ = try await client.publish("x", to: "t", waitFor: .queued)
      try await eventually { client.statistics.journal?.fault == .notAJournal }
    }
    #expect(try read(path) == text)
  }

  @Test func batchIsOnTheMediumAtTheEndOfTheRun() async throws {
    let folder = try Folder()
    var journal = folder.journal
    journal.sync = .batch(every: .seconds(3_600))
    do {
      let client = try await makeClient(configuration("mqtt://127.0.0.1:1"), journal)
      for number in 0..<50 {
        let result = try await client.publish("\(number)", to: "t", waitFor: .queued)
        #expect(!result.isStored)
      }
      #expect(client.statistics.journal?.syncs ?? 0 == 0)
    }
    try await expectLeft((0..<50).map { "\($0)" }, in: journal)
  }

  @Test func messagesAtOnceShareSyncs() async throws {
    let folder = try Folder()
    let client = try await makeClient(configuration("mqtt://127.0.0.1:1"), folder.journal)
    try await within {
      try await withThrowingTaskGroup(of: Void.self) { group in
        for _ in 0..<500 {
          group.addTask {
            let result = try await client.publish("x", to: "t", waitFor: .queued)
            #expect(result.isStored)
          }
        }
        try await group.waitForAll()
      }
    }
    #expect(try #require(client.statistics.journal).syncs < 250)
  }

  /// Whatever a journal holds leaves before the client does, as far as there is time.
  @Test func disconnectDrainsTheJournal() async throws {
    let broker = try Mosquitto()
    let folder = try Folder()
    let client = try await makeClient(configuration(broker.url), folder.journal)
    for number in 0..<1_000 {
      _ = try await client.publish("\(number)", to: "t", waitFor: .queued)
    }
    _ = try await within { try await client.connect() }
    try await within(.seconds(30)) { try await client.disconnect(drain: .seconds(20)) }
    #expect(client.statistics.journal?.messages == 0)
  }

  /// Fact 15, and all else that a message has.
  @Test func propertiesAreKeptWithoutAnAlias() async throws {
    let broker = try Mosquitto()
    let folder = try Folder()
    let reader = try Client(configuration(broker.url, clientID: "reader"))
    _ = try await within { try await reader.connect() }
    let messages = try await within {
      try await reader.subscribe(to: TopicSubscription("t/#", qos: .exactlyOnce))
    }
    var properties = MessageProperties()
    properties.isText = true
    properties.contentType = "text/plain"
    properties.responseTopic = "answers"
    properties.correlationData = [1, 2, 3]
    properties.userProperties = [UserProperty("a", "1"), UserProperty("a", "2")]
    do {
      let first = try await makeClient(configuration("mqtt://127.0.0.1:1"), folder.journal)
      for _ in 0..<2 {
        _ = try await first.publish(
          "x", to: "t/\(String(repeating: "long", count: 30))", qos: .exactlyOnce,
          properties: properties, waitFor: .queued)
      }
    }
    let second = try await makeClient(configuration(broker.url), folder.journal)
    _ = try await within { try await second.connect() }
    let wanted = properties
    try await within {
      var count = 0
      for try await message in messages {
        #expect(message.text == "x" && message.qos == .exactlyOnce)
        #expect(message.properties.isText && message.properties.contentType == "text/plain")
        #expect(message.properties.responseTopic == wanted.responseTopic)
        #expect(message.properties.correlationData == wanted.correlationData)
        #expect(message.properties.userProperties == wanted.userProperties)
        count += 1
        if count == 2 { break }
      }
    }
  }

  @Test func configurationsThatCannotBeAreRefused() throws {
    let folder = try Folder()
    func refusal(_ adjust: (inout JournalConfiguration) -> Void) -> String {
      var journal = folder.journal
      adjust(&journal)
      do throws(ConfigurationError) {
        _ = try Client(configuration("mqtt://127.0.0.1:1"), journal: journal)
        return ""
      } catch { return error.description }
    }
    #expect(refusal { $0.path = "" }.hasPrefix("journal.path"))
    #expect(refusal { $0.path = folder.path }.hasPrefix("journal.path"))
    #expect(refusal { $0.maximumBytes = 1_000 }.hasPrefix("journal.maximumBytes"))
    #expect(refusal { $0.maximumMessages = 0 }.hasPrefix("journal.maximumMessages"))
    #expect(refusal { $0.window = 0 }.hasPrefix("journal.window"))
    #expect(refusal { $0.sync = .batch(every: .zero) }.hasPrefix("journal.sync"))
  }
}
