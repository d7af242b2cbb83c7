import MQTT
import TestSupport

/// One packet from the link, as the broker reads it.
enum Sent: Equatable {
  case connect(clean: Bool, keepAlive: UInt16, id: String, will: String, login: String?)
  case publish(String, String, id: UInt16 = 0, dup: Bool = false, retain: Bool = false)
  case subscribe(String, id: UInt16)
  case unsubscribe(id: UInt16)
  case ping
  case disconnect
  case other(Packet)
  case nonsense

  /// The identifier of a message at QoS 1; nil for any other packet.
  var packetID: UInt16? {
    if case .publish(_, _, let id, _, _) = self, id != 0 { id } else { nil }
  }

  /// Takes all whole packets from the front of `bytes`.
  static func take(_ bytes: inout [UInt8]) -> [Sent] {
    var packets: [Sent] = []
    while !bytes.isEmpty {
      do throws(DecodeError) {
        guard
          let decoded = try Packet.decode(
            bytes.span, from: .client, level: .v311, packetBytesMax: 100_000)
        else { break }
        packets.append(Sent(decoded.packet, Array(bytes[..<decoded.size])))
        bytes.removeFirst(decoded.size)
      } catch {
        bytes = []
        return packets + [.nonsense]
      }
    }
    return packets
  }

  private init(_ packet: Packet, _ bytes: [UInt8]) {
    func text(_ field: Field) -> String { TestSupport.text(bytes.span[field]) }
    switch packet {
    case .connect(let connect):
      let will = connect.will.map { "\(text($0.topic)) \(text($0.payload))" }
      let password = connect.password.map { ":" + text($0) }
      self = .connect(
        clean: connect.cleanSession, keepAlive: connect.keepAlive, id: text(connect.clientID),
        will: will ?? "", login: connect.userName.map { text($0) + (password ?? "") })
    case .publish(let publish):
      self = .publish(
        text(publish.topic), text(publish.payload), id: publish.packetID, dup: publish.dup,
        retain: publish.retain)
    case .subscribe(let subscribe):
      // One filter behind its two bytes of length, and a byte for the QoS.
      let filter = Field(offset: subscribe.filters.offset + 2, count: subscribe.filters.count - 3)
      self = .subscribe(text(filter), id: subscribe.packetID)
    case .unsubscribe(let unsubscribe): self = .unsubscribe(id: unsubscribe.packetID)
    case .pingRequest: self = .ping
    case .disconnect: self = .disconnect
    default: self = .other(packet)
    }
  }
}

/// PUBACK.
func acknowledgement(_ packetID: UInt16) -> [UInt8] {
  [0x40, 2, UInt8(packetID >> 8), UInt8(packetID & 0xFF)]
}
