import WebSocket

/// A step on the way to the broker that has a deadline of its own.
public enum DialStep: UInt8, BitwiseCopyable, Equatable, Sendable {
  /// Resolving the name of the broker or, where there is one, the proxy.
  case name
  /// Connecting to the broker.
  case connect
  /// Connecting to the proxy, and its answer.
  case proxy
  /// The TLS handshake.
  case tls
  /// The upgrade to a WebSocket.
  case webSocket
}

/// Why no way to the broker came about, or why it ended.
public enum DialFault: BitwiseCopyable, Equatable, Sendable {
  /// The broker's name does not resolve (code: the resolver's).
  case nameNotResolved(code: Int32)
  /// No address of the broker took the connection (code: errno of the last).
  case connectFailed(code: Int32)
  /// A step took too long.
  case timedOut(DialStep)
  /// The proxy does not open the way.
  case proxy(ProxyFault)
  /// TLS does not come about, or has ended as it must not.
  case tls(TLSFault)
  /// The connection does not become a WebSocket.
  case upgradeFailed(HandshakeFault)
  /// The WebSocket has ended: the broker closed it, or broke its rules.
  case webSocket(FrameEnd)
  /// The broker closed the connection.
  case closedByPeer
  /// The connection failed (code: errno).
  case broken(code: Int32)
}

extension DialFault {
  /// The fault in a word, as logs and statuses say it.
  public var slug: StaticString {
    switch self {
    case .nameNotResolved: "name-not-resolved"
    case .connectFailed: "connect-failed"
    case .timedOut(.name): "name-timed-out"
    case .timedOut(.connect): "connect-timed-out"
    case .timedOut(.proxy): "proxy-timed-out"
    case .timedOut(.tls): "tls-timed-out"
    case .timedOut(.webSocket): "upgrade-timed-out"
    case .proxy(let fault): fault.slug
    case .tls(let fault): fault.slug
    case .upgradeFailed(.status): "upgrade-refused"
    case .upgradeFailed: "upgrade-failed"
    case .webSocket(.closed), .closedByPeer: "closed-by-broker"
    case .webSocket(.failed): "malformed-frame"
    case .broken: "connection-failed"
    }
  }

  /// True when the peer has ended the connection without giving a reason.
  public var isByPeer: Bool {
    switch self {
    case .closedByPeer, .webSocket: true
    // Linux's EPIPE and ECONNRESET.
    case .broken(code: 32), .broken(code: 104): true
    default: false
    }
  }
}
