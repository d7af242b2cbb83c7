import Core

/// A proxy's URL, read strictly.
///
///     http://[user@]host:port
///     socks5://[user@]host[:1080]        socks5h:// is the same: the proxy resolves the broker's name
///
/// Its texts are places in the URL's own bytes.
public struct ProxyURL: BitwiseCopyable, Equatable, Sendable {
  /// Where the proxy is; without a login.
  public let proxy: Proxy
  /// The user's name as it is written; empty for none. `writeUser` reads its percent escapes.
  public let user: Text

  /// Reads `text`, all of it.
  public init(_ text: Span<UInt8>) throws(URLFault) {
    let start: Int
    let kind: Proxy.Kind
    do throws(URLFault) {
      let (scheme, rest) = try URLScheme.split(text)
      start = rest
      let name = text.extracting(scheme)
      if name.equalsIgnoringCase("http") {
        kind = .http
      } else if name.equalsIgnoringCase("socks5") || name.equalsIgnoringCase("socks5h") {
        kind = .socks5
      } else {
        throw .proxyScheme
      }
    } catch {
      throw .proxyScheme
    }
    var end = text.count
    if end > start, text[end - 1] == UInt8(ascii: "/") { end -= 1 }
    guard URLAuthority.first(UInt8(ascii: "/"), in: text, start..<end) == nil else {
      throw .proxyPath
    }
    let authority = try URLAuthority(text, start..<end)
    guard let port = authority.port ?? (kind == .socks5 ? 1080 : nil) else { throw .proxyPort }
    proxy = Proxy(kind, host: Text(authority.host), port: port)
    user = authority.user.map { Text($0) } ?? .empty
    let name = FixedText<256> { out in
      PercentEscapes.decode(text.extracting(user.range), into: &out)
    }
    guard name.count <= Proxy.userBytesMax else { throw .proxyUser }
    if kind == .http {
      for index in 0..<name.count where name[index] == UInt8(ascii: ":") { throw .proxyUser }
    }
  }

  /// Appends the user's name: `Proxy.userBytesMax` bytes at the most. `text` is the URL.
  public func writeUser(of text: Span<UInt8>, into out: inout OutputSpan<UInt8>) {
    PercentEscapes.decode(text.extracting(user.range), into: &out)
  }
}
