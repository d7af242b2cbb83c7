import CLinux
import Core
import Linux
import Uplink
import WebSocket

/// What makes a TCP connection a WebSocket: the upgrade, then frames both ways.
///
/// Owns the bytes between the session and the socket: the upgrade's request, one masked frame of the
/// session's output at a time, and answers to pings and to the close. What is received is unwrapped
/// in the session's own buffer.
struct WebSocketChannel: ~Copyable {
  /// What came of the server's bytes.
  enum Outcome: BitwiseCopyable {
    case opened
    case upgradeFailed(HandshakeFault)
    case ended(FrameEnd)
    case failed(code: Int32)
  }

  /// How many bytes of the server's answer are read at once.
  private typealias Chunk = FixedText<256>

  private let port: UInt16
  private let host: Text
  private let path: Text
  private var chance: Generator
  private var handshake = ClientHandshake(nonce: InlineArray(repeating: 0))
  private var reader = FrameReader(side: .client)
  private var output: ByteQueue
  /// What came behind the server's answer, for the first read.
  private var early = Chunk()
  private var isOpen = false

  /// Bytes of the send buffer: a request, or a frame of the session's output and a few answers.
  private static var sendBytes: Int { 2048 }

  /// The channel of a profile whose broker is at a ws:// URL. `seed` is of the kernel's randomness:
  /// masks must not be foreseen (RFC 6455, section 5.3).
  init?(_ spec: UplinkSpec, seed: UInt64, arena: inout Arena) {
    guard !spec.webSocketPath.isEmpty else { return nil }
    precondition(Self.sendBytes >= ClientHandshake.requestBytesMax)
    host = spec.host
    port = spec.port
    path = spec.webSocketPath
    chance = Generator(seed: seed)
    output = ByteQueue("WebSocket send buffer", capacity: Self.sendBytes, arena: &arena)
  }

  /// True while bytes wait for room in the socket's buffer.
  var hasOutput: Bool { output.count > 0 }

  // MARK: The upgrade

  /// A new connection stands: writes the request.
  mutating func begin(texts: borrowing TextPool) {
    var nonce = InlineArray<16, UInt8>(repeating: 0)
    for half in 0..<2 {
      var bits = chance.next()
      for index in 0..<8 {
        nonce[half * 8 + index] = UInt8(truncatingIfNeeded: bits)
        bits = bits &>> 8
      }
    }
    handshake = ClientHandshake(nonce: nonce)
    reader = FrameReader(side: .client)
    output.removeAll()
    early = Chunk()
    isOpen = false
    let request = handshake
    output.append { out in
      texts.withBytes(of: host) { host in
        texts.withBytes(of: path) { path in
          request.writeRequest(host: host, port: port, path: path, into: &out)
        }
      }
    }
  }

  /// Reads the server's answer, as far as it is there.
  mutating func upgrade(_ link: borrowing TCPLink?) -> Outcome? {
    if let error = flush(link) { return .failed(code: error.code) }
    while handshake.state == .waiting {
      var result = ReadResult.wouldBlock
      let chunk = Chunk { out in result = link?.read(into: &out) ?? .wouldBlock }
      switch result {
      case .bytes: take(chunk)
      case .wouldBlock: return nil
      case .endOfStream: handshake.closed()
      // What a broker does that takes the request for a bad CONNECT.
      case .failed(let error) where error.code == ECONNRESET: handshake.closed()
      case .failed(let error): return .failed(code: error.code)
      }
    }
    switch handshake.state {
    case .failed(let fault): return .upgradeFailed(fault)
    case .waiting, .open:
      isOpen = true
      return .opened
    }
  }

  private mutating func take(_ chunk: Chunk) {
    var count = 0
    chunk.withBytes { bytes in
      count = handshake.receive(bytes)
      early = Chunk(bytes.extracting(count..<bytes.count))
    }
  }

  // MARK: Frames

  /// Appends the messages' bytes among those that have arrived, and answers what is to be answered.
  mutating func read(_ link: borrowing TCPLink?, into out: inout OutputSpan<UInt8>) -> Outcome? {
    let start = out.count
    if !early.isEmpty {
      // The session has received nothing so far, and its buffer is larger.
      precondition(out.freeCapacity >= early.count)
      early.write(into: &out)
      early = Chunk()
    }
    let result = link?.read(into: &out) ?? .wouldBlock
    reader.unwrap(&out, from: start)
    answer()
    let error = flush(link)
    if let end = reader.end { return .ended(end) }
    if let error { return .failed(code: error.code) }
    switch result {
    case .bytes, .wouldBlock: return nil
    case .endOfStream: return .failed(code: 0)
    case .failed(let error): return .failed(code: error.code)
    }
  }

  private mutating func answer() {
    let mask = nextMask()
    if let end = reader.end {
      guard output.freeCapacity >= 8 else { return }
      output.append { out in Frame.appendClose(code: end.answerCode, mask: mask, to: &out) }
      isOpen = false
    } else if let ping = reader.takePing(),
      output.freeCapacity >= FrameHeader.bytesMax + FrameHeader.controlBytesMax
    {
      // Without room there is a ping unanswered: the server hears nothing from us anyway.
      output.append { out in
        ping.withBytes { Frame.append(.pong, payload: $0, mask: mask, to: &out) }
      }
    }
  }

  /// Takes bytes of the session into a frame once the last one is sent; returns how many.
  mutating func write(_ bytes: Span<UInt8>, to link: borrowing TCPLink?) -> WriteResult {
    if let error = flush(link) { return .failed(error) }
    guard !hasOutput else { return .wouldBlock }
    let few = bytes.extracting(0..<min(bytes.count, output.capacity - FrameHeader.bytesMax))
    let mask = nextMask()
    output.append { out in Frame.append(.binary, payload: few, mask: mask, to: &out) }
    if let error = flush(link) { return .failed(error) }
    return .bytes(few.count)
  }

  /// Hands what waits to the system, as far as it takes it.
  mutating func flush(_ link: borrowing TCPLink?) -> SystemError? {
    guard hasOutput else { return nil }
    switch output.withBytes({ bytes in link?.write(bytes) ?? .wouldBlock }) {
    case .bytes(let count): output.consume(count)
    case .wouldBlock: break
    case .failed(let error): return error
    }
    return nil
  }

  /// Says close (1000: nothing is amiss), if that goes without waiting.
  mutating func close(_ link: borrowing TCPLink?) {
    guard isOpen, !hasOutput else { return }
    isOpen = false
    let mask = nextMask()
    output.append { out in Frame.appendClose(code: 1000, mask: mask, to: &out) }
    _ = flush(link)
  }

  private mutating func nextMask() -> MaskKey {
    MaskKey(UInt32(truncatingIfNeeded: chance.next() &>> 32))
  }
}
