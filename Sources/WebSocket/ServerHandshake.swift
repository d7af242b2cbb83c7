import Core

/// The server's side of the opening handshake (RFC 6455, section 4.2): the client's request, read as
/// it comes, and the answer.
public struct ServerHandshake: BitwiseCopyable, Sendable {
  /// How far the client's request has come.
  public enum State: BitwiseCopyable, Equatable, Sendable {
    /// It is not whole yet.
    case waiting
    /// A proper one for an MQTT WebSocket at `path`: answer with `writeAcceptance`, or refuse it.
    case requested
    /// Answer with `writeRefusal` of this HTTP status, and close.
    case refused(UInt16)
  }

  /// Room for any answer.
  public static var answerBytesMax: Int { 192 }

  /// What came of the request so far.
  public private(set) var state = State.waiting
  /// The path, with its query, once the first line was read.
  public private(set) var path = FixedText<512>()
  private var head = HeadReader()
  private var isFirstLine = true
  private var key: HandshakeKey?
  private var hasHost = false
  private var upgrades = false
  private var connects = false
  private var isVersion13 = false
  private var offersMQTT = false

  /// A handshake of which nothing has come.
  public init() {}

  /// Takes bytes from the client up to the end of its request; returns how many these were.
  public mutating func receive(_ bytes: Span<UInt8>) -> Int {
    var count = 0
    while count < bytes.count, state == .waiting {
      step(head.take(bytes[count]))
      count += 1
    }
    return count
  }

  /// Appends the answer to a proper request.
  public func writeAcceptance(into out: inout OutputSpan<UInt8>) {
    guard let key, state == .requested else { preconditionFailure("nothing was requested") }
    out.append(literal: "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n")
    out.append(literal: "Connection: Upgrade\r\nSec-WebSocket-Accept: ")
    key.accept.write(into: &out)
    out.append(literal: "\r\nSec-WebSocket-Protocol: mqtt\r\n\r\n")
  }

  /// Appends a refusal with an HTTP status of 400 or more.
  public static func writeRefusal(_ status: UInt16, into out: inout OutputSpan<UInt8>) {
    out.append(literal: "HTTP/1.1 ")
    out.append(decimal: Int64(wide: Int(status)))
    switch status {
    case 404: out.append(literal: " Not Found")
    case 405: out.append(literal: " Method Not Allowed")
    case 426: out.append(literal: " Upgrade Required\r\nUpgrade: websocket")
    case 431: out.append(literal: " Request Header Fields Too Large")
    default: out.append(literal: " Bad Request")
    }
    if status == 426 { out.append(literal: "\r\nSec-WebSocket-Version: 13") }
    out.append(literal: "\r\nConnection: close\r\nContent-Length: 0\r\n\r\n")
  }

  private mutating func step(_ step: HeadReader.Step) {
    switch step {
    case .more: break
    case .malformed: state = .refused(400)
    case .tooLong: state = .refused(431)
    case .line:
      let line = head.line
      line.withBytes { bytes in
        if isFirstLine {
          takeRequest(bytes, isCut: line.isCut)
        } else {
          takeField(bytes, isCut: line.isCut)
        }
      }
    case .end: state = finish()
    }
  }

  /// "GET /mqtt HTTP/1.1"
  private mutating func takeRequest(_ line: Span<UInt8>, isCut: Bool) {
    isFirstLine = false
    guard line.count > 4, line.extracting(0..<4).equals("GET ") else {
      state = .refused(405)
      return
    }
    var end = 4
    while end < line.count, line[end] > 0x20, line[end] < 0x7F { end += 1 }
    let target = line.extracting(4..<end)
    guard !isCut, target.count > 0, target[0] == UInt8(ascii: "/"),
      line.extracting(end..<line.count).equals(" HTTP/1.1")
    else {
      state = .refused(400)
      return
    }
    path = FixedText(target)
    if path.isCut { state = .refused(431) }
  }

  private mutating func takeField(_ line: Span<UInt8>, isCut: Bool) {
    guard let field = HeadField(line) else {
      state = .refused(isCut ? 431 : 400)
      return
    }
    let name = line.extracting(field.name)
    let value = line.extracting(field.value)
    if name.equalsIgnoringCase("host") {
      // RFC 9112, section 3.2: just one.
      if hasHost { state = .refused(400) }
      hasHost = true
    } else if name.equalsIgnoringCase("upgrade") {
      upgrades = upgrades || value.lists("websocket")
    } else if name.equalsIgnoringCase("connection") {
      connects = connects || value.lists("upgrade")
    } else if name.equalsIgnoringCase("sec-websocket-key") {
      guard key == nil, let key = HandshakeKey(value) else {
        state = .refused(400)
        return
      }
      self.key = key
    } else if name.equalsIgnoringCase("sec-websocket-version") {
      isVersion13 = value.equals("13")
    } else if name.equalsIgnoringCase("sec-websocket-protocol") {
      offersMQTT = offersMQTT || value.lists("mqtt")
    }
  }

  private func finish() -> State {
    guard !isFirstLine, hasHost else { return .refused(400) }
    guard upgrades && connects && isVersion13 else { return .refused(426) }
    return key != nil && offersMQTT ? .requested : .refused(400)
  }
}
