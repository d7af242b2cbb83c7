import Core

/// What the server allows over the present connection: from CONNACK in 5.0, all there is before.
/// Made anew for each connection; nothing of an earlier one is left (5.0 section 3.2.2.3).
public struct ServerLimits: BitwiseCopyable, Equatable, Sendable {
  /// Messages at QoS 1 and 2 that it processes at once.
  public var receiveMaximum = 65_535
  /// The highest QoS that it takes.
  public var maximumQoS = QoS.exactlyOnce
  /// Whether it keeps messages.
  public var retainAvailable = true
  /// Bytes of the longest packet that it takes.
  public var packetBytesMax = VarInt.max + 5
  /// The highest topic alias that it takes; 0 for none.
  public var topicAliasMaximum = 0
  /// Whether it takes filters with wildcards.
  public var wildcardsAvailable = true
  /// Whether it takes subscription identifiers.
  public var subscriptionIdentifiersAvailable = true
  /// Whether it takes shared subscriptions.
  public var sharedSubscriptionsAvailable = true
  /// Seconds of keep-alive that count for this connection.
  public var keepAlive: UInt16

  /// Flags of PUBLISH (section 3.3.1) that no message to the server may have.
  var forbiddenFlags: UInt8 {
    let retain: UInt8 = retainAvailable ? 0 : 0b0001
    switch maximumQoS {
    case .atMostOnce: return 0b0110 | retain
    case .atLeastOnce: return 0b0100 | retain
    case .exactlyOnce: return retain
    }
  }

  /// The limits of a server that names none.
  public init(keepAlive: UInt16) { self.keepAlive = keepAlive }

  /// The limits in the properties of CONNACK, a packet that `bytes` begin with.
  init(_ properties: V5.Properties, in bytes: Span<UInt8>, keepAlive: UInt16) {
    self.keepAlive = keepAlive
    guard !properties.isEmpty else { return }
    var walk = properties.walk
    while let property = walk.next(in: bytes) {
      let number = Int(truncatingIfNeeded: property.number)
      switch property.id {
      case .receiveMaximum: receiveMaximum = number
      case .maximumQoS: maximumQoS = number == 0 ? .atMostOnce : .atLeastOnce
      case .retainAvailable: retainAvailable = number != 0
      // On a 32-bit CPU the largest numbers are negative; no packet is that long.
      case .maximumPacketSize: if number > 0 { packetBytesMax = min(packetBytesMax, number) }
      case .topicAliasMaximum: topicAliasMaximum = number
      case .wildcardSubscriptionAvailable: wildcardsAvailable = number != 0
      case .subscriptionIdentifierAvailable: subscriptionIdentifiersAvailable = number != 0
      case .sharedSubscriptionAvailable: sharedSubscriptionsAvailable = number != 0
      case .serverKeepAlive: self.keepAlive = UInt16(truncatingIfNeeded: number)
      default: break
      }
    }
  }
}

/// What the server was told in CONNECT, and is held to.
struct OwnLimits: BitwiseCopyable {
  var receiveMaximum = 65_535
  /// Bytes; nil when the server was told no limit.
  var packetBytesMax: Int?
  var topicAliasMaximum = 0
  var problemInformation = true
  /// The session ends with the connection.
  var endsSession = true
  /// The hash of the authentication method; nil without one.
  var method: UInt64?

  init() {}

  /// The limits in properties as `V5.Properties.append` has written them.
  init(written list: Span<UInt8>) throws(EncodeError) {
    let properties = try V5.Properties(written: list, in: .connect)
    var walk = properties.walk
    while let property = walk.next(in: list) {
      let number = Int(truncatingIfNeeded: property.number)
      switch property.id {
      case .receiveMaximum: receiveMaximum = number
      case .maximumPacketSize: packetBytesMax = number > 0 ? number : nil
      case .topicAliasMaximum: topicAliasMaximum = number
      case .requestProblemInformation: problemInformation = number != 0
      case .sessionExpiryInterval: endsSession = property.number == 0
      case .authenticationMethod: method = list[property.text].fnv1a
      default: break
      }
    }
  }
}
