import CLinux
import Core
import Linux
import MQTT

/// Who connects, how, and when.
extension Driver {
  func makeClient() throws {
    var settings = ClientSettings()
    switch try line.number("ver") ?? 4 {
    case 3: settings.level = .v31
    case 4: settings.level = .v311
    case 5: settings.level = .v50
    default: throw DriverFailure.invalid
    }
    settings.isClean = try line.flag("clean", true)
    guard let keepAlive = UInt16(exactly: try line.number("keepalive") ?? 60) else {
      throw DriverFailure.invalid
    }
    settings.keepAlive = keepAlive
    settings.acknowledgesByHand = try line.flag("manual-ack")
    switch line.text("io") ?? "" {
    case "": break
    case "none": settings.isPure = true
    default: throw DriverFailure.invalid
    }
    settings.clientID = bytes("id") ?? []
    settings.userName = bytes("user")
    settings.password = bytes("pass")
    try takeProperties()
    settings.properties = properties
    guard settings.isWritable() else { throw DriverFailure.invalid }
    if let client { drop(client) }
    client = LabClient(settings)
    toldDeadline = .never
    references = [:]
    large = nil
    done()
  }

  /// The client is replaced: its connection ends without a word.
  private func drop(_ client: LabClient) {
    client.manager?.abort(at: client.now)
    client.serve(loop) { _ in }
    client.closeStore()
  }

  func setWill() throws {
    let client = try current()
    guard let topic = bytes("topic") else { throw DriverFailure.invalid }
    try takeProperties()
    var settings = client.settings
    settings.will = ClientSettings.WillSettings(
      topic: topic, payload: bytes("payload") ?? [], qos: try qos(),
      retain: try line.flag("retain"), properties: properties)
    guard settings.isWritable() else { throw DriverFailure.invalid }
    client.settings = settings
    done()
  }

  func clearWill() throws {
    try current().settings.will = nil
    done()
  }

  func setTLS() throws {
    let client = try current()
    var tls = TransportSettings.TLSSettings()
    tls.authorityFile = bytes("ca") ?? []
    tls.certificateFile = bytes("cert") ?? []
    tls.keyFile = bytes("key") ?? []
    if let passphrase = bytes("keypass"), !passphrase.isEmpty {
      guard let path = TransportSettings.memoryFile(passphrase) else { throw DriverFailure.tls }
      tls.passphrasePath = path
    }
    tls.alpn = bytes("alpn") ?? []
    tls.isInsecure = try line.flag("insecure")
    // A key is the certificate's.
    guard tls.keyFile.isEmpty || !tls.certificateFile.isEmpty else { throw DriverFailure.tls }
    var way = client.way
    way.tls = tls
    if let fault = way.checkTLS() {
      let text = [UInt8](capacity: 512) { out in fault.describe(into: &out) }
      Terminal.complain("client: " + String(decoding: text, as: UTF8.self))
      throw DriverFailure.tls
    }
    client.way = way
    done()
  }

  func setTransport() throws {
    let client = try current()
    var way = client.way
    switch line.text("kind") ?? "tcp" {
    case "tcp": way.kind = .tcp
    case "ws": way.kind = .webSocket
    case "unix": way.kind = .unix
    default: throw DriverFailure.invalid
    }
    way.path = bytes("path") ?? []
    try way.setProxy(bytes("proxy") ?? [])
    way.headers = []
    for field in line.fields where line.isKey(field, "header") {
      try way.addHeader(line.decoded[field.value])
    }
    guard (try? way.spec(writeBytes: 2_048)) != nil else { throw DriverFailure.invalid }
    client.way = way
    done()
  }

  func connect() throws {
    let client = try ready()
    guard client.manager?.isUnderWay != true else { throw DriverFailure.busy }
    var way = client.way
    if let host = bytes("host") { way.host = host }
    if let port = try line.number("port") {
      guard let number = UInt16(exactly: port) else { throw DriverFailure.invalid }
      way.port = number
    }
    _ = try way.spec(writeBytes: 2_048)
    client.way = way
    try begin(client)
  }

  func reconnect() throws {
    let client = try ready()
    if client.manager?.isIdle == false {
      client.manager?.abort(at: client.now)
      serve()
    }
    try begin(client)
  }

  private func begin(_ client: LabClient) throws {
    guard client.settings.isWritable() else { throw DriverFailure.invalid }
    guard (try? client.way.spec(writeBytes: 2_048)) != nil else { throw DriverFailure.invalid }
    client.identify()
    client.renewWay(firstToken: nextTokens())
    client.manager?.connect()
    done()
  }

  func setAuto() throws {
    let client = try ready()
    var options = client.options
    options.reconnects = try line.flag("on", true)
    options.backoffMinimum = try milliseconds("min-ms") ?? options.backoffMinimum
    options.backoffMaximum = try milliseconds("max-ms") ?? options.backoffMaximum
    options.stableAfter = try milliseconds("stable-ms") ?? options.stableAfter
    if let factor = line.text("factor") {
      guard let number = Double(factor), number >= 1, number <= 100 else {
        throw DriverFailure.invalid
      }
      options.backoffGrowthPercent = Int64(number * 100)
    }
    switch line.text("jitter") {
    case nil: break
    case "none": options.backoffJitter = .none
    case "full": options.backoffJitter = .full
    case "equal": options.backoffJitter = .equal
    default: throw DriverFailure.invalid
    }
    client.options = options
    client.manager?.options = options
    if let seed = try line.number("seed") { client.manager?.reseed(UInt64(seed)) }
    done()
  }

  private func milliseconds(_ key: StaticString) throws -> Interval? {
    try line.number(key).map { .milliseconds(Int64($0)) }
  }

  func disconnect() throws {
    let client = try ready()
    try takeProperties()
    let number = try line.number("reason") ?? 0
    guard number <= 0xFF, let reason = V5.DisconnectReason(rawValue: UInt8(number)),
      reason.mayCome(from: .client)
    else { throw DriverFailure.invalid }
    guard client.settings.level == .v50 || (number == 0 && properties.isEmpty) else {
      throw DriverFailure.invalid
    }
    guard client.manager?.isIdle == false else { throw DriverFailure.noConnection }
    let list = properties
    do throws(RequestError) {
      try client.manager?.disconnect(reason: reason, properties: list.span, at: client.now)
    } catch {
      throw DriverFailure(error)
    }
    done()
  }

  func abort() throws {
    let client = try ready()
    guard client.manager?.isIdle == false else { throw DriverFailure.noConnection }
    client.manager?.abort(at: client.now)
    done()
  }

  func authenticate() throws {
    let client = try ready()
    try takeProperties()
    let list = properties
    do throws(RequestError) {
      try client.manager?.authenticate(properties: list.span)
    } catch {
      throw DriverFailure(error)
    }
    done()
  }

  // MARK: Without a transport

  func feed() throws {
    let client = try ready()
    guard client.settings.isPure, let hex = bytes("hex"), hex.count % 2 == 0 else {
      throw DriverFailure.invalid
    }
    var fed: [UInt8] = []
    for index in stride(from: 0, to: hex.count, by: 2) {
      guard let high = DriverLine.hex(hex[index]), let low = DriverLine.hex(hex[index + 1]) else {
        throw DriverFailure.invalid
      }
      fed.append(high << 4 | low)
    }
    guard client.manager?.receiveCapacity ?? 0 > 0 else { throw DriverFailure.noConnection }
    done()
    var at = 0
    while at < fed.count, let room = client.manager?.receiveCapacity, room > 0 {
      let piece = fed.span.extracting(at..<min(fed.count, at + room))
      client.manager?.receive(at: client.now) { out in out.append(contentsOf: piece) }
      at += piece.count
      serve()
    }
  }

  func tick() throws {
    let client = try ready()
    guard client.settings.isPure, let milliseconds = try line.number("ms") else {
      throw DriverFailure.invalid
    }
    client.virtualTime = client.virtualTime + .milliseconds(Int64(milliseconds))
    done()
    serve()
  }
}

extension DriverFailure {
  init(_ error: RequestError) {
    switch error {
    case .windowFull, .bufferFull: self = .queueFull
    case .packetTooLarge: self = .oversize
    case .notConnected: self = .noConnection
    case .invalidFilter, .invalidOptions, .invalidProperties: self = .invalid
    case .wildcardsNotSupported: self = .wildcardsNotSupported
    case .sharedNotSupported: self = .sharedNotSupported
    case .identifiersNotSupported: self = .identifiersNotSupported
    case .unsupportedLevel: self = .invalid
    }
  }

  init(_ error: PublishError) {
    switch error {
    case .windowFull, .bufferFull: self = .queueFull
    case .packetTooLarge: self = .oversize
    case .notConnected: self = .noConnection
    case .qosNotSupported: self = .qosNotSupported
    case .retainNotSupported: self = .retainNotSupported
    case .invalidTopic, .invalidTopicAlias, .invalidProperties: self = .invalid
    }
  }
}
