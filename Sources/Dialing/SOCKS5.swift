import Core

/// SOCKS 5's CONNECT (RFC 1928), the client's side, without I/O, with a login by user name and
/// password (RFC 1929) where there is one.
///
/// | step     | we send                   | we wait for                                   |
/// |----------|---------------------------|-----------------------------------------------|
/// | greeting | the methods that we have  | the one that the proxy chooses                |
/// | login    | user and password         | 0 for "welcome"                               |
/// | request  | CONNECT, host and port    | 0 for "connected", and the address behind it  |
public struct SOCKS5: BitwiseCopyable, Sendable {
  /// Room for anything that is sent at once.
  public static var messageBytesMax: Int { 513 }

  private enum Step: UInt8, BitwiseCopyable, Sendable { case greeting, login, request }

  /// What came of the answers so far.
  public private(set) var state = ProxyHandshake.State.waiting
  private var step = Step.greeting
  private var hasOutput = true
  private let hasLogin: Bool
  /// The answer so far: a header, an address of up to 255 bytes, a port.
  private var answer = FixedText<262>()

  /// A handshake of which nothing was sent; `hasLogin` when there is a user.
  public init(hasLogin: Bool) { self.hasLogin = hasLogin }

  /// True while `writeMessage` has something to append.
  public var hasMessage: Bool { hasOutput && state == .waiting }

  /// Appends what is to be sent now, once: `messageBytesMax` bytes at the most, perhaps none.
  public mutating func writeMessage(_ target: ProxyTarget, into out: inout OutputSpan<UInt8>) {
    guard hasMessage else { return }
    precondition(out.freeCapacity >= Self.messageBytesMax)
    hasOutput = false
    switch step {
    case .greeting:
      out.append(5)
      if hasLogin { out.append(2) } else { out.append(1) }
      out.append(0)  // no authentication required
      if hasLogin { out.append(2) }  // user name and password
    case .login:
      out.append(1)
      out.append(UInt8(target.user.count))
      out.append(contentsOf: target.user)
      out.append(UInt8(target.password.count))
      out.append(contentsOf: target.password)
    case .request:
      out.append(5)
      out.append(1)  // CONNECT
      out.append(0)
      Self.write(target, into: &out)
      out.append(bigEndian: target.port)
    }
  }

  private static func write(_ target: ProxyTarget, into out: inout OutputSpan<UInt8>) {
    guard let address = target.address else {
      out.append(3)  // a name, which the proxy resolves
      out.append(UInt8(target.host.count))
      return out.append(contentsOf: target.host)
    }
    out.append(address.isV6 ? 4 : 1)
    for index in 0..<(address.isV6 ? 16 : 4) { out.append(address.bytes[index]) }
  }

  /// Takes bytes from the proxy up to the end of its present answer, but none before our message to
  /// it was written; returns how many these were. Once `state` is open, all that is left comes from
  /// the broker.
  public mutating func receive(_ bytes: Span<UInt8>) -> Int {
    var count = 0
    while count < bytes.count, state == .waiting, !hasOutput {
      answer.append(bytes[count])
      count += 1
      take()
    }
    return count
  }

  /// The proxy has closed the connection.
  public mutating func closed() {
    if state == .waiting { state = .failed(.closed) }
  }

  private mutating func take() {
    // The first byte tells an answer from anything else, before there is more of it.
    guard answer[0] == (step == .login ? 1 : 5) else { return state = .failed(.malformed) }
    switch step {
    case .greeting:
      guard answer.count == 2 else { return }
      switch answer[1] {
      case 0: proceed(to: .request)
      case 2 where hasLogin: proceed(to: .login)
      case 0xFF: state = .failed(.login)
      default: state = .failed(.malformed)
      }
    case .login:
      guard answer.count == 2 else { return }
      if answer[1] == 0 { proceed(to: .request) } else { state = .failed(.login) }
    case .request: takeReply()
    }
  }

  private mutating func proceed(to next: Step) {
    step = next
    hasOutput = true
    answer = FixedText()
  }

  /// RFC 1928, section 6. The address is the proxy's own, and means nothing here.
  private mutating func takeReply() {
    if answer.count == 2, answer[1] != 0 {
      // The rest of a refusal may never come.
      return state = .failed(.refused(SOCKSRefusal(rawValue: answer[1]) ?? .unassigned))
    }
    guard answer.count >= 5 else { return }
    let addressBytes: Int
    switch answer[3] {
    case 1: addressBytes = 4
    case 3: addressBytes = 1 + Int(answer[4])
    case 4: addressBytes = 16
    default: return state = .failed(.malformed)
    }
    if answer.count == 4 + addressBytes + 2 { state = .open }
  }
}
