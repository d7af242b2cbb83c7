/// Why received bytes are not a packet. The network connection is to be closed (section 4.8);
/// the cases that a server answers first say so.
public enum DecodeError: UInt8, Error, BitwiseCopyable, Sendable {
  /// Packet type 0 or 15 (table 2.1).
  case reservedType
  /// A packet that the sender's side never sends.
  case wrongDirection
  /// Reserved flag bits that differ from table 2.2, or CONNECT flags that contradict each other.
  case invalidFlags
  /// QoS 3, or DUP with QoS 0 (section 3.3.1).
  case invalidQoS
  /// A remaining length, or another number of variable length in 5.0, of more than four bytes or in
  /// more bytes than it needs.
  case malformedLength
  /// The packet announces more bytes than the receiver is ready to take.
  case packetTooLarge
  /// Fields that end beyond the packet, bytes behind the last field, or a required list that is
  /// empty.
  case malformedBody
  /// Text that is not UTF-8 or holds U+0000 (section 1.5.3).
  case malformedText
  /// A topic name that is empty or holds a wildcard (sections 3.3.2.1 and 4.7.3).
  case invalidTopicName
  /// A topic filter that is empty or has a wildcard where none may be (section 4.7.1).
  case invalidTopicFilter
  /// Packet identifier 0 (section 2.3.1).
  case invalidPacketID
  /// A return or reason code that the specification reserves, or gives to other packets or to the
  /// other side.
  case invalidReturnCode
  /// CONNECT with another protocol name than "MQTT" or "MQIsdp".
  case unknownProtocol
  /// CONNECT with a level that is not spoken here, or by another decoder: `Packet` has 3.1 and 3.1.1,
  /// `V5.Packet` 5.0. A server that has neither answers CONNACK 1 (section 3.1.2.2).
  case unsupportedLevel
  /// CONNECT with an empty client identifier where one is needed. A server answers CONNACK 2
  /// (section 3.1.3.1).
  case clientIDRequired
  /// A property that nobody knows, or that this packet or its sender may not have (5.0 section
  /// 2.2.2.2).
  case misplacedProperty
  /// A property that comes twice and may not (5.0).
  case repeatedProperty
  /// A property with a value out of its range (5.0).
  case invalidProperty
  /// The topic alias 0 (5.0 section 3.3.2.3.4).
  case invalidTopicAlias
  /// No property where there has to be one: an alias for an empty topic, a method for
  /// authentication data or AUTH (5.0).
  case missingProperty
  /// A reason string or user property that the client has asked not to get (5.0 section
  /// 3.1.2.11.7).
  case unwantedProperty
  /// Subscription options that exclude each other or are out of range (5.0 section 3.8.3.1).
  case invalidSubscription
}

/// Why a packet was not written. Nothing was appended.
public enum EncodeError: UInt8, Error, BitwiseCopyable, Sendable {
  /// No buffer would do: a text of more than 65,535 bytes, or a body of more than 268,435,455.
  case packetTooLarge
  /// The packet does not fit into the free space; it may once some has been sent.
  case bufferFull
  /// A topic name that is empty, holds a wildcard, or is not UTF-8.
  case invalidTopicName
  /// A topic filter that is empty, has a wildcard where none may be, or is not UTF-8.
  case invalidTopicFilter
  /// Text that is not UTF-8 or holds U+0000.
  case malformedText
  /// A packet identifier that is 0 where one is needed, or is not 0 at QoS 0.
  case invalidPacketID
  /// An empty client identifier without clean session, or one that 3.1 does not allow.
  case invalidClientID
  /// A combination that the specification forbids: a password without a user name, DUP at QoS 0,
  /// a session present in a refusal, an empty list, a reason code of the other side.
  case invalidFlags
  /// 5.0, which has encoders of its own in `V5`.
  case unsupportedLevel
  /// Properties that are malformed, that the packet may not have, or that it lacks (5.0).
  case invalidProperties
}
