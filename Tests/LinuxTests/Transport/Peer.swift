import Foundation
import Glibc

/// What a client meets in a test: a listening socket, and a thread that treats one connection after the
/// other as `behaviour` says. Every read and write has a deadline.
final class Peer: @unchecked Sendable {
  /// A connection that was accepted.
  struct Connection {
    let descriptor: Int32

    /// The next bytes, `count` at the most; none when the client has closed or says nothing.
    func read(_ count: Int = 65_536) -> [UInt8] {
      var bytes = [UInt8](repeating: 0, count: count)
      let received = recv(descriptor, &bytes, count, 0)
      return received > 0 ? Array(bytes[..<received]) : []
    }

    /// Exactly `count` bytes, or those that there were.
    func readAll(_ count: Int) -> [UInt8] {
      var bytes: [UInt8] = []
      while bytes.count < count {
        let more = read(count - bytes.count)
        if more.isEmpty { break }
        bytes += more
      }
      return bytes
    }

    /// Everything up to the end.
    func readToEnd() -> [UInt8] {
      var bytes: [UInt8] = []
      while true {
        let more = read()
        if more.isEmpty { return bytes }
        bytes += more
      }
    }

    /// A head, its empty line included.
    func readHead() -> String {
      var bytes: [UInt8] = []
      while !bytes.suffix(4).elementsEqual([13, 10, 13, 10]) {
        let more = read(1)
        if more.isEmpty { break }
        bytes += more
      }
      return String(decoding: bytes, as: UTF8.self)
    }

    func write(_ bytes: [UInt8]) {
      var left = bytes[...]
      while !left.isEmpty {
        let sent = left.withUnsafeBytes {
          send(descriptor, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL))
        }
        if sent <= 0 { return }
        left = left.dropFirst(sent)
      }
    }

    func write(_ text: String) { write(Array(text.utf8)) }
  }

  let port: UInt16
  private let listener: Int32
  private let lock = NSLock()
  private var notes: [String] = []
  private var count = 0

  /// Listens at 127.0.0.1, or `[::1]`, or at a Unix socket's path.
  init(
    v6: Bool = false, port: UInt16 = 0, path: String? = nil,
    _ behaviour: @escaping @Sendable (Connection, Peer) -> Void
  ) throws {
    let family = path != nil ? AF_UNIX : v6 ? AF_INET6 : AF_INET
    listener = socket(family, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    self.port = try Self.bind(listener, v6: v6, port: port, path: path)
    guard Glibc.listen(listener, 16) == 0 else { throw PeerError(code: errno) }
    let listener = listener
    Thread.detachNewThread {
      while true {
        let descriptor = accept(listener, nil, nil)
        if descriptor < 0 { return }
        var limit = timeval(tv_sec: 20, tv_usec: 0)
        let size = socklen_t(MemoryLayout<timeval>.size)
        setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
        setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
        self.lock.withLock { self.count += 1 }
        behaviour(Connection(descriptor: descriptor), self)
        close(descriptor)
      }
    }
  }

  deinit { shutdown(listener, Int32(SHUT_RDWR)) }

  /// Ends listening; the connection under way ends by itself.
  func stop() { shutdown(listener, Int32(SHUT_RDWR)) }

  /// Connections so far.
  var connections: Int { lock.withLock { count } }

  /// Keeps something that a behaviour has seen, for the test.
  func note(_ text: String) { lock.withLock { notes.append(text) } }

  /// What was noted, once there are so many notes, or a while has passed.
  func waitForNotes(_ count: Int) -> [String] {
    for _ in 0..<2000 {
      let notes = lock.withLock { self.notes }
      if notes.count >= count { return notes }
      usleep(5000)
    }
    return lock.withLock { notes }
  }

  private static func bind(
    _ listener: Int32, v6: Bool, port: UInt16, path: String?
  ) throws -> UInt16 {
    var storage = sockaddr_storage()
    var size = socklen_t(0)
    withUnsafeMutablePointer(to: &storage) { raw in
      if let path {
        raw.withMemoryRebound(to: sockaddr_un.self, capacity: 1) { address in
          address.pointee.sun_family = sa_family_t(AF_UNIX)
          withUnsafeMutableBytes(of: &address.pointee.sun_path) { $0.copyBytes(from: path.utf8) }
        }
        size = socklen_t(MemoryLayout<sockaddr_un>.size)
      } else if v6 {
        raw.withMemoryRebound(to: sockaddr_in6.self, capacity: 1) { address in
          address.pointee.sin6_family = sa_family_t(AF_INET6)
          address.pointee.sin6_port = port.bigEndian
          address.pointee.sin6_addr = in6addr_loopback
        }
        size = socklen_t(MemoryLayout<sockaddr_in6>.size)
      } else {
        raw.withMemoryRebound(to: sockaddr_in.self, capacity: 1) { address in
          address.pointee.sin_family = sa_family_t(AF_INET)
          address.pointee.sin_port = port.bigEndian
          address.pointee.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
        }
        size = socklen_t(MemoryLayout<sockaddr_in>.size)
      }
    }
    var on: Int32 = 1
    setsockopt(listener, SOL_SOCKET, SO_REUSEADDR, &on, socklen_t(MemoryLayout<Int32>.size))
    return try withUnsafeMutablePointer(to: &storage) { raw in
      try raw.withMemoryRebound(to: sockaddr.self, capacity: 1) { address in
        guard Glibc.bind(listener, address, size) == 0 else { throw PeerError(code: errno) }
        getsockname(listener, address, &size)
      }
      guard path == nil else { return 0 }
      return raw.withMemoryRebound(to: sockaddr_in.self, capacity: 1) {
        UInt16(bigEndian: $0.pointee.sin_port)
      }
    }
  }
}

struct PeerError: Error { var code: Int32 }

/// A port at 127.0.0.1 that takes no connection and refuses none: the system drops what comes to a
/// listener whose queue is full.
final class BlackHole {
  let port: UInt16
  private let listener: Int32
  private var waiting: [Int32] = []

  init() throws {
    listener = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    var size = socklen_t(MemoryLayout<sockaddr_in>.size)
    let listener = listener
    port = try withUnsafeMutablePointer(to: &address) { typed in
      try typed.withMemoryRebound(to: sockaddr.self, capacity: 1) { raw in
        guard bind(listener, raw, size) == 0, listen(listener, 0) == 0 else {
          throw PeerError(code: errno)
        }
        getsockname(listener, raw, &size)
      }
      return UInt16(bigEndian: typed.pointee.sin_port)
    }
    for _ in 0..<4 {
      let client = socket(
        AF_INET,
        Int32(SOCK_STREAM.rawValue) | Int32(SOCK_NONBLOCK.rawValue)
          | Int32(SOCK_CLOEXEC.rawValue), 0)
      waiting.append(client)
      withUnsafePointer(to: &address) { typed in
        typed.withMemoryRebound(to: sockaddr.self, capacity: 1) { _ = connect(client, $0, size) }
      }
    }
  }

  deinit {
    for client in waiting { close(client) }
    close(listener)
  }
}
