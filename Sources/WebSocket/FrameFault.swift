/// Which side of the connection we are.
public enum Side: BitwiseCopyable, Equatable, Sendable {
  /// Masks what it sends (RFC 6455, section 5.1).
  case client
  /// Masks nothing.
  case server
}

/// What the other side has done wrong. The connection is to be failed with `closeCode`.
public enum FrameFault: UInt8, Error, BitwiseCopyable, Sendable {
  /// A reserved bit is set, though no extension was agreed on.
  case reservedBits
  /// An opcode that means nothing.
  case reservedOpcode
  /// A client's frame without a mask, or a server's with one.
  case wrongMasking
  /// A close, ping or pong in parts.
  case fragmentedControl
  /// A close, ping or pong of more than 125 bytes.
  case longControl
  /// A length in more bytes than it needs.
  case lengthNotMinimal
  /// A length of 2^63 or more.
  case lengthTooLarge
  /// A continuation of nothing, or a new message before the end of the last.
  case wrongContinuation
  /// A text message: MQTT goes in binary ones (MQTT 3.1.1, section 6).
  case text
  /// A close frame of one byte, or with a code that is never sent.
  case invalidClose
  /// A close frame whose words are not UTF-8.
  case malformedReason

  /// The status code that tells the other side (RFC 6455, section 7.4.1).
  public var closeCode: UInt16 {
    switch self {
    case .text: 1003
    case .malformedReason: 1007
    default: 1002
    }
  }
}

/// How a WebSocket has come to its end.
public enum FrameEnd: BitwiseCopyable, Equatable, Sendable {
  /// The other side has said close, with a status code or without.
  case closed(code: UInt16?)
  /// The other side has broken the rules.
  case failed(FrameFault)

  /// The status code to answer with; nil for a close frame without one.
  public var answerCode: UInt16? {
    switch self {
    case .closed(let code): code
    case .failed(let fault): fault.closeCode
    }
  }
}
