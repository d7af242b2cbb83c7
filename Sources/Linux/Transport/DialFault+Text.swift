import Core
import Dialing
import WebSocket

extension DialFault {
  /// Appends the fault's slug and what is known of its cause, such as
  /// "connect-failed (Connection refused)"; cut where `out` is full.
  public func describe(into out: inout OutputSpan<UInt8>) {
    withBytes(of: slug) { out.append(cutting: $0) }
    switch self {
    case .nameNotResolved(let code), .proxy(.nameNotResolved(let code)):
      SystemError.withText(ofResolution: code) { out.append(inBrackets: $0) }
    case .connectFailed(let code), .broken(let code), .proxy(.connectFailed(let code)),
      .proxy(.passwordFile(let code)):
      if code != 0 { SystemError.withText(of: code) { out.append(inBrackets: $0) } }
    case .timedOut(.webSocket): out.append(inBrackets: "no answer to the request for a WebSocket")
    case .timedOut(.proxy): out.append(inBrackets: "no answer from the proxy")
    case .proxy(.status(let status)): out.append(inBrackets: "HTTP status ", status)
    case .proxy(let fault): out.append(inBrackets: fault.words)
    case .tls(let fault):
      out.append(cutting: " (")
      let text = FixedText<240> { text in fault.describe(into: &text) }
      text.withBytes { out.append(cutting: $0) }
      out.append(cutting: ")")
    case .upgradeFailed(.status(let status)):
      out.append(inBrackets: "no WebSocket there: HTTP status ", status)
    case .upgradeFailed(let fault): out.append(inBrackets: "no WebSocket there: ", fault.words)
    case .webSocket(.closed(let code?)): out.append(inBrackets: "WebSocket status ", code)
    case .webSocket(.failed(let fault)): out.append(inBrackets: "WebSocket: ", fault.words)
    case .timedOut, .webSocket, .closedByPeer: break
    }
  }
}

extension LogLine {
  /// Appends the fault and what is known of its cause.
  public mutating func append(_ fault: DialFault) { append { fault.describe(into: &$0) } }
}

extension OutputSpan<UInt8> {
  @_lifetime(self: copy self)
  fileprivate mutating func append(inBrackets text: Span<UInt8>) {
    append(cutting: " (")
    append(cutting: text)
    append(cutting: ")")
  }

  @_lifetime(self: copy self)
  fileprivate mutating func append(inBrackets text: StaticString, _ more: StaticString = "") {
    append(cutting: " (")
    append(cutting: text)
    append(cutting: more)
    append(cutting: ")")
  }

  @_lifetime(self: copy self)
  fileprivate mutating func append(inBrackets text: StaticString, _ number: UInt16) {
    append(cutting: " (")
    append(cutting: text)
    if freeCapacity >= 20 { append(decimal: Int64(wide: Int(number))) }
    append(cutting: ")")
  }

  @_lifetime(self: copy self)
  fileprivate mutating func append(cutting literal: StaticString) {
    // Sound: a StaticString's bytes live as long as the program.
    let bytes = unsafe UnsafeBufferPointer(
      start: literal.utf8Start, count: literal.utf8CodeUnitCount)
    append(cutting: unsafe bytes.span)
  }
}

extension HandshakeFault {
  /// What is wrong with the server's answer, in words.
  fileprivate var words: StaticString {
    switch self {
    case .status: "it refuses"
    case .malformed: "the answer is not HTTP"
    case .tooLong: "the answer is too long"
    case .noUpgrade: "it does not upgrade"
    case .wrongAccept: "it does not answer our key"
    case .wrongProtocol: "it does not speak mqtt there"
    case .unwantedExtension: "it uses an extension"
    case .closed: "it closed the connection"
    }
  }
}

extension FrameFault {
  /// What the server has done, in words.
  fileprivate var words: StaticString {
    switch self {
    case .reservedBits, .reservedOpcode: "a frame of an unknown kind"
    case .wrongMasking: "a frame with a mask"
    case .fragmentedControl, .longControl: "a control frame in parts or too long"
    case .lengthNotMinimal, .lengthTooLarge: "a frame of a wrong length"
    case .wrongContinuation: "frames out of order"
    case .text: "text where bytes were expected"
    case .invalidClose, .malformedReason: "a wrong close frame"
    }
  }
}
