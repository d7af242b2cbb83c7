import Foundation

@testable import Linux

/// The certificates that Tests/Tools/test-ca makes, once for all tests.
final class TestAuthority: Sendable {
  static let shared = TestAuthority()

  let folder: String

  private init() {
    let tests = URL(fileURLWithPath: #filePath).appendingPathComponent("../../..").standardized
    folder = tests.appendingPathComponent("../.build-tests/ca").standardized.path
    let making = Foundation.Process()
    making.executableURL = tests.appendingPathComponent("Tools/test-ca")
    making.arguments = [folder]
    try? making.run()
    making.waitUntilExit()
    precondition(making.terminationStatus == 0, "test-ca says why")
  }

  func path(_ name: String) -> String { folder + "/" + name }
}

/// `openssl s_server` on a port of its own; ended with this object.
final class TLSServer: @unchecked Sendable {
  let port: UInt16
  private let process = Foundation.Process()
  private let input = Pipe()
  private let output: Output

  /// Starts a server with a certificate of the authority's, and more options of s_server's.
  init(_ certificate: String = "server.pem", key: String? = nil, _ options: [String] = []) throws {
    let authority = TestAuthority.shared
    let key = key ?? (certificate.hasPrefix("weak.") ? "weak.key" : "server.key")
    let pipe = Pipe()
    process.executableURL = URL(fileURLWithPath: "/usr/bin/openssl")
    // At level 0 it takes what the client is to refuse.
    process.arguments =
      [
        "s_server", "-accept", "127.0.0.1:0", "-cert", authority.path(certificate),
        "-cert_chain", authority.path(certificate), "-key", authority.path(key),
        "-cipher", "DEFAULT@SECLEVEL=0",
      ] + options
    process.currentDirectoryURL = URL(fileURLWithPath: authority.folder)
    process.environment = ["OPENSSL_CONF": authority.path("openssl.cnf"), "PATH": "/usr/bin:/bin"]
    process.standardInput = input
    process.standardOutput = pipe
    process.standardError = FileHandle.nullDevice
    try process.run()
    output = Output(pipe.fileHandleForReading)
    guard let line = output.wait(for: /ACCEPT 127\.0\.0\.1:(\d+)\n/), let port = UInt16(line) else {
      throw SystemError(code: 0, doing: "s_server")
    }
    self.port = port
  }

  deinit { kill() }

  /// Has s_server read a line: what is to be sent, or one of its commands.
  func type(_ line: String) { try? input.fileHandleForWriting.write(contentsOf: Data(line.utf8)) }

  /// Waits until the server has printed `text`; false after a minute.
  func hasPrinted(_ text: String) -> Bool { output.wait { $0.range(of: Data(text.utf8)) != nil } }

  /// True when the server has printed `text` by now.
  func hasAlreadyPrinted(_ text: String) -> Bool {
    output.bytes.range(of: Data(text.utf8)) != nil
  }

  /// How often the server has printed a byte, once that is `count` times or more.
  func count(of byte: UInt8, reaching count: Int) -> Int {
    _ = output.wait { data in
      guard data.count >= count else { return false }
      return data.withUnsafeBytes { bytes in bytes.count { $0 == byte } } >= count
    }
    return output.bytes.withUnsafeBytes { bytes in bytes.count { $0 == byte } }
  }

  func pause() { Foundation.kill(process.processIdentifier, SIGSTOP) }
  func goOn() { Foundation.kill(process.processIdentifier, SIGCONT) }

  /// Ends the server without a word to its clients.
  func kill() {
    guard process.isRunning else { return }
    Foundation.kill(process.processIdentifier, SIGKILL)
    process.waitUntilExit()
  }
}

/// What a process prints, read by a thread of its own: the tests' common threads may all be busy.
private final class Output: @unchecked Sendable {
  private let changed = NSCondition()
  private var data = Data()

  init(_ handle: FileHandle) {
    let thread = Thread { [self] in
      while case let some = handle.availableData, !some.isEmpty {
        changed.withLock { data += some }
        changed.broadcast()
      }
    }
    thread.start()
  }

  var bytes: Data { changed.withLock { data } }

  func wait(for pattern: Regex<(Substring, Substring)>) -> String? {
    var found: String?
    _ = wait { data in
      found = String(decoding: data, as: UTF8.self).firstMatch(of: pattern).map { String($0.1) }
      return found != nil
    }
    return found
  }

  /// Waits until `isGood` says so of all that was printed; false after a minute.
  func wait(until isGood: (Data) -> Bool) -> Bool {
    let limit = Date(timeIntervalSinceNow: 60)
    changed.lock()
    defer { changed.unlock() }
    while !isGood(data) {
      guard changed.wait(until: limit) else { return false }
    }
    return true
  }
}
