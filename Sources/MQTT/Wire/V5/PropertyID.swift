import Core

extension V5 {
  /// What a property is about (table 2-4). The raw value is the identifier before its value; all
  /// are below 128, so that it takes one byte.
  public enum PropertyID: UInt8, BitwiseCopyable, Sendable {
    /// 1 when the payload is UTF-8 text, 0 when it is bytes.
    case payloadFormatIndicator = 0x01
    /// Seconds that a message is worth delivering for.
    case messageExpiryInterval = 0x02
    /// Text: what the payload is, for example a MIME type.
    case contentType = 0x03
    /// The topic name for an answer.
    case responseTopic = 0x08
    /// Bytes that tell which request an answer belongs to.
    case correlationData = 0x09
    /// The number of the subscription, 1 to 268,435,455.
    case subscriptionIdentifier = 0x0B
    /// Seconds that the session outlives the connection; 0xFFFF_FFFF for ever.
    case sessionExpiryInterval = 0x11
    /// Text: the name that the server has made up for the client.
    case assignedClientIdentifier = 0x12
    /// Seconds of keep-alive that count instead of the client's.
    case serverKeepAlive = 0x13
    /// Text: how the two sides authenticate.
    case authenticationMethod = 0x15
    /// Bytes that the method defines.
    case authenticationData = 0x16
    /// 0 when answers are to come without reason strings and user properties.
    case requestProblemInformation = 0x17
    /// Seconds between the loss of a client and its will.
    case willDelayInterval = 0x18
    /// 1 when the client asks for response information.
    case requestResponseInformation = 0x19
    /// Text: the base for response topics.
    case responseInformation = 0x1A
    /// Text: another server to use.
    case serverReference = 0x1C
    /// Text for people: why.
    case reasonString = 0x1F
    /// How many messages at QoS 1 and 2 may be under way at once; not 0.
    case receiveMaximum = 0x21
    /// The highest topic alias that may be used; 0 for none.
    case topicAliasMaximum = 0x22
    /// The number that stands for the topic; not 0.
    case topicAlias = 0x23
    /// The highest QoS that the server takes: 0 or 1.
    case maximumQoS = 0x24
    /// 0 when the server keeps no messages.
    case retainAvailable = 0x25
    /// A name and a value that mean something to the users.
    case userProperty = 0x26
    /// Bytes of the longest packet that is taken; not 0.
    case maximumPacketSize = 0x27
    /// 0 when the server takes no wildcards.
    case wildcardSubscriptionAvailable = 0x28
    /// 0 when the server takes no subscription identifiers.
    case subscriptionIdentifierAvailable = 0x29
    /// 0 when the server takes no shared subscriptions.
    case sharedSubscriptionAvailable = 0x2A

    /// How the value is written.
    public var form: PropertyForm {
      switch self {
      case .payloadFormatIndicator, .requestProblemInformation, .requestResponseInformation,
        .maximumQoS, .retainAvailable, .wildcardSubscriptionAvailable,
        .subscriptionIdentifierAvailable, .sharedSubscriptionAvailable:
        .byte
      case .serverKeepAlive, .receiveMaximum, .topicAliasMaximum, .topicAlias: .twoBytes
      case .messageExpiryInterval, .sessionExpiryInterval, .willDelayInterval, .maximumPacketSize:
        .fourBytes
      case .subscriptionIdentifier: .variable
      case .contentType, .assignedClientIdentifier, .authenticationMethod, .responseInformation,
        .serverReference, .reasonString:
        .text
      case .responseTopic: .topicName
      case .correlationData, .authenticationData: .binary
      case .userProperty: .pair
      }
    }

    /// True when `number` is in the range of a property that is a number.
    func takes(_ number: UInt32) -> Bool {
      switch form {
      case .byte: number <= 1
      case .twoBytes:
        number <= 0xFFFF && (number != 0 || self == .serverKeepAlive || self == .topicAliasMaximum)
      case .fourBytes: number != 0 || self != .maximumPacketSize
      case .variable: number >= 1 && number <= 268_435_455
      case .text, .topicName, .binary, .pair: false
      }
    }

    /// The places where the property may be: the bits of `PropertyPlace` (table 2-4).
    fileprivate var places: UInt16 {
      switch self {
      case .payloadFormatIndicator, .messageExpiryInterval, .contentType, .responseTopic,
        .correlationData:
        PropertyPlace.publish | PropertyPlace.will.rawValue
      case .subscriptionIdentifier:
        // Section 3.3.4: not in what a client publishes.
        PropertyPlace.publishFromServer.rawValue | PropertyPlace.subscribe.rawValue
      case .topicAlias: PropertyPlace.publish
      case .willDelayInterval: PropertyPlace.will.rawValue
      case .requestProblemInformation, .requestResponseInformation:
        PropertyPlace.connect.rawValue
      case .assignedClientIdentifier, .serverKeepAlive, .responseInformation, .maximumQoS,
        .retainAvailable, .wildcardSubscriptionAvailable, .subscriptionIdentifierAvailable,
        .sharedSubscriptionAvailable:
        PropertyPlace.connectAck.rawValue
      case .receiveMaximum, .topicAliasMaximum, .maximumPacketSize: PropertyPlace.opening
      case .sessionExpiryInterval:
        // Section 3.14.2.2.2: a server does not say it again when it leaves.
        PropertyPlace.opening | PropertyPlace.disconnectFromClient.rawValue
      case .authenticationMethod, .authenticationData:
        PropertyPlace.opening | PropertyPlace.authentication
      case .serverReference: PropertyPlace.connectAck.rawValue | PropertyPlace.disconnect
      case .reasonString:
        PropertyPlace.connectAck.rawValue | PropertyPlace.answer.rawValue
          | PropertyPlace.disconnect | PropertyPlace.authenticate.rawValue
      case .userProperty: ~PropertyPlace.terse
      }
    }

    func mayBe(in place: PropertyPlace) -> Bool { places & place.rawValue != 0 }

    /// True when the property may come more than once in `place`.
    func mayRepeat(in place: PropertyPlace) -> Bool {
      self == .userProperty || (self == .subscriptionIdentifier && place == .publishFromServer)
    }

    /// True when it tells what went wrong, which a client can ask not to get.
    var isProblemInformation: Bool { self == .reasonString || self == .userProperty }
  }

  /// How the value of a property is written (section 2.2.2.2).
  public enum PropertyForm: BitwiseCopyable, Sendable {
    /// One byte; every property of one byte is 0 or 1.
    case byte
    /// A 16-bit number.
    case twoBytes
    /// A 32-bit number.
    case fourBytes
    /// A number of variable length (section 1.5.5).
    case variable
    /// UTF-8 text (section 1.5.4).
    case text
    /// UTF-8 text that is a topic name.
    case topicName
    /// Any bytes (section 1.5.6).
    case binary
    /// Two texts: a name and its value (section 1.5.7).
    case pair
  }

  /// Where properties can be: in a packet of some type from some side, or in a will. One bit each.
  enum PropertyPlace: UInt16 {
    case connect = 0x0001
    case will = 0x0002
    case connectAck = 0x0004
    case publishFromClient = 0x0008
    case publishFromServer = 0x0010
    /// PUBACK, PUBREC, PUBREL, PUBCOMP, SUBACK and UNSUBACK.
    case answer = 0x0020
    case subscribe = 0x0040
    case unsubscribe = 0x0080
    case disconnectFromClient = 0x0100
    case disconnectFromServer = 0x0200
    case authenticate = 0x0400
    /// An answer to a client that wants no problem information (section 3.1.2.11.7).
    case terseAnswer = 0x0800
    /// AUTH to such a client.
    case terseAuthenticate = 0x1000

    static var publish: UInt16 { publishFromClient.rawValue | publishFromServer.rawValue }
    static var opening: UInt16 { connect.rawValue | connectAck.rawValue }
    static var disconnect: UInt16 { disconnectFromClient.rawValue | disconnectFromServer.rawValue }
    static var authentication: UInt16 { authenticate.rawValue | terseAuthenticate.rawValue }
    static var terse: UInt16 { terseAnswer.rawValue | terseAuthenticate.rawValue }

    static func publish(from sender: Role) -> PropertyPlace {
      sender == .client ? .publishFromClient : .publishFromServer
    }

    static func disconnect(from sender: Role) -> PropertyPlace {
      sender == .client ? .disconnectFromClient : .disconnectFromServer
    }

    var isTerse: Bool { rawValue & Self.terse != 0 }
  }
}
