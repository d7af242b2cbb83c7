import Core
import MQTT

/// What `new`, `will`, `tls` and `transport` have said of a client.
struct ClientSettings {
  var level = ProtocolLevel.v311
  var isClean = true
  var keepAlive: UInt16 = 60
  var acknowledgesByHand = false
  /// True without a transport: bytes and time come by commands.
  var isPure = false
  var clientID: [UInt8] = []
  var userName: [UInt8]?
  var password: [UInt8]?
  var properties: [UInt8] = []
  var will: WillSettings?

  struct WillSettings {
    var topic: [UInt8]
    var payload: [UInt8]
    var qos: QoS
    var retain: Bool
    var properties: [UInt8]
  }

  /// The options of each connection.
  var connectOptions: ConnectOptions {
    var options = ConnectOptions(
      level: level, cleanSession: isClean, keepAlive: keepAlive, replyTimeout: .seconds(10))
    options.acknowledgesByHand = acknowledgesByHand
    options.largeMessages = .stream
    options.packetTimeout = .seconds(15)
    return options
  }

  /// A CONNECT of these settings as it would be written; nil when it cannot be. Nothing but its
  /// sizes is looked at.
  func isWritable() -> Bool {
    var isGood = true
    let room =
      128 + clientID.count + properties.count + (userName?.count ?? 0) + (password?.count ?? 0)
      + (will.map { $0.topic.count + $0.payload.count + $0.properties.count } ?? 0)
    _ = [UInt8](capacity: room) { out in
      do throws(EncodeError) {
        try withIdentity { (identity) throws(EncodeError) in
          if level == .v50 {
            try V5.Connect.encode(
              cleanStart: isClean, keepAlive: keepAlive, properties: identity.properties,
              clientID: identity.clientID, will: identity.will, userName: identity.userName,
              password: identity.password, into: &out)
          } else {
            try Connect.encode(
              level: level, cleanSession: isClean, keepAlive: keepAlive,
              clientID: identity.clientID, will: identity.will, userName: identity.userName,
              password: identity.password, into: &out)
          }
        }
      } catch { isGood = false }
    }
    return isGood && (level == .v50 || (properties.isEmpty && will?.properties.isEmpty != false))
  }

  /// Lends who connects.
  func withIdentity<R, E: Error>(
    _ body: (borrowing ConnectIdentity) throws(E) -> R
  ) throws(E) -> R {
    let (user, secret) = (userName ?? [], password ?? [])
    let last =
      will ?? WillSettings(topic: [], payload: [], qos: .atMostOnce, retain: false, properties: [])
    let lentName: Span<UInt8>? = userName == nil ? nil : user.span
    let lentSecret: Span<UInt8>? = password == nil ? nil : secret.span
    let lent: Will? =
      will == nil
      ? nil
      : Will(
        properties: last.properties.span, topic: last.topic.span, payload: last.payload.span,
        qos: last.qos, retain: last.retain)
    return try body(
      ConnectIdentity(
        clientID: clientID.span, userName: lentName, password: lentSecret, will: lent,
        properties: properties.span))
  }
}
