import Core

/// Another server that a broker names (MQTT 5.0, section 4.11).
///
/// What stands there nobody has checked: it is read as strictly as a profile's URL, and it can name
/// another host, but no other way to it.
public struct ServerReference: BitwiseCopyable, Sendable {
  /// The longest host, in bytes.
  public static var hostBytesMax: Int { URLAuthority.hostBytesMax }

  /// Host name, or address without brackets.
  public let host: FixedText<253>
  /// The port; 0 for the one that belongs to the way.
  public let port: UInt16

  /// The first of the references in `text`, parted by spaces, that makes sense: a host or `[address]`, with a
  /// port or without, or a URL of the scheme of `kind` that says no more than that. Nil when there is
  /// none.
  public init?(_ text: Span<UInt8>, kind: Endpoint.Kind) {
    guard kind != .unix else { return nil }
    var start = 0
    while start < text.count {
      let end = URLAuthority.first(UInt8(ascii: " "), in: text, start..<text.count) ?? text.count
      if let place = Self.read(text.extracting(start..<end), kind) {
        host = FixedText(
          text.extracting(start + place.host.lowerBound..<start + place.host.upperBound))
        port = place.port
        return
      }
      start = end + 1
    }
    return nil
  }

  private static func read(
    _ word: Span<UInt8>, _ kind: Endpoint.Kind
  ) -> (host: Range<Int>, port: UInt16)? {
    if let url = try? BrokerURL(word) {
      guard url.endpoint.kind == kind, url.user.isEmpty, url.endpoint.path.isEmpty else {
        return nil
      }
      return (url.endpoint.host.range, url.endpoint.port)
    }
    guard let place = try? URLAuthority(word, 0..<word.count), place.user == nil else {
      return nil
    }
    return (place.host, place.port ?? 0)
  }
}
