import Core
import WebSocket

extension ProfileReader {
  /// What is wrong with a broker's URL, in words; nil when it is good.
  public static func fault(ofBrokerURL url: [UInt8]) -> String? {
    var fault = ""
    return BrokerURL(url, fault: &fault) == nil ? fault : nil
  }
}

/// The broker's URL: `mqtt://user@host:1883`, or `ws://user@host:80/mqtt` for a WebSocket.
struct BrokerURL {
  /// The longest user name: CONNECT fits the smallest packet buffer with it.
  static var userBytesMax: Int { 256 }

  var host: [UInt8] = []
  var port: UInt16 = 1883
  var user: [UInt8] = []
  /// Where the connection becomes a WebSocket; empty for mqtt://.
  var path: [UInt8] = []

  /// The URL in `text`, or in `fault` what is wrong with it.
  init?(_ text: [UInt8], fault: inout String) {
    guard let colon = text.firstIndex(of: UInt8(ascii: ":")),
      text[colon...].starts(with: bytes("://"))
    else {
      fault = "expected a URL such as \"mqtt://broker.example:1883\""
      return nil
    }
    let scheme = Array(text[..<colon])
    let isWebSocket = scheme == bytes("ws")
    guard isWebSocket || scheme == bytes("mqtt") || scheme == bytes("tcp") else {
      let later: [StaticString] = ["mqtts", "ssl", "wss", "unix"]
      fault =
        later.contains { bytes($0) == scheme }
        ? "this version speaks mqtt:// and ws:// only: TLS and Unix sockets are not there yet"
        : "expected a URL that begins with mqtt:// or ws://"
      return nil
    }
    var rest = Array(text[(colon + 3)...])
    if isWebSocket {
      port = 80
      guard takePath(&rest, &fault) else { return nil }
    } else if rest.last == UInt8(ascii: "/") {
      rest.removeLast()
    }
    if let at = rest.firstIndex(of: UInt8(ascii: "@")) {
      user = Array(rest[..<at])
      rest = Array(rest[(at + 1)...])
      guard !user.contains(UInt8(ascii: ":")) else {
        fault = "a password in a URL shows in process lists and logs: put it into a file and name "
        fault += "that as passwordFile"
        return nil
      }
      guard !user.isEmpty, user.count <= Self.userBytesMax, !user.contains(0) else {
        fault = "the user name before @ is empty, or cannot be one"
        return nil
      }
    }
    guard let end = Self.endOfHost(rest) else {
      fault = "the host's brackets are not closed"
      return nil
    }
    host = Array(rest[..<end])
    if host.first == UInt8(ascii: "[") { host = Array(host.dropFirst().dropLast()) }
    let others = bytes(" /?#@\\")
    guard !host.isEmpty, host.count <= 253, host.allSatisfy({ $0 > 0x20 && !others.contains($0) })
    else {
      fault = "the host name is missing, or cannot be one"
      return nil
    }
    guard end < rest.count else { return }
    var number = 0
    let digits = rest[(end + 1)...]
    for byte in digits {
      guard byte >= UInt8(ascii: "0"), byte <= UInt8(ascii: "9"), number < 100_000 else {
        number = 0
        break
      }
      number = number * 10 + Int(byte - UInt8(ascii: "0"))
    }
    guard rest[end] == UInt8(ascii: ":"), number >= 1, number <= 65_535 else {
      fault = "expected a port from 1 to 65535 behind the host"
      return nil
    }
    port = UInt16(truncatingIfNeeded: number)
  }

  /// Moves what begins with the first slash, if anything, from `rest` to `path`.
  private mutating func takePath(_ rest: inout [UInt8], _ fault: inout String) -> Bool {
    path = bytes("/mqtt")
    guard let slash = rest.firstIndex(of: UInt8(ascii: "/")) else { return true }
    path = Array(rest[slash...])
    rest = Array(rest[..<slash])
    // RFC 3986, sections 3.3 and 3.4. @ is legal there, but would rather be a login gone astray.
    let others = bytes("\"#<>@[\\]^`{|}")
    guard path.count <= ClientHandshake.pathBytesMax,
      path.allSatisfy({ $0 > 0x20 && $0 < 0x7F && !others.contains($0) })
    else {
      fault = "the path has at most 512 bytes: visible ASCII without \"#<>@[\\]^`{|}, which are "
      fault += "written as %23 and the like"
      return false
    }
    return true
  }

  private static func endOfHost(_ text: [UInt8]) -> Int? {
    if text.first == UInt8(ascii: "[") {
      return text.firstIndex(of: UInt8(ascii: "]")).map { $0 + 1 }
    }
    return text.firstIndex(of: UInt8(ascii: ":")) ?? text.count
  }
}
