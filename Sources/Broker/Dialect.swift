import Core
import MQTT

/// How one version of MQTT says things: the one place where a connection's version matters.
///
/// Each writing function returns the bytes of a packet, none where the version has no such packet,
/// and nil where the client does not take one of that length.
protocol Dialect {
  var level: ProtocolLevel { get }
  /// True when the client learns what the broker offers, and why something is refused.
  var tellsReasons: Bool { get }

  /// The request at the start of `bytes`; nil when its last byte is not there yet.
  func decode(
    _ bytes: Span<UInt8>, packetBytesMax: Int
  ) throws(DecodeError) -> Request.Decoded?
  /// What to answer to a CONNECT that is wrong; nil when the connection is only closed.
  func answer(to error: DecodeError) -> V5.ConnectReason?
  /// From now on packets are as the client's CONNECT wants them.
  mutating func agree(to connect: ConnectRequest, _ limits: BrokerLimits)

  func connectAck(_ acceptance: Acceptance) -> [UInt8]?
  func connectAck(refusing reason: V5.ConnectReason, serverReference: [UInt8]?) -> [UInt8]?
  func authenticate(
    _ reason: V5.AuthenticateReason, method: [UInt8], data: [UInt8]?
  ) -> [UInt8]?
  mutating func publish(
    _ delivery: Delivery, packetID: UInt16, dup: Bool, at now: Instant
  ) -> [UInt8]?
  /// True when `publish` would not return nil.
  func takes(_ delivery: Delivery, at now: Instant) -> Bool
  func publishAck(_ packetID: UInt16, _ reason: V5.PublishReason) -> [UInt8]?
  func publishReceived(_ packetID: UInt16, _ reason: V5.PublishReason) -> [UInt8]?
  func publishRelease(_ packetID: UInt16, _ reason: V5.ReleaseReason, dup: Bool) -> [UInt8]?
  func publishComplete(_ packetID: UInt16, _ reason: V5.ReleaseReason) -> [UInt8]?
  func subscribeAck(_ packetID: UInt16, _ reasons: [V5.SubscribeReason]) -> [UInt8]?
  func unsubscribeAck(_ packetID: UInt16, _ reasons: [V5.UnsubscribeReason]) -> [UInt8]?
  func pingResponse() -> [UInt8]?
  func disconnect(_ reason: V5.DisconnectReason, serverReference: [UInt8]?) -> [UInt8]?
}

/// What a client learns when its CONNECT is accepted.
struct Acceptance {
  var sessionPresent: Bool
  var limits: BrokerLimits
  /// What counts instead of what the client has asked for; nil where that counts.
  var clientID: [UInt8]?
  var keepAlive: UInt16?
  var sessionExpiry: UInt32?
  var responseInformation: [UInt8]?
  var method: [UInt8]?
  var data: [UInt8]?
}

/// The dialect of a client, by the first bytes that it sends; nil while they do not tell.
///
/// The level stands behind the protocol's name in every version. A higher one than is known is
/// answered in 5.0, which is nearest to it.
func dialect(
  ofFirst bytes: Span<UInt8>, _ levels: Set<ProtocolLevel>
) throws(DecodeError) -> (any Dialect)? {
  guard let header = try FixedHeader.decode(bytes, from: .client, level: .v311) else {
    return nil
  }
  let opening = 2 + 4 + 1
  guard header.type == .connect, header.remainingLength >= opening else { return DialectV3() }
  guard bytes.count >= header.size + opening else { return nil }
  let isCurrent =
    bytes[header.size] == 0 && bytes[header.size + 1] == 4
    && bytes.extracting(header.size + 2..<header.size + 6).equals("MQTT")
    && bytes[header.size + 6] >= ProtocolLevel.v50.rawValue
  return isCurrent && levels.contains(.v50) ? DialectV5() : DialectV3()
}
