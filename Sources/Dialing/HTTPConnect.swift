import Core
import WebSocket

/// HTTP/1.1's CONNECT (RFC 9110, section 9.3.6), the client's side, without I/O: one request, and the
/// proxy's answer, read as it comes.
public struct HTTPConnect: BitwiseCopyable, Sendable {
  /// Room for any request.
  public static var requestBytesMax: Int { 1408 }

  /// What came of the answer so far.
  public private(set) var state = ProxyHandshake.State.waiting
  private var head = HeadReader()
  private var status: UInt16?

  /// A handshake of which nothing was sent.
  public init() {}

  /// Appends the request. With a user it logs in by "Basic" (RFC 7617) right away: a proxy that would
  /// ask first closes the connection then.
  public func writeRequest(_ target: ProxyTarget, into out: inout OutputSpan<UInt8>) {
    precondition(out.freeCapacity >= Self.requestBytesMax)
    out.append(literal: "CONNECT ")
    Self.write(target, into: &out)
    out.append(literal: " HTTP/1.1\r\nHost: ")
    Self.write(target, into: &out)
    if !target.user.isEmpty {
      out.append(literal: "\r\nProxy-Authorization: Basic ")
      let login = FixedText<511> { login in
        login.append(contentsOf: target.user)
        login.append(UInt8(ascii: ":"))
        login.append(contentsOf: target.password)
      }
      login.withBytes { out.append(base64: $0) }
    }
    out.append(literal: "\r\n\r\n")
  }

  /// The port is always there: "host:port" is what CONNECT takes.
  private static func write(_ target: ProxyTarget, into out: inout OutputSpan<UInt8>) {
    out.append(hostOfURL: target.host)
    out.append(literal: ":")
    out.append(decimal: Int64(wide: Int(target.port)))
  }

  /// Takes bytes from the proxy up to the end of its answer; returns how many these were. All that is
  /// left comes from the broker.
  public mutating func receive(_ bytes: Span<UInt8>) -> Int {
    var count = 0
    while count < bytes.count, state == .waiting {
      step(head.take(bytes[count]))
      count += 1
    }
    return count
  }

  /// The proxy has closed the connection.
  public mutating func closed() {
    if state == .waiting { state = .failed(.closed) }
  }

  private mutating func step(_ step: HeadReader.Step) {
    switch step {
    case .more: break
    case .malformed: state = .failed(.malformed)
    case .tooLong: state = .failed(.tooLong)
    case .line: head.line.withBytes { takeLine($0, isCut: head.line.isCut) }
    case .end: finish()
    }
  }

  private mutating func takeLine(_ line: Span<UInt8>, isCut: Bool) {
    guard status != nil else {
      // HTTP/1.0 is what small proxies answer with.
      status = StatusLine(line)?.status
      guard let status else { return state = .failed(.malformed) }
      // The fields of a refusal do not matter any more.
      switch status {
      case 100, 102...199, 200...299: break
      // 401 would be the broker's word, of whom nothing is heard here: tinyproxy says it of a wrong
      // password.
      case 401, 407: state = .failed(.login)
      default: state = .failed(.status(status))
      }
      return
    }
    // No field changes what a 2xx means here: what follows the head is the broker's, whatever
    // Content-Length says.
    if HeadField(line) == nil, !isCut { state = .failed(.malformed) }
  }

  private mutating func finish() {
    guard let status else { return state = .failed(.malformed) }
    // An interim answer (RFC 9110, section 15.2): the real one follows, and both count for the
    // longest head.
    if status < 200 { self.status = nil } else { state = .open }
  }
}
