import Core

/// The way through a proxy, whichever it speaks, without I/O.
///
/// Send what `writeMessage` appends, hand what comes to `receive`, until `state` is no longer
/// `waiting`.
public struct ProxyHandshake: BitwiseCopyable, Sendable {
  /// How far it has come.
  public enum State: BitwiseCopyable, Equatable, Sendable {
    /// More is to be sent or received.
    case waiting
    /// The way is open; what follows comes from the broker.
    case open
    /// It stays closed.
    case failed(ProxyFault)
  }

  private enum Kind: BitwiseCopyable, Sendable {
    case http(HTTPConnect, isSent: Bool)
    case socks5(SOCKS5)
  }

  /// Room for anything that is sent at once.
  public static var messageBytesMax: Int {
    max(HTTPConnect.requestBytesMax, SOCKS5.messageBytesMax)
  }

  private var kind: Kind

  /// A handshake with such a proxy, of which nothing was sent.
  public init(_ proxy: Proxy) {
    switch proxy.kind {
    case .http: kind = .http(HTTPConnect(), isSent: false)
    case .socks5: kind = .socks5(SOCKS5(hasLogin: !proxy.user.isEmpty))
    }
  }

  /// What came of it so far.
  public var state: State {
    switch kind {
    case .http(let connect, _): connect.state
    case .socks5(let socks): socks.state
    }
  }

  /// True while `writeMessage` has something to append.
  public var hasMessage: Bool {
    switch kind {
    case .http(let connect, let isSent): !isSent && connect.state == .waiting
    case .socks5(let socks): socks.hasMessage
    }
  }

  /// Appends what is to be sent now, once: `messageBytesMax` bytes at the most, perhaps none.
  public mutating func writeMessage(_ target: ProxyTarget, into out: inout OutputSpan<UInt8>) {
    switch kind {
    case .http(let connect, let isSent):
      guard !isSent else { return }
      connect.writeRequest(target, into: &out)
      kind = .http(connect, isSent: true)
    case .socks5(var socks):
      socks.writeMessage(target, into: &out)
      kind = .socks5(socks)
    }
  }

  /// Takes bytes from the proxy; returns how many. See there.
  public mutating func receive(_ bytes: Span<UInt8>) -> Int {
    switch kind {
    case .http(var connect, let isSent):
      defer { kind = .http(connect, isSent: isSent) }
      return connect.receive(bytes)
    case .socks5(var socks):
      defer { kind = .socks5(socks) }
      return socks.receive(bytes)
    }
  }

  /// The proxy has closed the connection.
  public mutating func closed() {
    switch kind {
    case .http(var connect, let isSent):
      connect.closed()
      kind = .http(connect, isSent: isSent)
    case .socks5(var socks):
      socks.closed()
      kind = .socks5(socks)
    }
  }
}
