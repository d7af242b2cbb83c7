/// What is wrong with a broker's or a proxy's URL.
public enum URLFault: UInt8, Error, BitwiseCopyable, Equatable, Sendable {
  /// No scheme with `://` behind it.
  case noURL
  /// A scheme that no broker is reached by.
  case scheme
  /// A user with a password: it would show in process lists and logs.
  case password
  /// The user name is empty or too long, or is none once its percent escapes are read.
  case user
  /// A bracket without its fellow.
  case brackets
  /// In the brackets is no IPv6 address.
  case address
  /// The host name is missing, or cannot be one.
  case host
  /// The port is no number from 1 to 65,535.
  case port
  /// The WebSocket's path cannot be one.
  case path
  /// The Unix socket's path cannot be one.
  case socketPath
  /// No URL of a proxy.
  case proxyScheme
  /// A proxy's URL without the port, which HTTP proxies have no common one of.
  case proxyPort
  /// Something behind the proxy's port.
  case proxyPath
  /// A colon in the user of an HTTP proxy (RFC 7617, section 2).
  case proxyUser

  /// The fault in words, and what to write instead. Never a part of the URL itself.
  public var text: StaticString {
    switch self {
    case .noURL: "expected a URL such as \"mqtt://broker.example:1883\""
    case .scheme:
      "expected a URL that begins with mqtt://, mqtts://, ws://, wss:// or unix://"
    case .password:
      """
      a password in a URL shows in process lists and logs: put it into a file and name that as \
      passwordFile
      """
    case .user:
      """
      the user name before @ is empty, or cannot be one: at most 256 bytes of UTF-8, with %40 for \
      @, %3A for : and %25 for %
      """
    case .brackets: "the host's brackets are not closed"
    case .address: "expected an IPv6 address in the brackets"
    case .host: "the host name is missing, or cannot be one"
    case .port:
      "expected a port from 1 to 65535 behind the host (an IPv6 address goes in brackets)"
    case .path:
      """
      the path has at most 512 bytes: visible ASCII without "#<>@[\\]^`{|}, which are written as \
      %23 and the like
      """
    case .socketPath:
      """
      expected unix:// and the socket's path from / on, as in unix:///run/broker.sock: at most 107 \
      bytes, without spaces, %, ?, # and @
      """
    case .proxyScheme: "expected a URL such as \"http://proxy.example:3128\" or \"socks5://...\""
    case .proxyPort: "expected the proxy's port behind its host, from 1 to 65535"
    case .proxyPath: "a proxy's URL ends with its port"
    case .proxyUser: "an HTTP proxy's user name has at most 255 bytes, and no colon"
    }
  }
}
