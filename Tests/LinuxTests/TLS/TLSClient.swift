import Core
import Dialing
import Glibc
import TestSupport

@testable import Linux

/// The settings of a test's client, as texts; files are the authority's by name, or paths.
struct TLSSettings {
  var host = "localhost"
  var authorityFile = "ca.pem"
  var authorityFolder = ""
  var certificateFile = ""
  var key = ""
  var passphraseFile = ""
  var revocationFile = ""
  var alpn = ""
  var change: (inout TLSSpec) -> Void = { _ in }

  func context() throws(TLSFault) -> TLSContext {
    var pool: [UInt8] = []
    func put(_ text: String) -> Text {
      defer { pool += Array(text.utf8) }
      return Text(offset: UInt32(pool.count), count: UInt32(text.utf8.count))
    }
    func file(_ name: String) -> Text {
      let isPlace = name.isEmpty || name.hasPrefix("/") || name.contains(":")
      return put(isPlace ? name : TestAuthority.shared.path(name))
    }
    var spec = TLSSpec(host: put(host))
    spec.authorityFile = file(authorityFile)
    spec.authorityFolder = file(authorityFolder)
    spec.certificateFile = file(certificateFile)
    spec.key = file(key)
    spec.passphraseFile = file(passphraseFile)
    spec.revocationFile = file(revocationFile)
    spec.alpn = put(alpn)
    change(&spec)
    var arena = testArena(bytes: 16 * 1024)
    return try TLSContext(spec, texts: TextPool(copying: pool.span, arena: &arena))
  }
}

/// 2026-06-01, when the tests' certificates are good.
let testNow = WallTime(milliseconds: 1_780_272_000_000)

/// A connection of a test's, whose calls wait for the socket: a minute at most.
struct TLSClient: ~Copyable {
  let link: TCPLink
  var channel: TLSChannel

  init(
    _ context: borrowing TLSContext, to port: UInt16, now: WallTime = testNow,
    floor: WallTime = testNow
  ) throws {
    let link = try TCPLink.open(to: .loopback(port: port))
    try waitReady(link.descriptor, write: true)
    try self.init(context, over: link, now: now, floor: floor)
  }

  init(
    _ context: borrowing TLSContext, over link: consuming TCPLink, now: WallTime = testNow,
    floor: WallTime = testNow
  ) throws {
    channel = try context.open(over: link.descriptor, now: now, floor: floor)
    self.link = link
  }

  /// Shakes hands to the end: nil when the connection stands.
  mutating func handshake() throws -> TLSFault? {
    while true {
      switch channel.handshake() {
      case .done: return nil
      case .wantsRead: try waitReady(link.descriptor)
      case .wantsWrite: try waitReady(link.descriptor, write: true)
      case .fault(let fault): return fault
      case .failed(let error): throw error
      }
    }
  }

  /// What the next read brings that does not block, and the bytes so far.
  mutating func read(capacity: Int = 1024) throws -> (result: TLSReadResult, bytes: [UInt8]) {
    while true {
      var result = TLSReadResult.wouldBlock
      let bytes = [UInt8](capacity: capacity) { out in result = channel.read(into: &out) }
      guard case .wouldBlock = result else { return (result, bytes) }
      try waitReady(link.descriptor)
    }
  }

  /// Reads until something else than bytes comes.
  mutating func readToEnd(capacity: Int = 1024) throws -> (result: TLSReadResult, bytes: [UInt8]) {
    var all: [UInt8] = []
    while true {
      let (result, bytes) = try read(capacity: capacity)
      guard case .bytes = result else { return (result, all) }
      all += bytes
    }
  }

  /// Writes all of `bytes`.
  mutating func write(_ bytes: [UInt8]) throws {
    var sent = 0
    while sent < bytes.count {
      switch channel.write(bytes.span.extracting(sent..<bytes.count)) {
      case .bytes(let count): sent += count
      case .wouldBlock: try waitReady(link.descriptor, write: true)
      case .fault(let fault): throw fault
      case .failed(let error): throw error
      }
    }
    while channel.wantsWrite {
      try waitReady(link.descriptor, write: true)
      if let error = channel.flush() { throw error }
    }
  }
}

/// Waits until a descriptor is ready, for half a minute at most.
func waitReady(_ descriptor: Int32, write: Bool = false) throws(SystemError) {
  var wait = pollfd(fd: descriptor, events: Int16(write ? POLLOUT : POLLIN), revents: 0)
  guard poll(&wait, 1, 30_000) == 1 else { throw SystemError(code: ETIMEDOUT, doing: "wait") }
}

extension TLSReadResult {
  var fault: TLSFault? { if case .fault(let fault) = self { fault } else { nil } }
  var isEnd: Bool { if case .endOfStream = self { true } else { false } }
  var wouldBlock: Bool { if case .wouldBlock = self { true } else { false } }
  var errorCode: Int32? { if case .failed(let error) = self { error.code } else { nil } }
}
