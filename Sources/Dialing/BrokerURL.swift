import Core
import WebSocket

/// A broker's URL, read strictly: each part means something, or the URL is refused.
///
///     mqtt://[user@]host[:1883]          tcp:// is the same
///     mqtts://[user@]host[:8883]         ssl:// and tls:// are the same
///     ws://[user@]host[:80][/mqtt]
///     wss://[user@]host[:443][/mqtt]
///     unix://[user@]/path
///
/// Its texts are places in the URL's own bytes.
public struct BrokerURL: BitwiseCopyable, Equatable, Sendable {
  /// The longest user name, in bytes: CONNECT fits the smallest packet buffer with it.
  public static var userBytesMax: Int { 256 }
  /// The longest path of a Unix socket, in bytes (unix(7)).
  public static var socketPathBytesMax: Int { 107 }

  /// Where the broker is.
  public let endpoint: Endpoint
  /// The user's name as it is written; empty for none. `writeUser` reads its percent escapes.
  public let user: Text

  /// Reads `text`, all of it.
  public init(_ text: Span<UInt8>) throws(URLFault) {
    let (scheme, start) = try URLScheme.split(text)
    guard let kind = Self.kind(text.extracting(scheme)) else { throw .scheme }
    if kind == .unix {
      (endpoint, user) = try Self.unix(text, start)
      return
    }
    var end = text.count
    var path = Text.empty
    if kind.usesWebSocket {
      end = URLAuthority.first(UInt8(ascii: "/"), in: text, start..<end) ?? end
      path = try Self.path(text, end..<text.count)
    } else if end > start, text[end - 1] == UInt8(ascii: "/") {
      end -= 1
    }
    let authority = try URLAuthority(text, start..<end)
    endpoint = Endpoint(
      kind, host: Text(authority.host), port: authority.port ?? 0, path: path)
    user = authority.user.map { Text($0) } ?? .empty
  }

  /// Appends the user's name: `userBytesMax` bytes at the most. `text` is the URL.
  public func writeUser(of text: Span<UInt8>, into out: inout OutputSpan<UInt8>) {
    PercentEscapes.decode(text.extracting(user.range), into: &out)
  }

  private static func kind(_ scheme: Span<UInt8>) -> Endpoint.Kind? {
    if scheme.equalsIgnoringCase("mqtt") || scheme.equalsIgnoringCase("tcp") { return .tcp }
    if scheme.equalsIgnoringCase("mqtts") || scheme.equalsIgnoringCase("ssl")
      || scheme.equalsIgnoringCase("tls")
    {
      return .tls
    }
    if scheme.equalsIgnoringCase("ws") { return .webSocket }
    if scheme.equalsIgnoringCase("wss") { return .secureWebSocket }
    return scheme.equalsIgnoringCase("unix") ? .unix : nil
  }

  /// RFC 3986, sections 3.3 and 3.4. @ is legal there, but would rather be a login gone astray.
  private static func path(_ text: Span<UInt8>, _ range: Range<Int>) throws(URLFault) -> Text {
    guard range.count <= ClientHandshake.pathBytesMax else { throw .path }
    for index in range {
      switch text[index] {
      case 0...0x20, 0x7F...0xFF, UInt8(ascii: "\""), UInt8(ascii: "#"), UInt8(ascii: "<"),
        UInt8(ascii: ">"), UInt8(ascii: "@"), UInt8(ascii: "["), UInt8(ascii: "\\"),
        UInt8(ascii: "]"), UInt8(ascii: "^"), UInt8(ascii: "`"), UInt8(ascii: "{"),
        UInt8(ascii: "|"), UInt8(ascii: "}"):
        throw .path
      default: break
      }
    }
    return range.isEmpty ? .empty : Text(range)
  }

  private static func unix(
    _ text: Span<UInt8>, _ start: Int
  ) throws(URLFault) -> (Endpoint, Text) {
    guard let slash = URLAuthority.first(UInt8(ascii: "/"), in: text, start..<text.count) else {
      throw .socketPath
    }
    var user = Text.empty
    if slash > start {
      guard text[slash - 1] == UInt8(ascii: "@") else { throw .socketPath }
      let name = start..<slash - 1
      guard URLAuthority.first(UInt8(ascii: ":"), in: text, name) == nil else { throw .password }
      try PercentEscapes.check(text.extracting(name), longest: userBytesMax)
      user = Text(name)
    }
    let path = slash..<text.count
    guard path.count > 1, path.count <= socketPathBytesMax else { throw .socketPath }
    for index in path {
      switch text[index] {
      case 0...0x20, 0x7F, UInt8(ascii: "%"), UInt8(ascii: "?"), UInt8(ascii: "#"),
        UInt8(ascii: "@"):
        throw .socketPath
      default: break
      }
    }
    return (Endpoint(.unix, host: .empty, path: Text(path)), user)
  }
}

/// The beginning of a URL.
enum URLScheme {
  /// Where the scheme is, and where the part behind `://` begins.
  static func split(_ text: Span<UInt8>) throws(URLFault) -> (scheme: Range<Int>, rest: Int) {
    guard let colon = URLAuthority.first(UInt8(ascii: ":"), in: text, 0..<text.count),
      text.count - colon >= 3, text.extracting(colon..<colon + 3).equals("://")
    else { throw .noURL }
    return (0..<colon, colon + 3)
  }
}
