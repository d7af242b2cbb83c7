/// Why a proxy does not open the way to the broker.
public enum ProxyFault: BitwiseCopyable, Equatable, Sendable {
  /// The proxy's own name does not resolve (code: the resolver's).
  case nameNotResolved(code: Int32)
  /// No address of the proxy took the connection (code: errno of the last).
  case connectFailed(code: Int32)
  /// The file with the password cannot be read (code: errno).
  case passwordFile(code: Int32)
  /// The proxy wants a login, and has none that it takes: HTTP status 407 or 401, or what SOCKS has for it.
  case login
  /// HTTP: another status than 2xx.
  case status(UInt16)
  /// SOCKS: the proxy cannot, or must not, connect.
  case refused(SOCKSRefusal)
  /// It does not speak the protocol: the answer is no HTTP, or no SOCKS 5.
  case malformed
  /// HTTP: a head that does not end.
  case tooLong
  /// It closed the connection instead of an answer.
  case closed
}

/// A SOCKS proxy's reason not to connect: the reply field (RFC 1928, section 6).
public enum SOCKSRefusal: UInt8, BitwiseCopyable, Equatable, Sendable {
  /// X'01': general SOCKS server failure.
  case generalFailure = 1
  /// X'02': connection not allowed by ruleset.
  case notAllowed
  /// X'03'.
  case networkUnreachable
  /// X'04'. Many proxies mean by it that the broker's name does not resolve.
  case hostUnreachable
  /// X'05': the broker refuses the connection.
  case connectionRefused
  /// X'06': TTL expired.
  case timeToLiveExpired
  /// X'07'.
  case commandNotSupported
  /// X'08'.
  case addressTypeNotSupported
  /// A number that RFC 1928 has not assigned.
  case unassigned
}

extension ProxyFault {
  /// The fault in a word, as logs and statuses say it.
  public var slug: StaticString {
    switch self {
    case .nameNotResolved: "proxy-name-not-resolved"
    case .connectFailed: "proxy-connect-failed"
    case .passwordFile: "proxy-password-unreadable"
    case .login: "proxy-login-refused"
    case .status, .refused: "proxy-refused"
    case .malformed, .tooLong: "proxy-malformed"
    case .closed: "proxy-closed"
    }
  }

  /// What the proxy has done, in words; the number behind a status or an error number comes apart.
  public var words: StaticString {
    switch self {
    case .nameNotResolved: "the proxy's name does not resolve"
    case .connectFailed: "no connection to the proxy"
    case .passwordFile: "the proxy's password file cannot be read"
    case .login: "the proxy wants a login, or does not take this one"
    case .status: "the proxy answers with HTTP status"
    case .refused(let refusal): refusal.words
    case .malformed: "the answer is not a proxy's"
    case .tooLong: "the proxy's answer is too long"
    case .closed: "the proxy closed the connection"
    }
  }
}

extension SOCKSRefusal {
  /// The reason in words.
  public var words: StaticString {
    switch self {
    case .generalFailure: "the proxy says: general failure"
    case .notAllowed: "the proxy says: not allowed by its rules"
    case .networkUnreachable: "the proxy says: network unreachable"
    case .hostUnreachable: "the proxy says: host unreachable"
    case .connectionRefused: "the proxy says: connection refused"
    case .timeToLiveExpired: "the proxy says: time to live expired"
    case .commandNotSupported: "the proxy says: command not supported"
    case .addressTypeNotSupported: "the proxy says: address type not supported"
    case .unassigned: "the proxy says no, by a number that means nothing"
    }
  }
}
