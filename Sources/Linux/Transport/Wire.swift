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

/// The bytes' way to the next hop: a socket, and what waits at our end of it.
///
/// Owns what the handshakes on the way have to send, and what they have read too much: bytes behind a
/// proxy's or a server's last word belong to whoever reads next.
struct Wire: ~Copyable {
  /// How many bytes of a handshake's answer are read at once.
  typealias Chunk = FixedText<256>

  private(set) var socket: TCPLink?
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

  // MARK: Reading

  /// True while there are bytes that the loop knows nothing of.
  var hasUnread: Bool { !unread.isEmpty }

  /// Appends what has arrived, as far as `out` has room.
  mutating func read(into out: inout OutputSpan<UInt8>) -> WireRead {
    guard out.freeCapacity > 0 else { return .bytes(0) }
    if !unread.isEmpty { return .bytes(takeUnread(into: &out)) }
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
  var hasOutput: Bool { output.count > 0 }

  /// Room for what waits.
  var outputCapacity: Int { output.capacity }

  /// Bytes that fit behind those that wait.
  var freeOutput: Int { output.freeCapacity }

  /// Has the bytes that `body` appends wait to be sent.
  mutating func append(_ body: (inout OutputSpan<UInt8>) -> Void) { output.append(body) }

  /// Hands what waits to the system, as far as it takes it.
  mutating func flush() -> DialFault? {
    guard hasOutput else { return nil }
    switch output.withBytes({ bytes in socket?.write(bytes) ?? .wouldBlock }) {
    case .bytes(let count): output.consume(count)
    case .wouldBlock: break
    case .failed(let error): return .broken(code: error.code)
    }
    return nil
  }

  /// Hands bytes to the system past those that wait: there are none. Returns how many it took.
  mutating func write(_ bytes: Span<UInt8>, fault: inout DialFault?) -> Int {
    switch socket?.write(bytes) ?? .wouldBlock {
    case .bytes(let count): return count
    case .wouldBlock: return 0
    case .failed(let error):
      fault = .broken(code: error.code)
      return 0
    }
  }

  /// Says that nothing more will be sent.
  func shutWrite() { socket?.shutWrite() }
}
