import ArgumentParser
import Core
import Dialing
import Linux

/// Where the broker is, and what the way to it consists of.
extension ConnectionArguments {
  func readWay(_ meaning: inout Meaning) throws {
    var way = TransportSettings()
    way.host = Array(host.utf8)
    way.port = port ?? 0
    if ws { way.kind = .webSocket }
    if let wsPath { way.path = Array(wsPath.utf8) }
    if wantsTLS { way.tls = TransportSettings.TLSSettings() }
    if let url { try read(url, &way, &meaning) }
    if let unix {
      guard url == nil, !ws, way.tls == nil else {
        throw ValidationError("--unix goes without -L, --ws and TLS")
      }
      way.kind = .unix
      way.path = Array(unix.utf8)
    }
    for line in header {
      guard (try? way.addHeader(Array(line.utf8)[...])) != nil else {
        throw ValidationError("--header: expected Name:value, and none of the handshake's own")
      }
    }
    if let proxy {
      guard (try? way.setProxy(Array(proxy.utf8))) != nil else {
        throw ValidationError("--proxy: not a URL such as socks5h://user@host:1080")
      }
    }
    try readTLS(&way)
    guard (try? way.spec(writeBytes: 2_048)) != nil else {
      throw ValidationError("host, path or proxy cannot be: too long, empty, or with blanks")
    }
    meaning.way = way
  }

  private var wantsTLS: Bool {
    cafile != nil || capath != nil || tlsUseOsCerts || cert != nil || insecure || alpn != nil
      || port == 8_883
  }

  private func readTLS(_ way: inout TransportSettings) throws {
    guard cert != nil || key == nil else { throw ValidationError("--key wants --cert") }
    guard var tls = way.tls else { return }
    tls.authorityFile = Array((cafile ?? "").utf8)
    tls.authorityFolder = Array((capath ?? "").utf8)
    tls.certificateFile = Array((cert ?? "").utf8)
    tls.keyFile = Array((key ?? "").utf8)
    tls.passphrasePath = Array((keyPassFile ?? "").utf8)
    tls.alpn = Array((alpn ?? "").utf8)
    tls.isInsecure = insecure
    way.tls = tls
    if let fault = way.checkTLS() {
      let text = [UInt8](capacity: 512) { out in fault.describe(into: &out) }
      throw Terminal.failure(
        String(decoding: text, as: UTF8.self) + (file(of: fault).map { ": \($0)" } ?? ""))
    }
  }

  private func file(of fault: TLSFault) -> String? {
    switch fault.setting {
    case .authorityFile: cafile
    case .authorityFolder: capath
    case .certificateFile: cert
    case .key: key
    case .passphraseFile: keyPassFile
    default: nil
    }
  }

  // MARK: -L

  private static let urlForm =
    "-L: expected mqtt[s]://[user[:password]@]host[:port]/topic, or ws[s]://...[/path]"

  private func read(
    _ url: String, _ way: inout TransportSettings, _ meaning: inout Meaning
  ) throws {
    guard let mark = url.range(of: "://") else { throw ValidationError(Self.urlForm) }
    let scheme = url[..<mark.lowerBound].lowercased()
    switch scheme {
    case "mqtt", "ws": break
    case "mqtts", "wss": way.tls = way.tls ?? TransportSettings.TLSSettings()
    default: throw ValidationError(Self.urlForm)
    }
    let isWeb = scheme.hasPrefix("ws")
    if isWeb { way.kind = .webSocket }
    let rest = url[mark.upperBound...]
    let slash = rest.firstIndex(of: "/") ?? rest.endIndex
    let tail = slash < rest.endIndex ? String(rest[rest.index(after: slash)...]) : ""
    if isWeb {
      if slash < rest.endIndex { way.path = Array(rest[slash...].utf8) }
    } else if !tail.isEmpty {
      meaning.topic = tail
    }
    try readAuthority(String(rest[..<slash]), &way, &meaning)
  }

  private func readAuthority(
    _ authority: String, _ way: inout TransportSettings, _ meaning: inout Meaning
  ) throws {
    var place = authority[...]
    if let at = authority.lastIndex(of: "@") {
      let login = authority[..<at]
      place = authority[authority.index(after: at)...]
      let colon = login.firstIndex(of: ":") ?? login.endIndex
      guard let name = Self.unescaped(login[..<colon]) else {
        throw ValidationError(Self.urlForm)
      }
      meaning.settings.userName = name
      if colon < login.endIndex {
        guard let secret = Self.unescaped(login[login.index(after: colon)...]) else {
          throw ValidationError(Self.urlForm)
        }
        meaning.settings.password = secret
      }
    }
    var portText: Substring?
    if place.hasPrefix("["), let end = place.firstIndex(of: "]") {
      portText = place[place.index(after: end)...]
      way.host = Array(place[place.index(after: place.startIndex)..<end].utf8)
    } else {
      let colon = place.firstIndex(of: ":") ?? place.endIndex
      portText = place[colon...]
      way.host = Array(place[..<colon].utf8)
    }
    guard let portText, !portText.isEmpty else { return }
    guard portText.hasPrefix(":"), let number = UInt16(portText.dropFirst()) else {
      throw ValidationError(Self.urlForm)
    }
    way.port = number
  }

  /// The bytes of a part of a URL without its percent escapes; nil where they are wrong.
  private static func unescaped(_ text: Substring) -> [UInt8]? {
    TransportSettings.unescaped(Array(text.utf8)[...])
  }
}

extension StringProtocol {
  /// Where `part` is for the first time.
  fileprivate func range(of part: String) -> Range<Index>? {
    var start = startIndex
    while start < endIndex {
      if self[start...].hasPrefix(part) {
        return start..<index(start, offsetBy: part.count)
      }
      start = index(after: start)
    }
    return nil
  }
}
