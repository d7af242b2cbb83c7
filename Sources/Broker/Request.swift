import MQTT

/// What a client says, whatever version it says it in. What a version cannot say is as if it were
/// not said in 5.0. Holds copies: the packet is not needed any more.
enum Request {
  /// Indirect, so that the others, of which there are many more, are short.
  indirect case connect(ConnectRequest)
  case publish(PublishRequest)
  case publishAck(packetID: UInt16)
  /// `isRefusal`: the client does not take the message, and waits for no PUBREL.
  case publishReceived(packetID: UInt16, isRefusal: Bool)
  case publishRelease(packetID: UInt16)
  case publishComplete(packetID: UInt16)
  case subscribe(SubscribeRequest)
  case unsubscribe(packetID: UInt16, filters: [[UInt8]])
  case pingRequest
  case disconnect(V5.DisconnectReason, sessionExpiry: UInt32?)
  case authenticate(V5.AuthenticateReason, method: [UInt8], data: [UInt8]?)

  /// A request and the bytes that it took.
  struct Decoded {
    var request: Request
    var size: Int
  }
}

/// CONNECT (section 3.1).
struct ConnectRequest {
  var level: ProtocolLevel
  /// Nothing from before is wanted.
  var cleanStart: Bool
  /// Seconds that the session outlives the connection; `UInt32.max` for ever. Clean Session of 3.1.1
  /// is 0, its opposite is for ever (5.0 section 3.1.2.11.2).
  var sessionExpiry: UInt32
  var keepAlive: UInt16
  /// Empty when the broker is to make up one.
  var clientID: [UInt8]
  var will: Will?
  var userName: [UInt8]?
  var password: [UInt8]?
  var receiveMaximum = Int(UInt16.max)
  var packetBytesMax = longestPacket
  var topicAliasMax: UInt16 = 0
  var wantsResponseInformation = false
  var wantsProblemInformation = true
  var method: [UInt8]?
  var data: [UInt8]?

  /// What is published when the client is lost.
  struct Will {
    var message: Message
    /// Seconds until then.
    var delay: UInt32 = 0
  }

  /// Bytes of the longest packet that there can be: a length in four bytes behind one.
  static let longestPacket = 5 + VarInt.max
}

/// PUBLISH (section 3.3).
struct PublishRequest {
  var packetID: UInt16
  /// Its topic is empty when the alias stands for it.
  var message: Message
  var topicAlias: UInt16?
}

/// SUBSCRIBE (section 3.8).
struct SubscribeRequest {
  var packetID: UInt16
  var identifier: UInt32?
  var filters: [(filter: [UInt8], options: V5.SubscriptionOptions)] = []
}
