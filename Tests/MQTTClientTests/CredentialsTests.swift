import CLinux
import Core
import Linux
import MQTTClient
import Synchronization
import Testing

/// Complaint 10: credentials for each attempt.
@Suite struct CredentialsTests {
  /// The passwords of the CONNECTs, the last bytes of each; refused until one is "good".
  private func peer(_ seen: Seen) throws -> ScriptedPeer {
    try ScriptedPeer { _, link in
      guard let connect = link.packet() else { return }
      let isGood = connect.suffix(4) == Array("good".utf8)
      seen.append(String(decoding: connect.suffix(4), as: UTF8.self))
      link.send(isGood ? [0x20, 3, 0, 0, 0] : [0x20, 3, 0, 0x86, 0])
      _ = link.awaitEnd()
    }
  }

  @Test func providerIsAskedForEachAttempt() async throws {
    let seen = Seen()
    let peer = try peer(seen)
    let attempts = Seen()
    let client = try Client(
      configuration(peer.url) {
        $0.credentials = .provider {
          attempts.append("asked")
          return ("user", Array((attempts.all.count < 3 ? "bad1" : "good").utf8))
        }
      })
    let events = client.events
    client.start()
    try await wait(for: events) { if case .connected = $0 { true } else { false } }
    #expect(seen.all == ["bad1", "bad1", "good"])
  }

  @Test func fileIsReadForEachAttempt() async throws {
    let path = "/tmp/sandpiper-password-\(getpid())-\(uniqueName())"
    func write(_ text: String) throws {
      try File.write(atomically: Array(text.utf8).span, to: Array(path.utf8).span)
    }
    defer { unlink(path) }
    try write("bad1\n")
    let seen = Seen()
    let peer = try peer(seen)
    let client = try Client(
      configuration(peer.url) { $0.credentials = .passwordFile(user: "user", path: path) })
    let events = client.events
    client.start()
    try await wait(for: events) { if case .attemptFailed = $0 { true } else { false } }
    try write("good\nsecond line\n")
    try await wait(for: events) { if case .connected = $0 { true } else { false } }
    #expect(seen.all.first == "bad1" && seen.all.last == "good")
  }

  @Test func missingFileIsToldAndNothingIsSent() async throws {
    let seen = Seen()
    let peer = try peer(seen)
    let client = try Client(
      configuration(peer.url) { $0.credentials = .passwordFile(user: "user", path: "/nowhere") })
    let error = try await within {
      await failure { () async throws(ClientError) in
        try await client.connect(timeout: .milliseconds(200))
      }
    }
    #expect(error == .timedOut(.credentials(.file(code: ENOENT))))
    #expect(seen.all == [])
  }

  @Test func providerThatThrowsFailsTheAttempt() async throws {
    let client = try Client(
      configuration("mqtt://127.0.0.1:1") { $0.credentials = .provider { throw TooLate() } })
    let error = try await within {
      await failure { () async throws(ClientError) in
        try await client.connect(timeout: .seconds(6))
      }
    }
    #expect(error == .timedOut(.credentials(.threw)))
  }

  @Test func providerThatHangsFailsTheAttempt() async throws {
    let client = try Client(
      configuration("mqtt://127.0.0.1:1") {
        $0.timeouts.credentials = .milliseconds(30)
        $0.credentials = .provider {
          try await Task.sleep(for: .seconds(3600))
          return (nil, nil)
        }
      })
    let events = client.events
    client.start()
    try await wait(for: events) { $0 == .attemptFailed(.credentials(.timedOut)) }
    try await wait(for: events) { $0 == .attemptFailed(.credentials(.timedOut)) }
  }

  @Test func credentialsAreNeverPrinted() {
    let secret = ClientConfiguration.Credentials.password(user: "u", password: "s3cret")
    #expect(!"\(secret)".contains("s3cret") && !String(reflecting: secret).contains("s3cret"))
  }

  // MARK: Enhanced authentication

  /// A method that asks once: the answer is the question backwards.
  private var authentication: Authentication {
    Authentication(method: "REV", first: { Array("hello".utf8) }) { challenge in
      (challenge ?? []).reversed()
    }
  }

  private func authenticate(_ reason: UInt8, _ data: String?) -> [UInt8] {
    var properties: [UInt8] = [0x15, 0, 3] + Array("REV".utf8)
    if let data { properties += [0x16, 0, UInt8(data.utf8.count)] + Array(data.utf8) }
    return [0xF0, UInt8(2 + properties.count), reason, UInt8(properties.count)] + properties
  }

  @Test func stepsOfAnAuthenticationAreAnswered() async throws {
    let question = authenticate(0x18, "abc")
    let answer = authenticate(0x18, "cba")
    let again = authenticate(0x19, "hello")
    let seen = Seen()
    let success = authenticate(0x00, nil)
    let peer = try ScriptedPeer { _, link in
      guard let connect = link.packet() else { return }
      seen.append("\(connect.contains(0x15))")
      link.send(question)
      seen.append("\(link.packet() == answer)")
      link.send([0x20, 9, 0, 0, 6, 0x15, 0, 3] + Array("REV".utf8))
      seen.append("\(link.packet(ofType: 0xF) == again)")
      link.send(success)
      _ = link.awaitEnd()
    }
    let client = try Client(
      configuration(peer.url) { $0.authentication = authentication })
    _ = try await within { try await client.connect() }
    try await within { try await client.reauthenticate() }
    #expect(seen.all == ["true", "true", "true"])
  }

  @Test func authenticationThatThrowsFailsTheAttempt() async throws {
    let question = authenticate(0x18, "abc")
    let peer = try ScriptedPeer { _, link in
      _ = link.packet()
      link.send(question)
      _ = link.awaitEnd()
    }
    let client = try Client(
      configuration(peer.url) {
        $0.authentication = Authentication(method: "REV") { _ in throw TooLate() }
      })
    let events = client.events
    client.start()
    try await wait(for: events) { $0 == .attemptFailed(.credentials(.threw)) }
  }
}

/// What was seen, from any thread.
final class Seen: Sendable {
  private let texts = Mutex<[String]>([])

  func append(_ text: String) { texts.withLock { $0.append(text) } }

  var all: [String] { texts.withLock { $0 } }
}
