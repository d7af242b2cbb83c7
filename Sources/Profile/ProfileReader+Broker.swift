import Core
import Dialing
import MQTT
import Uplink
import WebSocket

/// Where the broker is, the way to it, and how to log in.
extension ProfileReader {
  /// What is wrong with a broker's URL, in words; nil when it is good.
  public static func fault(ofBrokerURL url: [UInt8]) -> String? {
    do throws(URLFault) {
      _ = try BrokerURL(url.span)
      return nil
    } catch {
      return spelled(error.text)
    }
  }

  mutating func readBroker(_ root: inout ObjectReader, _ override: [UInt8]?) {
    configuration.uplink.dial.endpoint = Endpoint(
      .tcp, host: configuration.intern(bytes("localhost")))
    var passwordFile: Int?
    var parts = Parts()
    var isURLGood = true
    if var broker = root.object("broker", &problems) {
      let hasURL = broker.contains("url")
      if let url = broker.string("url", &problems) { isURLGood = takeURL(url.bytes, url.offset) }
      if !readBrokers(&broker, hasURL: hasURL) { isURLGood = false }
      passwordFile = readLogin(&broker)
      parts = readWay(&broker)
      broker.finish(&problems)
    }
    if let override {
      isURLGood = takeURL(override, nil)
      configuration.uplink.dial.others = EndpointList()
    }
    if let passwordFile, configuration.uplink.user.isEmpty {
      error(passwordFile, "/broker/passwordFile", "a password goes only with a user: name one")
    }
    if isURLGood { check(parts, isOverridden: override != nil) }
  }

  /// Where parts of the way are spoken of, that not every URL has.
  private struct Parts {
    var tls: Int?
    var webSocket: Int?
    var proxy: Int?
  }

  /// Returns where the password's file is named, if it is: its user may come from elsewhere.
  private mutating func readLogin(_ broker: inout ObjectReader) -> Int? {
    if let user = broker.shortString("user", &problems, longest: BrokerURL.userBytesMax) {
      configuration.uplink.user = configuration.intern(user.bytes)
    }
    let passwordFile = broker.shortString("passwordFile", &problems, longest: 1023)
    if let passwordFile {
      configuration.uplink.passwordFile = configuration.intern(passwordFile.bytes)
    }
    if let keepAlive = broker.duration(
      "keepAlive", &problems, from: .seconds(1), to: .seconds(65_535), example: "60s")
    {
      configuration.uplink.keepAlive = keepAlive
    }
    readProbe(&broker)
    let newest = VersionChoice(.v50, downTo: .v311)
    configuration.uplink.version =
      broker.word(
        "version", &problems,
        ["newest": newest, "5.0": VersionChoice(.v50), "3.1.1": VersionChoice(.v311)]) ?? newest
    if let isPersistent = broker.word(
      "session", &problems, ["clean": false, "persistent": true])
    {
      configuration.uplink.persistentSession = isPersistent
    }
    return passwordFile?.offset
  }

  /// Takes the broker's URL; `offset` is nil for that of the command line. False when it is wrong.
  private mutating func takeURL(_ text: [UInt8], _ offset: Int?) -> Bool {
    let pointer = offset == nil ? "--broker" : "/broker/url"
    guard let (endpoint, user) = readURL(text, offset ?? 0, pointer) else { return false }
    configuration.uplink.dial.endpoint = endpoint
    if !user.isEmpty { configuration.uplink.user = user }
    return true
  }

  /// Where the broker of a URL is, and its user; nil, after a problem, when the URL is wrong.
  mutating func readURL(
    _ text: [UInt8], _ offset: Int, _ pointer: String
  ) -> (endpoint: Endpoint, user: Text)? {
    let url: BrokerURL
    do throws(URLFault) {
      url = try BrokerURL(text.span)
    } catch let fault {
      error(offset, pointer, spelled(fault.text))
      return nil
    }
    var endpoint = url.endpoint
    endpoint.host = intern(endpoint.host, of: text)
    endpoint.path = intern(endpoint.path, of: text)
    let user =
      url.user.isEmpty
      ? Text.empty : intern { out in url.writeUser(of: text.span, into: &out) }
    return (endpoint, user)
  }

  private mutating func intern(_ write: (inout OutputSpan<UInt8>) -> Void) -> Text {
    FixedText<256>(write).withBytes { written in
      var bytes: [UInt8] = []
      for index in written.indices { bytes.append(written[index]) }
      return configuration.intern(bytes)
    }
  }

  private mutating func intern(_ text: Text, of url: [UInt8]) -> Text {
    configuration.intern(Array(url[text.range]))
  }

  // MARK: The way

  private mutating func readWay(_ broker: inout ObjectReader) -> Parts {
    var parts = Parts()
    if let url = broker.string("proxy", &problems) {
      parts.proxy = url.offset
      takeProxy(url.bytes, url.offset)
    }
    if let file = broker.shortString("proxyPasswordFile", &problems, longest: 1023) {
      if let user = configuration.uplink.dial.proxy?.user, !user.isEmpty {
        let name = configuration.intern(file.bytes)
        configuration.uplink.dial.proxy?.passwordFile = name
      } else {
        error(
          file.offset, "/broker/proxyPasswordFile",
          "a password goes only with a user: name one in the proxy's URL")
      }
    }
    if var tls = broker.object("tls", &problems) {
      parts.tls = tls.offset
      readTLS(&tls)
      tls.finish(&problems)
    }
    if var webSocket = broker.object("webSocket", &problems) {
      parts.webSocket = webSocket.offset
      if let headers = webSocket.object("headers", &problems) { readHeaders(headers) }
      webSocket.finish(&problems)
    }
    return parts
  }

  private mutating func takeProxy(_ text: [UInt8], _ offset: Int) {
    let url: ProxyURL
    do throws(URLFault) {
      url = try ProxyURL(text.span)
    } catch let fault {
      return error(offset, "/broker/proxy", spelled(fault.text))
    }
    var proxy = url.proxy
    proxy.host = intern(proxy.host, of: text)
    proxy.user = intern { out in url.writeUser(of: text.span, into: &out) }
    configuration.uplink.dial.proxy = proxy
  }

  /// Fields of the request for a WebSocket: `{"X-Api-Key": "..."}`. A value may be a secret: no
  /// message repeats it.
  private mutating func readHeaders(_ headers: ObjectReader) {
    var lines: [UInt8] = []
    for member in headers.entries {
      let pointer = headers.pointer + "/" + pointerToken(member.key)
      guard case .string(let value) = member.value.value else {
        error(member.value.offset, pointer, "expected a string, found " + member.value.found)
        continue
      }
      do throws(RequestFieldFault) {
        try RequestField.check(name: member.key.span, value: value.span)
      } catch let fault {
        error(
          fault == .value ? member.value.offset : member.keyOffset, pointer, spelled(fault.text))
        continue
      }
      lines += member.key + bytes(": ") + value + bytes("\r\n")
    }
    guard lines.count <= ClientHandshake.fieldBytesMax else {
      return error(
        headers.offset, headers.pointer,
        "the headers have at most " + text(Int64(wide: ClientHandshake.fieldBytesMax))
          + " bytes together, four more for each included")
    }
    configuration.uplink.dial.webSocketFields = configuration.intern(lines)
  }

  /// Tells of what the URL leaves no room for: an error, unless the URL is the command line's and the
  /// profile is good with its own.
  private mutating func check(_ parts: Parts, isOverridden: Bool) {
    let kind = configuration.uplink.dial.endpoint.kind
    if let offset = parts.tls, !kind.usesTLS {
      tell(offset, "/broker/tls", "goes only with an mqtts:// or wss:// URL", isOverridden)
    }
    if let offset = parts.webSocket, !kind.usesWebSocket {
      tell(offset, "/broker/webSocket", "goes only with a ws:// or wss:// URL", isOverridden)
    }
    if let offset = parts.proxy, kind == .unix {
      tell(offset, "/broker/proxy", "a Unix socket is reached without a proxy", isOverridden)
    }
  }

  private mutating func tell(
    _ offset: Int, _ pointer: String, _ message: String, _ isWarning: Bool
  ) {
    if isWarning {
      warn(offset, pointer, message + "; --broker names another, so this has no effect")
    } else {
      error(offset, pointer, message)
    }
  }
}
