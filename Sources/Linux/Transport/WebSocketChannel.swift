import CLinux
import Core
import Dialing
import WebSocket

/// What makes the way to the broker a WebSocket: the upgrade, then frames both ways.
///
/// The session's output goes masked into one frame at a time, and answers to pings and to the close
/// between them. What is received is unwrapped in the session's own buffer.
struct WebSocketChannel: ~Copyable {
  /// How far the upgrade has come.
  enum Upgrade: BitwiseCopyable {
    case waiting
    case open
    case failed(DialFault)
  }

  private var chance: Generator
  private var handshake = ClientHandshake(nonce: InlineArray(repeating: 0))
  private var reader = FrameReader(side: .client)
  private var isOpen = false

  /// A close frame with a mask.
  private static var closeBytes: Int { 8 }

  /// Room in the wire's output for anything that the channel has to send.
  static func outputBytes(_ spec: DialSpec) -> Int {
    max(
      ClientHandshake.requestBytesMax + Int(spec.webSocketFields.count),
      spec.writeBytes + FrameHeader.bytesMax + closeBytes)
  }

  /// A channel that is not open. `seed` is of the kernel's randomness: masks must not be foreseen
  /// (RFC 6455, section 5.3).
  init(seed: UInt64) { chance = Generator(seed: seed) }

  // MARK: The upgrade

  /// The way below stands: has the request wait to be sent.
  mutating func begin(_ spec: DialSpec, _ texts: borrowing TextPool, _ wire: inout Wire) {
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
    isOpen = false
    let request = handshake
    wire.append { out in
      texts.withBytes(of: spec.endpoint.host) { host in
        texts.withBytes(of: spec.webSocketFields) { fields in
          Self.withPath(spec, texts) { path in
            request.writeRequest(
              host: host, port: spec.endpoint.port, path: path,
              isSecure: spec.endpoint.kind.usesTLS, fields: fields, into: &out)
          }
        }
      }
    }
  }

  private static func withPath(
    _ spec: DialSpec, _ texts: borrowing TextPool, _ body: (Span<UInt8>) -> Void
  ) {
    let path = spec.endpoint.path
    if path.isEmpty {
      withBytes(of: Endpoint.defaultPath, body)
    } else {
      texts.withBytes(of: path, body)
    }
  }

  /// Reads the server's answer, as far as it is there.
  mutating func upgrade(_ wire: inout Wire) -> Upgrade {
    while handshake.state == .waiting {
      var result = WireRead.wouldBlock
      let chunk = wire.read(&result)
      switch result {
      case .bytes:
        chunk.withBytes { bytes in
          let count = handshake.receive(bytes)
          wire.putBack(bytes.extracting(count..<bytes.count))
        }
      case .wouldBlock: return .waiting
      case .endOfStream: handshake.closed()
      // What a broker does that takes the request for a bad CONNECT.
      case .failed(.broken(ECONNRESET)): handshake.closed()
      case .failed(let fault): return .failed(fault)
      }
    }
    if case .failed(let fault) = handshake.state { return .failed(.upgradeFailed(fault)) }
    isOpen = true
    return .open
  }

  // MARK: Frames

  /// Appends the messages' bytes among those that have arrived, and answers what is to be answered.
  mutating func read(_ wire: inout Wire, into out: inout OutputSpan<UInt8>) -> DialFault? {
    let start = out.count
    let result = wire.read(into: &out)
    reader.unwrap(&out, from: start)
    answer(&wire)
    let fault = wire.flush()
    if let end = reader.end { return .webSocket(end) }
    if let fault { return fault }
    switch result {
    case .bytes, .wouldBlock: return nil
    case .endOfStream: return .closedByPeer
    case .failed(let fault): return fault
    }
  }

  private mutating func answer(_ wire: inout Wire) {
    let mask = nextMask()
    if let end = reader.end {
      guard isOpen, wire.freeOutput >= Self.closeBytes else { return }
      isOpen = false
      wire.append { out in Frame.appendClose(code: end.answerCode, mask: mask, to: &out) }
    } else if let ping = reader.takePing(), isOpen,
      wire.freeOutput >= FrameHeader.bytesMax + FrameHeader.controlBytesMax
    {
      // Without room there is a ping unanswered: the server hears nothing from us anyway.
      wire.append { out in
        ping.withBytes { Frame.append(.pong, payload: $0, mask: mask, to: &out) }
      }
    }
  }

  /// Takes bytes of the session into a frame once the last one is sent; returns how many.
  mutating func write(_ bytes: Span<UInt8>, to wire: inout Wire, fault: inout DialFault?) -> Int {
    fault = wire.flush()
    guard isOpen, fault == nil, !wire.hasOutput, !bytes.isEmpty else { return 0 }
    // Room stays for a close behind it.
    let room = wire.outputCapacity - FrameHeader.bytesMax - Self.closeBytes
    let few = bytes.extracting(0..<min(bytes.count, room))
    let mask = nextMask()
    wire.append { out in Frame.append(.binary, payload: few, mask: mask, to: &out) }
    fault = wire.flush()
    return few.count
  }

  /// Has a close (1000: nothing is amiss) wait to be sent, behind all that was written.
  mutating func close(_ wire: inout Wire) {
    guard isOpen, wire.freeOutput >= Self.closeBytes else { return }
    isOpen = false
    let mask = nextMask()
    wire.append { out in Frame.appendClose(code: 1000, mask: mask, to: &out) }
  }

  private mutating func nextMask() -> MaskKey {
    MaskKey(UInt32(truncatingIfNeeded: chance.next() &>> 32))
  }
}
