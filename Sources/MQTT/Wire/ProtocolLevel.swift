/// The version of the protocol that a connection speaks. The raw value is the protocol level byte
/// of CONNECT (section 3.1.2.2).
///
/// What differs between versions asks for the level; nothing remembers it behind the caller's back.
/// The packets of 5.0 have types of their own, in `V5`; those of 3.1 and 3.1.1 refuse its level as
/// `unsupportedLevel`.
public enum ProtocolLevel: UInt8, BitwiseCopyable, Sendable {
  /// MQTT 3.1, protocol name "MQIsdp".
  case v31 = 3
  /// MQTT 3.1.1 (OASIS standard, ISO/IEC 20922), protocol name "MQTT".
  case v311 = 4
  /// MQTT 5.0, protocol name "MQTT".
  case v50 = 5

  /// The version's number, as people write it.
  public var word: StaticString {
    switch self {
    case .v31: "3.1"
    case .v311: "3.1.1"
    case .v50: "5.0"
    }
  }

  /// True for 5.0: the one question behind which everything is that only 5.0 has.
  ///
  /// For a microcontroller that speaks 3.1 and 3.1.1 only, compile with `-D SANDPIPER_MQTT_V3`. The
  /// answer is always no then, so that the linker finds nobody who needs the rest, and to open a
  /// session of 5.0 throws `unsupportedLevel`.
  @inline(__always)
  var isV5: Bool {
    #if SANDPIPER_MQTT_V3
      false
    #else
      self == .v50
    #endif
  }
}

/// Quality of service: how hard the two sides try to deliver one message (section 4.3).
public enum QoS: UInt8, BitwiseCopyable, Comparable, Sendable {
  /// Sent once and forgotten.
  case atMostOnce = 0
  /// Acknowledged by PUBACK; may arrive twice.
  case atLeastOnce = 1
  /// Handed over by PUBREC, PUBREL, PUBCOMP; arrives once.
  case exactlyOnce = 2

  /// Less effort before more.
  @inlinable public static func < (a: QoS, b: QoS) -> Bool { a.rawValue < b.rawValue }
}

/// Which end of a connection sent a packet: each packet type is allowed in one direction or both.
public enum Role: BitwiseCopyable, Sendable {
  /// The end that sends CONNECT.
  case client
  /// The end that answers with CONNACK.
  case server
}

/// The four upper bits of a packet's first byte (section 2.2.1).
public enum PacketType: UInt8, BitwiseCopyable, Sendable {
  /// CONNECT, client to server.
  case connect = 1
  /// CONNACK, server to client.
  case connectAck = 2
  /// PUBLISH, both ways.
  case publish = 3
  /// PUBACK, both ways.
  case publishAck = 4
  /// PUBREC, both ways.
  case publishReceived = 5
  /// PUBREL, both ways.
  case publishRelease = 6
  /// PUBCOMP, both ways.
  case publishComplete = 7
  /// SUBSCRIBE, client to server.
  case subscribe = 8
  /// SUBACK, server to client.
  case subscribeAck = 9
  /// UNSUBSCRIBE, client to server.
  case unsubscribe = 10
  /// UNSUBACK, server to client.
  case unsubscribeAck = 11
  /// PINGREQ, client to server.
  case pingRequest = 12
  /// PINGRESP, server to client.
  case pingResponse = 13
  /// DISCONNECT, client to server; in 5.0 both ways.
  case disconnect = 14
  /// AUTH, both ways, in 5.0 only.
  case authenticate = 15

  /// True when `sender` may send packets of this type (table 2.1).
  public func mayCome(from sender: Role, level: ProtocolLevel) -> Bool {
    switch self {
    case .connect, .subscribe, .unsubscribe, .pingRequest: sender == .client
    case .disconnect: sender == .client || level == .v50
    case .authenticate: level == .v50
    case .connectAck, .subscribeAck, .unsubscribeAck, .pingResponse: sender == .server
    case .publish, .publishAck, .publishReceived, .publishRelease, .publishComplete: true
    }
  }

  /// The first byte of a packet of this type that is not PUBLISH (table 2.2): PUBREL, SUBSCRIBE
  /// and UNSUBSCRIBE carry 0010, for in 3.1 they were sent at QoS 1.
  var firstByte: UInt8 {
    switch self {
    case .publishRelease, .subscribe, .unsubscribe: rawValue &<< 4 | 0b0010
    default: rawValue &<< 4
    }
  }
}
