import Core
import MQTT

/// Finds the identifiers of one type of packet in one direction of a connection: of PUBLISH at QoS 1 on
/// the way to the broker, of PUBACK on the way back, which together tell how long it takes. Knows packets
/// by their frames alone, and takes the bytes as they come, in pieces of any length.
///
///     | type, flags 1 | remaining length 1-4 | PUBLISH: length 2, topic, identifier 2 ... |
///                                            | PUBACK:  identifier 2 ...                 |
struct PacketTap: BitwiseCopyable {
  private enum Place: BitwiseCopyable { case first, length, body }

  private let wanted: PacketType
  private var place = Place.first
  private var first: UInt8 = 0
  /// Bytes of the body that are still to come, once its length is known.
  private var left = 0
  private var shift = 0
  /// Bytes of the body that have come.
  private var offset = 0
  private var topicBytes = 0
  private var identifier: UInt16 = 0

  /// A tap at the beginning of a connection, for PUBLISH or PUBACK.
  init(_ wanted: PacketType) {
    precondition(wanted == .publish || wanted == .publishAck)
    self.wanted = wanted
  }

  /// Takes in the next bytes; `found` is told the identifiers that they bring.
  mutating func read(_ bytes: Span<UInt8>, _ found: (UInt16) -> Void) {
    var index = 0
    while index < bytes.count {
      switch place {
      case .first:
        first = bytes[index]
        (left, shift, offset, topicBytes, identifier) = (0, 0, 0, 0, 0)
        place = .length
        index += 1
      case .length:
        let byte = bytes[index]
        left |= Int(byte & 0x7F) << shift
        shift += 7
        index += 1
        // A length has four bytes at most (MQTT 3.1.1, section 2.2.3).
        if byte & 0x80 == 0 || shift > 21 { place = left == 0 ? .first : .body }
      case .body:
        let start = identifierStart
        if let start, offset < 2 || offset >= start, offset < start + 2 {
          look(at: bytes[index], identifierAt: start, found)
          advance(by: 1, &index)
        } else {
          // Up to the identifier, or to the end where it is over or does not matter.
          let rest = start.map { $0 > offset ? $0 - offset : left } ?? left
          advance(by: min(rest, left, bytes.count - index), &index)
        }
      }
    }
  }

  private mutating func advance(by count: Int, _ index: inout Int) {
    index += count
    offset += count
    left -= count
    if left == 0 { place = .first }
  }

  /// Where in the body the identifier is, as far as that is known; nil for a packet of another type.
  private var identifierStart: Int? {
    guard first >> 4 == wanted.rawValue else { return nil }
    if wanted == .publishAck { return 0 }
    return first & 0b0110 == 0b0010 ? 2 + topicBytes : nil
  }

  private mutating func look(
    at byte: UInt8, identifierAt start: Int, _ found: (UInt16) -> Void
  ) {
    // Until its second byte has come, what is known of the topic's length puts the identifier behind it.
    if offset < 2, start >= 2 {
      topicBytes = topicBytes << 8 | Int(byte)
      return
    }
    identifier = identifier << 8 | UInt16(byte)
    if offset == start + 1 { found(identifier) }
  }
}
