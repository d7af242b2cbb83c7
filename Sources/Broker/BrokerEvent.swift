import MQTT

/// Something that an observer of the broker may want to know, in the order in which it happened.
public enum BrokerEvent: Equatable, Sendable {
  /// A client's CONNECT was accepted. `cleanSession` is Clean Start in 5.0.
  case connected(client: [UInt8], level: ProtocolLevel, cleanSession: Bool, keepAlive: UInt16)
  /// A CONNECT was answered with a refusal, which versions before 5.0 see as the nearest code that
  /// they have, or as the end of the connection.
  case refused(client: [UInt8], V5.ConnectReason)
  /// A client that was connected is no longer.
  case disconnected(client: [UInt8], Parting)
  /// A session of a client that is away has come to its end.
  case sessionEnded(client: [UInt8])
  /// A client has subscribed.
  case subscribed(client: [UInt8], filter: [UInt8], QoS)
  /// A message was published, by a client or as its will.
  case published(client: [UInt8], Message, isWill: Bool)
  /// A message was not kept for a client, whose queue is full, or was not sent to it, because it
  /// takes no packet of that length.
  case dropped(client: [UInt8], Message)
  /// A message has waited for a client beyond its expiry.
  case expired(client: [UInt8], Message)
  /// A message from a client was handed on but not kept: as many topics as may be have one.
  case notRetained(client: [UInt8], Message)
}

/// Why a client is no longer connected. All but the first lead to its will.
public enum Parting: Equatable, Sendable {
  /// It said DISCONNECT.
  case byClient
  /// It said DISCONNECT with a reason that leaves the will in force (5.0 section 3.14.4).
  case byClientWithWill(V5.DisconnectReason)
  /// Its transport was closed.
  case transportClosed
  /// It was silent for one and a half keep-alives (section 3.1.2.10).
  case keepAlive
  /// A client of the same name has connected (section 3.1.4).
  case takenOver
  /// It sent what is not MQTT.
  case malformed(DecodeError)
  /// It sent a packet that has no place there.
  case protocolViolation
  /// It did what it was told not to do.
  case violated(V5.DisconnectReason)
  /// It does not read what the broker sends, or has more under way than the limits allow.
  case overLimit
  /// The broker's owner wanted it so.
  case byOwner(V5.DisconnectReason)

  /// What a client of 5.0 is told; nil when it knows, or cannot be told.
  var reason: V5.DisconnectReason? {
    switch self {
    case .byClient, .byClientWithWill, .transportClosed: nil
    case .keepAlive: .keepAliveTimeout
    case .takenOver: .sessionTakenOver
    case .malformed(let error): error.disconnectReason
    case .protocolViolation: .protocolError
    case .violated(let reason), .byOwner(let reason): reason
    case .overLimit: .quotaExceeded
    }
  }
}
