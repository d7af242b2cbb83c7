import Core
import TestSupport
import WebSocket

/// The answer to a request with the nonce "the sample nonce" (RFC 6455, section 1.3).
let sampleAccept = "s3pPLMBiTxaQ9kYGzzhZRbK+xOo="

/// The nonce of RFC 6455's example, whose key is dGhlIHNhbXBsZSBub25jZQ==.
let sampleNonce: InlineArray<16, UInt8> = [
  0x74, 0x68, 0x65, 0x20, 0x73, 0x61, 0x6D, 0x70, 0x6C, 0x65, 0x20, 0x6E, 0x6F, 0x6E, 0x63, 0x65,
]

/// A head of these lines.
func head(_ lines: String...) -> [UInt8] {
  utf8(lines.joined(separator: "\r\n") + "\r\n\r\n")
}

/// A server's proper answer to the sample request.
let properAnswer = head(
  "HTTP/1.1 101 Switching Protocols", "Upgrade: websocket", "Connection: Upgrade",
  "Sec-WebSocket-Accept: \(sampleAccept)", "Sec-WebSocket-Protocol: mqtt")

/// What comes of an answer, and how many of its bytes were taken, `step` bytes at a time.
func answered(_ bytes: [UInt8], step: Int = .max) -> (ClientHandshake.State, taken: Int) {
  var handshake = ClientHandshake(nonce: sampleNonce)
  var taken = 0
  while taken < bytes.count, handshake.state == .waiting {
    let end = step < bytes.count - taken ? taken + step : bytes.count
    taken += handshake.receive(bytes.span.extracting(taken..<end))
  }
  return (handshake.state, taken)
}

/// What comes of a request.
func requested(_ bytes: [UInt8]) -> ServerHandshake.State {
  var handshake = ServerHandshake()
  _ = handshake.receive(bytes.span)
  return handshake.state
}

/// A reader, and all that it has left of what it was given.
struct Unwrapped {
  var reader: FrameReader
  var bytes: [UInt8] = []
  var pings: [[UInt8]] = []

  init(side: Side) { reader = FrameReader(side: side) }

  /// Takes bytes behind `before` others, as into a buffer that is partly full.
  mutating func take(_ source: [UInt8], behind before: Int = 0) {
    let filler = [UInt8](repeating: 0xEE, count: before)
    let left = written(capacity: before + source.count) { out in
      out.append(contentsOf: filler.span)
      out.append(contentsOf: source.span)
      reader.unwrap(&out, from: before)
    }
    precondition(left.starts(with: filler))
    bytes += left.dropFirst(before)
    if let ping = reader.takePing() { pings.append(ping.withBytes { array($0) }) }
  }
}

/// What `side` makes of these bytes in one piece.
func unwrapped(_ source: [UInt8], side: Side = .client) -> Unwrapped {
  var unwrapped = Unwrapped(side: side)
  unwrapped.take(source)
  return unwrapped
}

/// A whole frame of one piece.
func frame(_ opcode: Opcode, _ payload: [UInt8], mask: MaskKey? = nil) -> [UInt8] {
  written(capacity: payload.count + FrameHeader.bytesMax) { out in
    Frame.append(opcode, payload: payload.span, mask: mask, to: &out)
  }
}
