import Core

/// Who connects, and what is published when it is lost: what CONNECT says, kept for every attempt.
public struct ConnectIdentity: ~Escapable {
  /// The client's name; empty when the server is to make one up.
  public let clientID: Span<UInt8>
  /// The name to log in with; nil for none.
  public let userName: Span<UInt8>?
  /// The password; nil for none.
  public let password: Span<UInt8>?
  /// What the server publishes when the client is lost; nil for nothing.
  public let will: Will?
  /// Of CONNECT, for 5.0, as `V5.Properties.append` has written them.
  public let properties: Span<UInt8>

  /// A client with all that CONNECT can say.
  @_lifetime(copy clientID, copy userName, copy password, copy will, copy properties)
  public init(
    clientID: Span<UInt8>, userName: Span<UInt8>? = nil, password: Span<UInt8>? = nil,
    will: consuming Will? = nil, properties: Span<UInt8> = Span()
  ) {
    self.clientID = clientID
    self.userName = userName
    self.password = password
    self.will = will
    self.properties = properties
  }
}

/// A copy of a `ConnectIdentity` in memory of one's own.
struct IdentityStore: ~Copyable {
  private var bytes: Table<UInt8>
  private var clientID = Field(offset: 0, count: 0)
  private var userName: Field?
  private var password: Field?
  private var properties = Field(offset: 0, count: 0)
  private var will: WillFields?

  private struct WillFields: BitwiseCopyable {
    var properties: Field
    var topic: Field
    var payload: Field
    var qos: QoS
    var retain: Bool
  }

  init(bytes count: Int, arena: inout Arena) {
    bytes = arena.table("MQTT identity and will", count: count, filledWith: 0)
  }

  /// Copies `identity`. False, and nothing is changed, when there is no room for it.
  mutating func set(_ identity: borrowing ConnectIdentity) -> Bool {
    var size = identity.clientID.count + identity.properties.count
    size += (identity.userName?.count ?? 0) + (identity.password?.count ?? 0)
    if let will = identity.will {
      size += will.properties.count + will.topic.count + will.payload.count
    }
    guard size <= bytes.count else { return false }
    var end = 0
    clientID = Self.copy(identity.clientID, to: &bytes, &end)
    properties = Self.copy(identity.properties, to: &bytes, &end)
    userName = nil
    password = nil
    will = nil
    if let name = identity.userName { userName = Self.copy(name, to: &bytes, &end) }
    if let secret = identity.password { password = Self.copy(secret, to: &bytes, &end) }
    if let wanted = identity.will {
      will = WillFields(
        properties: Self.copy(wanted.properties, to: &bytes, &end),
        topic: Self.copy(wanted.topic, to: &bytes, &end),
        payload: Self.copy(wanted.payload, to: &bytes, &end), qos: wanted.qos,
        retain: wanted.retain)
    }
    return true
  }

  private static func copy(
    _ source: Span<UInt8>, to bytes: inout Table<UInt8>, _ end: inout Int
  ) -> Field {
    let start = end
    end += bytes.fill(from: start, limit: source.count) { out in out.append(contentsOf: source) }
    return Field(offset: start, count: end - start)
  }

  /// Opens `session` with it. Properties go along in 5.0 only, so that an identity made for 5.0 serves
  /// for the version that it falls back to.
  func open(
    _ session: inout ClientSession, _ options: ConnectOptions, at now: Instant
  ) throws(EncodeError) {
    let none = Field(offset: 0, count: 0)
    let isV5 = options.level.isV5
    try bytes.withSpan { (all) throws(EncodeError) in
      let lentWill: Will? =
        if let will {
          Will(
            properties: all[isV5 ? will.properties : none], topic: all[will.topic],
            payload: all[will.payload], qos: will.qos, retain: will.retain)
        } else { nil }
      let name: Span<UInt8>? = if let userName { all[userName] } else { nil }
      let secret: Span<UInt8>? = if let password { all[password] } else { nil }
      try session.open(
        options, clientID: all[clientID], will: lentWill, userName: name, password: secret,
        properties: all[isV5 ? properties : none], at: now)
    }
  }
}
