import Core

/// Takes the frames off what a WebSocket has brought, in place and over any split of the bytes, so
/// that only the messages' own bytes are left.
///
///     | before |  header  payload  header  payload ...  |      what the socket has brought
///     | before |  payload payload ...  |                       what is left of it
///
/// Where one message ends and the next begins is lost, and means nothing to MQTT (MQTT 3.1.1,
/// section 6). Pings and the last word are kept for the owner.
public struct FrameReader: BitwiseCopyable, Sendable {
  /// The payload of a control frame.
  public typealias Payload = FixedText<125>

  /// A frame whose header is read.
  private struct Present: BitwiseCopyable, Sendable {
    var header: FrameHeader
    /// Bytes of its payload that have not come yet.
    var bytesLeft: UInt64
    /// Where in the mask's four bytes the next one falls.
    var maskIndex = 0

    mutating func nextMaskByte() -> UInt8 {
      guard let mask = header.mask else { return 0 }
      defer { maskIndex = (maskIndex + 1) & 3 }
      return mask[maskIndex]
    }
  }

  /// How the WebSocket ended; nil while it lives. What comes after the end is dropped.
  public private(set) var end: FrameEnd?
  private let side: Side
  private var header = FixedText<14>()
  private var present: Present?
  private var control = Payload()
  private var ping: Payload?
  /// True between the first and the last frame of a message.
  private var isInMessage = false

  /// A reader of what `side` receives.
  public init(side: Side) { self.side = side }

  /// The payload of the latest ping, once, for the pong that is due: an answer to the latest will
  /// do for those before it (RFC 6455, section 5.5.3).
  public mutating func takePing() -> Payload? {
    defer { ping = nil }
    return ping
  }

  /// Takes the frames off the bytes of `out` from `start` on.
  public mutating func unwrap(_ out: inout OutputSpan<UInt8>, from start: Int) {
    let count = out.count
    precondition(start >= 0 && start <= count)
    var left = start
    if count > start {
      var bytes = out.mutableSpan
      left = unwrap(&bytes, from: start)
    }
    out.removeLast(count - left)
  }

  /// Returns where the messages' bytes end.
  private mutating func unwrap(_ bytes: inout MutableSpan<UInt8>, from start: Int) -> Int {
    var source = start
    var target = start
    while source < bytes.count, end == nil {
      guard var frame = present else {
        takeHeader(bytes[source])
        source += 1
        continue
      }
      let available = UInt64(wide: bytes.count - source)
      let isWhole = frame.bytesLeft <= available
      let few = Int(truncatingIfNeeded: isWhole ? frame.bytesLeft : available)
      if frame.header.opcode.isControl {
        for index in source..<source + few {
          control.append(bytes[index] ^ frame.nextMaskByte())
        }
      } else {
        // Nothing to be done where the bytes are in their place, and as they are.
        if target != source || frame.header.mask != nil {
          for index in 0..<few {
            bytes[target + index] = bytes[source + index] ^ frame.nextMaskByte()
          }
        }
        target += few
      }
      source += few
      frame.bytesLeft &-= UInt64(wide: few)
      present = frame
      if isWhole { finish(frame.header) }
    }
    return target
  }

  private mutating func takeHeader(_ byte: UInt8) {
    header.append(byte)
    do throws(FrameFault) {
      let whole = try header.withBytes { (bytes) throws(FrameFault) in
        try FrameHeader.decode(bytes, at: side)
      }
      guard let whole else { return }
      header = FixedText()
      try begin(whole)
    } catch {
      end = .failed(error)
    }
  }

  private mutating func begin(_ header: FrameHeader) throws(FrameFault) {
    switch header.opcode {
    case .text: throw .text
    case .binary: guard !isInMessage else { throw .wrongContinuation }
    case .continuation: guard isInMessage else { throw .wrongContinuation }
    case .close, .ping, .pong: control = Payload()
    }
    if !header.opcode.isControl { isInMessage = !header.isFinal }
    present = Present(header: header, bytesLeft: header.payloadBytes)
    if header.payloadBytes == 0 { finish(header) }
  }

  private mutating func finish(_ header: FrameHeader) {
    present = nil
    switch header.opcode {
    case .ping: ping = control
    case .close: end = Self.lastWord(control)
    case .continuation, .text, .binary, .pong: break
    }
  }

  private static func lastWord(_ payload: Payload) -> FrameEnd {
    guard payload.count > 0 else { return .closed(code: nil) }
    guard payload.count >= 2 else { return .failed(.invalidClose) }
    let code = UInt16(payload[0]) << 8 | UInt16(payload[1])
    // Sections 7.4.1 and 7.4.2, and 1012 to 1014 of IANA's registry.
    switch code {
    case 1000...1003, 1007...1014, 3000...4999: break
    default: return .failed(.invalidClose)
    }
    let isText = payload.withBytes { bytes in bytes.extracting(2..<bytes.count).isUTF8 }
    return isText ? .closed(code: code) : .failed(.malformedReason)
  }
}
