import Core
import Dialing
import MQTT
import WebSocket

/// A configuration that was checked, in the form that the client's thread needs.
struct ConnectionPlan: Sendable {
  let configuration: ClientConfiguration
  let way: Way
  let options: ManagerOptions
  let sizes: ManagerSizes
  /// Of CONNECT in 5.0, without authentication data.
  let connectProperties: [UInt8]
  let willProperties: [UInt8]
  /// The user in the URL; nil for none.
  let urlUser: [UInt8]?
  let responseTopic: String

  init(_ configuration: ClientConfiguration) throws(ConfigurationError) {
    try Self.check(configuration)
    self.configuration = configuration
    let bytes = Array(configuration.url.utf8)
    let url: BrokerURL
    do throws(URLFault) { url = try BrokerURL(bytes.span) } catch { throw .url(error) }
    way = try Way(url.endpoint, bytes, configuration)
    urlUser =
      url.user.isEmpty
      ? nil
      : [UInt8](writing: BrokerURL.userBytesMax) { out in url.writeUser(of: bytes.span, into: &out)
      }
    connectProperties = try Self.connectProperties(configuration)
    willProperties = try Self.willProperties(configuration.will)
    options = Self.options(configuration)
    sizes = Self.sizes(configuration.limits)
    let name = configuration.clientID.isEmpty ? "anonymous" : configuration.clientID
    responseTopic =
      TopicName.isValid(Array(name.utf8).span)
      ? "responses/\(name)/\(String(UInt64.random(in: 0 ... .max), radix: 16))"
      : "responses/\(String(UInt64.random(in: 0 ... .max), radix: 16))"
  }

  /// The first level to be tried, and whether it is the only one.
  private static func options(_ configuration: ClientConfiguration) -> ManagerOptions {
    let level: ProtocolLevel
    var fallsBack = false
    switch configuration.version {
    case .newest:
      level = .v50
      fallsBack = true
    case .only(let version): level = version.level
    }
    // Before 5.0 "clean" also says that nothing is kept for later. In 5.0 the two are parted.
    let isClean =
      level == .v50
      ? configuration.cleanStart
      : configuration.cleanStart && configuration.sessionExpiry.seconds == 0
    var connect = ConnectOptions(
      level: level, cleanSession: isClean,
      keepAlive: UInt16(clamping: configuration.keepAlive.components.seconds),
      replyTimeout: configuration.timeouts.reply.interval)
    connect.acknowledgesByHand = true
    connect.assignsAliases = configuration.limits.topicAliases > 0
    var options = ManagerOptions(connect)
    options.fallsBack = fallsBack
    let policy = configuration.reconnect
    options.reconnects = policy.isEnabled
    options.backoffMinimum = policy.minimum.interval
    options.backoffMaximum = policy.maximum.interval
    options.backoffGrowthPercent = Int64(policy.growth * 100)
    switch policy.jitter {
    case .none: options.backoffJitter = .none
    case .equal: options.backoffJitter = .equal
    case .full: options.backoffJitter = .full
    }
    options.stableAfter = policy.stableAfter.interval
    options.whenFull = configuration.limits.overflow == .dropOldest ? .dropOldest : .refuse
    return options
  }

  /// A packet of the shortest kind that has to be answered: a PUBLISH of QoS 1 under "t".
  private static var shortestPublish: Int { 7 }

  private static func sizes(_ limits: ClientConfiguration.Limits) -> ManagerSizes {
    var session = ClientSession.Sizes(
      sendBytes: limits.maximumPacketSize + ClientSession.sendReserve,
      receiveBytes: limits.maximumPacketSize, inflight: limits.queueMessages,
      // A broker before 5.0 knows no Receive Maximum: what is in the buffer already has to fit.
      received: min(limits.receiveMaximum + limits.maximumPacketSize / shortestPublish, 65_000),
      requests: 32)
    session.outboundAliases = limits.topicAliases
    session.inboundAliases = limits.topicAliases
    session.aliasTopicBytes = 512
    var sizes = ManagerSizes(session: session, storeBytes: limits.queueBytes)
    sizes.unsentMarks = 256
    sizes.subscriptions = limits.subscriptions
    sizes.subscriptionBytes = limits.filterBytes + Engine.subscriptionPropertyBytes + 8
    sizes.identityBytes = limits.identityBytes
    return sizes
  }

  private static func connectProperties(
    _ configuration: ClientConfiguration
  ) throws(ConfigurationError) -> [UInt8] {
    var list = PropertyList()
    do throws(EncodeError) {
      let expiry = configuration.sessionExpiry.seconds
      if expiry > 0 { try list.append(.sessionExpiryInterval, expiry) }
      try list.append(.receiveMaximum, UInt32(configuration.limits.receiveMaximum))
      try list.append(.maximumPacketSize, UInt32(configuration.limits.maximumPacketSize))
      if configuration.limits.topicAliases > 0 {
        try list.append(.topicAliasMaximum, UInt32(configuration.limits.topicAliases))
      }
      try list.append(.requestResponseInformation, 1)
      try list.append(configuration.userProperties)
      if let method = configuration.authentication?.method {
        try list.append(.authenticationMethod, method)
      }
    } catch {
      throw .setting("userProperties, authentication.method", expected: "text without U+0000")
    }
    return list.bytes
  }

  private static func willProperties(_ will: Will?) throws(ConfigurationError) -> [UInt8] {
    guard let will else { return [] }
    var list = PropertyList()
    do throws(EncodeError) {
      let delay = will.delay.components.seconds
      if delay > 0 { try list.append(.willDelayInterval, UInt32(clamping: delay)) }
      try will.properties.write(to: &list)
    } catch {
      throw .setting("will.properties", expected: "text without U+0000, and topics")
    }
    return list.bytes
  }
}

/// The way to one server, with the texts that its `DialSpec` points into.
struct Way: Sendable {
  private(set) var spec: DialSpec
  private(set) var texts: [UInt8]

  init(
    _ endpoint: Endpoint, _ url: [UInt8], _ configuration: ClientConfiguration
  ) throws(ConfigurationError) {
    texts = url
    spec = DialSpec(endpoint)
    let timeouts = configuration.timeouts
    spec.resolveTimeout = timeouts.resolve.interval
    spec.connectTimeout = timeouts.connect.interval
    spec.proxyTimeout = timeouts.proxy.interval
    spec.tlsTimeout = timeouts.tls.interval
    spec.webSocketTimeout = timeouts.webSocket.interval
    spec.userTimeout = timeouts.user.interval
    spec.writeBytes = 16 << 10
    addTLS(configuration.tls)
    if let proxy = configuration.proxy { try addProxy(proxy) }
    try addFields(configuration.webSocketFields)
  }

  /// The same way to another server: `host`, `[address]`, or either with a port. Nil for anything else.
  func redirected(to reference: String, _ configuration: ClientConfiguration) -> Way? {
    // The broker may name several; the first that makes sense is taken (section 4.11).
    for word in reference.split(separator: " ") {
      let scheme: StaticString
      switch spec.endpoint.kind {
      case .tcp: scheme = "mqtt"
      case .tls: scheme = "mqtts"
      case .webSocket: scheme = "ws"
      case .secureWebSocket: scheme = "wss"
      case .unix: return nil
      }
      let bytes = Array("\(scheme)://\(word)".utf8)
      guard let url = try? BrokerURL(bytes.span), url.user.isEmpty,
        let way = try? Way(url.endpoint, bytes, configuration)
      else { continue }
      return way
    }
    return nil
  }

  private mutating func add(_ text: String) -> Text {
    guard !text.isEmpty else { return .empty }
    let start = texts.count
    texts += Array(text.utf8)
    return Text(start..<texts.count)
  }

  private mutating func addTLS(_ tls: TLSSettings) {
    spec.tls.host = add(tls.serverName)
    spec.tls.authorityFile = add(tls.authorityFile)
    spec.tls.authorityFolder = add(tls.authorityFolder)
    spec.tls.certificateFile = add(tls.certificateFile)
    spec.tls.key = add(tls.key)
    spec.tls.passphraseFile = add(tls.passphraseFile)
    spec.tls.revocationFile = add(tls.revocationFile)
    spec.tls.revocationOfChain = tls.revocationOfChain
    spec.tls.alpn = add(tls.alpn.joined(separator: ","))
    spec.tls.alpnRequired = tls.alpnRequired
    spec.tls.onlyVersion13 = tls.onlyVersion13
    spec.tls.insecure = tls.insecure
  }

  private mutating func addProxy(_ settings: ProxySettings) throws(ConfigurationError) {
    let bytes = Array(settings.url.utf8)
    let url: ProxyURL
    do throws(URLFault) { url = try ProxyURL(bytes.span) } catch { throw .proxy(error) }
    var proxy = url.proxy
    let user = [UInt8](writing: Proxy.userBytesMax) { out in
      url.writeUser(of: bytes.span, into: &out)
    }
    proxy.host = add(String(decoding: bytes[proxy.host.range], as: UTF8.self))
    proxy.user = add(String(decoding: user, as: UTF8.self))
    proxy.passwordFile = add(settings.passwordFile)
    spec.proxy = proxy
  }

  private mutating func addFields(
    _ fields: [(name: String, value: String)]
  ) throws(ConfigurationError) {
    var lines: [UInt8] = []
    for field in fields {
      let name = Array(field.name.utf8)
      let value = Array(field.value.utf8)
      do throws(RequestFieldFault) {
        try RequestField.check(name: name.span, value: value.span)
      } catch {
        throw .webSocketField(name: field.name)
      }
      lines += name + Array(": ".utf8) + value + Array("\r\n".utf8)
    }
    guard lines.count <= ClientHandshake.fieldBytesMax else {
      throw .setting("webSocketFields", expected: "at most \(ClientHandshake.fieldBytesMax) bytes")
    }
    spec.webSocketFields = add(String(decoding: lines, as: UTF8.self))
  }
}
