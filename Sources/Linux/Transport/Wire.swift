import CLinux
import Core
import Dialing

/// What reading from the way to the broker brought.
enum WireRead: BitwiseCopyable {
  /// So many bytes were appended; 0 only when there was no room.
  case bytes(Int)
  /// Nothing is there yet.
  case wouldBlock
  /// The other side has closed its half.
  case endOfStream
  /// The way is broken.
  case failed(DialFault)
}

/// The bytes' way to the next hop: a socket, TLS over it where that is spoken, and what waits at our
/// end.
///
/// Owns what the handshakes on the way have to send, and what they have read too much: bytes behind a
/// proxy's or a server's last word belong to whoever reads next.
struct Wire: ~Copyable {
  /// How many bytes of a handshake's answer are read at once.
  typealias Chunk = FixedText<256>

  // Before the socket: the channel has to go first.
  private var tls: TLSChannel?
  private var socket: TCPLink?
  private var output: ByteQueue
  private var unread = Chunk()

  /// A way that is not there yet, and room for what handshakes and frames have to send.
  init(output: consuming ByteQueue) { self.output = output }

  /// The way is a new one.
  mutating func begin(_ socket: consuming TCPLink) {
    self.socket = consume socket
    output.removeAll()
    unread = Chunk()
  }

  /// The way is gone.
  mutating func end() {
    tls = nil
    socket = nil
    output.removeAll()
    unread = Chunk()
  }

  var descriptor: Int32? {
    // An optional chain to a stored property would consume the socket.
    switch socket {
    case .some(let socket): socket.descriptor
    case nil: nil
    }
  }

  /// The next hop's address; nil when there is no way any more.
  var peer: SocketAddress? {
    switch socket {
    case .some(let socket): socket.peer
    case nil: nil
    }
  }

  /// What of the bytes has come across; nil where that is not known.
  var progress: (acknowledged: UInt64, pending: Int)? {
    switch socket {
    case .some(let socket): socket.progress
    case nil: nil
    }
  }

  // MARK: TLS

  /// Begins TLS with the next hop. Nothing was put back: the client speaks first.
  mutating func secure(
    _ context: borrowing TLSContext, now: WallTime, floor: WallTime
  ) throws(TLSFault) {
    guard let descriptor else { return }
    tls = try context.open(over: descriptor, now: now, floor: floor)
  }

  /// Goes on with the handshake.
  mutating func handshake() -> TLSProgress { tls?.handshake() ?? .done }

  /// What TLS knows of the connection; nil where there is none.
  func withTLS<R>(_ body: (borrowing TLSChannel) -> R) -> R? {
    switch tls {
    case .some(let channel): body(channel)
    case nil: nil
    }
  }

  // MARK: Reading

  /// True while there are bytes that the loop knows nothing of.
  var hasUnread: Bool { !unread.isEmpty || withTLS { $0.hasPending } == true }

  /// Appends what has arrived, as far as `out` has room.
  mutating func read(into out: inout OutputSpan<UInt8>) -> WireRead {
    guard out.freeCapacity > 0 else { return .bytes(0) }
    if !unread.isEmpty { return .bytes(takeUnread(into: &out)) }
    if let result = tls?.read(into: &out) {
      switch result {
      case .bytes(let count): return .bytes(count)
      case .wouldBlock: return .wouldBlock
      case .endOfStream: return .endOfStream
      case .fault(let fault): return .failed(.tls(fault))
      case .failed(let error): return .failed(.broken(code: error.code))
      }
    }
    switch socket?.read(into: &out) ?? .wouldBlock {
    case .bytes(let count): return .bytes(count)
    case .wouldBlock: return .wouldBlock
    case .endOfStream: return .endOfStream
    case .failed(let error): return .failed(.broken(code: error.code))
    }
  }

  /// A piece of what has arrived.
  mutating func read(_ result: inout WireRead) -> Chunk {
    var chunk = Chunk()
    chunk = Chunk { out in result = read(into: &out) }
    return chunk
  }

  /// Puts back what a piece, the last thing that was read, has too much.
  mutating func putBack(_ bytes: Span<UInt8>) {
    precondition(unread.isEmpty && bytes.count <= 256)
    unread = Chunk(bytes)
  }

  private mutating func takeUnread(into out: inout OutputSpan<UInt8>) -> Int {
    let count = min(unread.count, out.freeCapacity)
    var rest = Chunk()
    unread.withBytes { bytes in
      out.append(contentsOf: bytes.extracting(0..<count))
      rest.append(bytes.extracting(count..<bytes.count))
    }
    unread = rest
    return count
  }

  /// Why the connection is broken, found without reading.
  var fault: DialFault? { socket?.connectResult().map { .broken(code: $0.code) } }

  // MARK: Writing

  /// True while bytes wait for room in the socket's buffer.
  var hasOutput: Bool { output.count > 0 || withTLS { $0.wantsWrite } == true }

  /// Room for what waits.
  var outputCapacity: Int { output.capacity }

  /// Bytes that fit behind those that wait.
  var freeOutput: Int { output.freeCapacity }

  /// Has the bytes that `body` appends wait to be sent.
  mutating func append(_ body: (inout OutputSpan<UInt8>) -> Void) { output.append(body) }

  /// Hands what waits to the system, as far as it takes it.
  mutating func flush() -> DialFault? {
    if let error = tls?.flush() { return .broken(code: error.code) }
    // A record of TLS takes 16 KiB at the most.
    while output.count > 0 {
      var fault: DialFault?
      let count = output.withBytes { bytes in Self.write(bytes, &tls, socket, &fault) }
      output.consume(count)
      if let fault { return fault }
      guard count > 0 else { return nil }
    }
    return nil
  }

  /// Hands bytes to the system past those that wait: there are none. Returns how many it took.
  mutating func write(_ bytes: Span<UInt8>, fault: inout DialFault?) -> Int {
    Self.write(bytes, &tls, socket, &fault)
  }

  private static func write(
    _ bytes: Span<UInt8>, _ tls: inout TLSChannel?, _ socket: borrowing TCPLink?,
    _ fault: inout DialFault?
  ) -> Int {
    if let result = tls?.write(bytes) {
      switch result {
      case .bytes(let count): return count
      case .wouldBlock: return 0
      case .fault(let reason): fault = .tls(reason)
      case .failed(let error): fault = .broken(code: error.code)
      }
      return 0
    }
    switch socket?.write(bytes) ?? .wouldBlock {
    case .bytes(let count): return count
    case .wouldBlock: return 0
    case .failed(let error):
      fault = .broken(code: error.code)
      return 0
    }
  }

  /// Says in TLS that nothing more will be sent, if TLS is spoken, and if that goes without waiting.
  mutating func closeTLS() { tls?.close() }

  /// Says that nothing more will be sent.
  mutating func shutWrite() {
    closeTLS()
    socket?.shutWrite()
  }
}
