import Core

/// Where a broker is, and what the way to it consists of.
public struct Endpoint: BitwiseCopyable, Equatable, Sendable {
  /// What carries MQTT's bytes.
  public enum Kind: UInt8, BitwiseCopyable, Sendable {
    /// TCP alone: `mqtt://`.
    case tcp
    /// TLS over TCP: `mqtts://`.
    case tls
    /// A WebSocket over TCP: `ws://`.
    case webSocket
    /// A WebSocket over TLS over TCP: `wss://`.
    case secureWebSocket
    /// A stream socket of this machine: `unix://`.
    case unix

    /// The port that belongs to it: IANA's for mqtt, secure-mqtt, http and https; 0 where there is none.
    public var defaultPort: UInt16 {
      switch self {
      case .tcp: 1883
      case .tls: 8883
      case .webSocket: 80
      case .secureWebSocket: 443
      case .unix: 0
      }
    }

    /// The scheme of its URL.
    public var scheme: StaticString {
      switch self {
      case .tcp: "mqtt"
      case .tls: "mqtts"
      case .webSocket: "ws"
      case .secureWebSocket: "wss"
      case .unix: "unix"
      }
    }

    /// True where TLS is part of it.
    public var usesTLS: Bool { self == .tls || self == .secureWebSocket }

    /// True where a WebSocket is part of it.
    public var usesWebSocket: Bool { self == .webSocket || self == .secureWebSocket }
  }

  /// What the way consists of.
  public var kind: Kind
  /// Host name, or address without brackets; empty for a Unix socket.
  public var host: Text
  /// The port; 0 for a Unix socket.
  public var port: UInt16
  /// Where the WebSocket is on its server (empty: at `defaultPath`), or the Unix socket's file.
  public var path: Text

  /// The path at which brokers offer a WebSocket unless something else is said.
  public static var defaultPath: StaticString { "/mqtt" }

  /// An endpoint; port 0 stands for the one that belongs to `kind`.
  public init(_ kind: Kind, host: Text, port: UInt16 = 0, path: Text = .empty) {
    self.kind = kind
    self.host = host
    self.port = port == 0 ? kind.defaultPort : port
    self.path = path
  }
}

/// A proxy that opens the way to a broker.
public struct Proxy: BitwiseCopyable, Equatable, Sendable {
  /// The protocol in which it is asked.
  public enum Kind: UInt8, BitwiseCopyable, Sendable {
    /// HTTP/1.1's CONNECT (RFC 9110, section 9.3.6): `http://`.
    case http
    /// SOCKS 5 (RFC 1928): `socks5://`. The proxy resolves the broker's name.
    case socks5
  }

  /// How it is asked.
  public var kind: Kind
  /// Host name, or address without brackets.
  public var host: Text
  /// The port.
  public var port: UInt16
  /// Name to log in with; empty for none.
  public var user = Text.empty
  /// File that holds the password in its first line; empty for none. Read at each attempt.
  public var passwordFile = Text.empty

  /// The longest user name, in bytes (RFC 1929, section 2).
  public static var userBytesMax: Int { 255 }
  /// The longest password, in bytes (RFC 1929, section 2).
  public static var passwordBytesMax: Int { 255 }

  /// A proxy without a login.
  public init(_ kind: Kind, host: Text, port: UInt16) {
    self.kind = kind
    self.host = host
    self.port = port
  }
}
