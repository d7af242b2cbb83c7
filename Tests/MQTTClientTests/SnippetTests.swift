import Core
import Linux
import MQTTClient
import Testing

/// The articles show what compiles, and what they show first works.
@Suite struct SnippetTests {
  private static let root = #filePath.split(separator: "/").dropLast(3).map { "/" + $0 }.joined()

  private static let articles = [
    "MQTTClient", "GettingStarted", "Delivery", "Reconnecting", "TLS", "BackPressure",
    "BareSession", "Journal",
  ]

  private func lines(_ path: String) throws -> [String] {
    let bytes = try read(Self.root + "/" + path)
    return String(decoding: bytes, as: UTF8.self)
      .split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
  }

  private func read(_ path: String) throws -> [UInt8] {
    let memory = UnsafeMutableBufferPointer<UInt8>.allocate(capacity: 1 << 20)
    defer { memory.deallocate() }
    var out = OutputSpan(buffer: memory, initializedCount: 0)
    try File.read(Array(path.utf8).span, into: &out)
    let count = out.finalize(for: memory)
    return Array(memory[..<count])
  }

  /// The pieces between a line that begins with `start` and one that is `end`.
  private func blocks(_ lines: [String], from start: String, to end: String) -> [String] {
    var blocks: [String] = []
    var block: [String]?
    for line in lines {
      if block == nil {
        if line.hasPrefix(start) { block = [] }
      } else if line == end {
        blocks.append(block?.joined(separator: "\n") ?? "")
        block = nil
      } else {
        block?.append(line)
      }
    }
    return blocks
  }

  @Test func articlesShowWhatCompiles() throws {
    let snippets = blocks(
      try lines("Tests/MQTTClientTests/Snippets.swift"), from: "// snippet:", to: "// end")
    var shown: Set<String> = []
    for article in Self.articles {
      let text = try lines("Sources/MQTTClient/MQTTClient.docc/\(article).md")
      for block in blocks(text, from: "```swift", to: "```") {
        #expect(
          snippets.contains(block), "\(article) shows what is not in Snippets.swift:\n\(block)")
        shown.insert(block)
      }
    }
    #expect(snippets.count > 10 && Set(snippets) == shown, "each snippet is shown")
  }

  @Test func firstSnippetWorks() async throws {
    let broker = try Mosquitto()
    let read = try await within { try await readAndReport(broker: broker.url) }
    #expect(read == "greenhouse/air: 21.5")
  }

  @Test func managedSnippetLosesNothing() async throws {
    let broker = try Mosquitto()
    let reader = try Client(configuration(broker.url, clientID: "reader"))
    _ = try await within { try await reader.connect() }
    let messages = try await within { try await reader.subscribe(to: "greenhouse/air") }
    let (readings, continuation) = AsyncStream.makeStream(of: String.self)
    for number in 0..<20 { continuation.yield("\(number)") }
    continuation.finish()
    try await within { try await run(broker: broker.url, readings: readings) }
    let got = try await within {
      var got: [String] = []
      for try await message in messages {
        got.append(message.text)
        if got.count == 20 { break }
      }
      return got
    }
    #expect(got == (0..<20).map { "\($0)" })
  }

  @Test func journalSnippetKeepsWhatThereIsNoBrokerFor() async throws {
    let folder = try Folder()
    let broker = try Mosquitto()
    let (readings, continuation) = AsyncStream.makeStream(of: String.self)
    for number in 0..<5 { continuation.yield("\(number)") }
    continuation.finish()
    try await within {
      try await keepReadings(
        readings, broker: "mqtt://127.0.0.1:1", file: folder.path + "/journal")
    }
    let reader = try Client(configuration(broker.url, clientID: "reader"))
    _ = try await within { try await reader.connect() }
    let messages = try await within { try await reader.subscribe(to: "greenhouse/air") }
    let later = try await makeClient(configuration(broker.url), folder.journal)
    _ = try await within { try await later.connect() }
    #expect(try await texts(messages, 5) == (0..<5).map { "\($0)" })
  }

  @Test func configurationsOfTheSnippetsAreGood() throws {
    for configuration in [
      boundedConfiguration(broker: "mqtt://b"), honestConfiguration(broker: "mqtt://b"),
      secureConfiguration(), tokenConfiguration { "" }, patientConfiguration(broker: "mqtt://b"),
    ] {
      _ = try Client(configuration)
    }
  }
}
