import Core
import MQTT

/// A message as it came, in memory of its own.
struct ReceivedMessage {
  var topic: [UInt8] = []
  var payload: [UInt8] = []
  var packetID: UInt16 = 0
  var qos = QoS.atMostOnce
  var retain = false
  /// As they came on the wire, without their length.
  var properties: [UInt8] = []

  /// All properties, by `body`.
  func forEachProperty(_ body: (V5.PropertyID, UInt32, _ name: [UInt8], _ text: [UInt8]) -> Void) {
    let bytes = properties.span
    var walk = V5.Properties.walk(written: bytes)
    while let property = walk.next(in: bytes) {
      body(
        property.id, property.number, [UInt8](copying: bytes[property.name]),
        [UInt8](copying: bytes[property.text]))
    }
  }
}

/// Makes whole messages of those that come in one piece, and of those that come in many.
struct MessageAssembly {
  private var large: ReceivedMessage?

  /// Takes an event of a message; the message when it is whole.
  mutating func take(_ event: ManagerEvent, _ client: LabClient) -> ReceivedMessage? {
    switch event {
    case .message(let incoming): return Self.copy(incoming, client, hasPayload: true)
    case .largeMessage(let incoming, _):
      large = Self.copy(incoming, client, hasPayload: false)
      return nil
    case .payloadPiece(let piece, let isLast):
      client.manager?.withPacket { bytes in
        large?.payload.append(addingCapacity: piece.count) { out in
          out.append(contentsOf: bytes[piece])
        }
      }
      guard isLast else { return nil }
      defer { large = nil }
      return large
    default: return nil
    }
  }

  private static func copy(
    _ incoming: IncomingMessage, _ client: LabClient, hasPayload: Bool
  ) -> ReceivedMessage {
    var message = ReceivedMessage()
    message.packetID = incoming.packetID
    message.qos = incoming.qos
    message.retain = incoming.retain
    client.manager?.withMessage(incoming) { topic, payload in
      message.topic = [UInt8](copying: topic)
      if hasPayload { message.payload = [UInt8](copying: payload) }
    }
    if !incoming.properties.isEmpty {
      client.manager?.withPacket { bytes in
        message.properties = [UInt8](copying: bytes[incoming.properties.field])
      }
    }
    return message
  }
}
