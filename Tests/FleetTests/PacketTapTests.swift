import Core
import Testing

@testable import Fleet

/// Identifiers in a stream of packets.
struct PacketTapTests {
  /// PUBLISH at QoS 1 of identifier 0x1234 under "ab", PINGREQ, PUBLISH at QoS 0 under "ab", PUBACK of
  /// 0x0102, PUBLISH at QoS 1 of 0x0007 under "ab" with a payload of 200 bytes.
  private static let bytes: [UInt8] =
    [0x32, 7, 0, 2, 0x61, 0x62, 0x12, 0x34, 0x21, 0xC0, 0, 0x30, 5, 0, 2, 0x61, 0x62, 0x21]
    + [0x40, 2, 1, 2, 0x3A, 0xCE, 1, 0, 2, 0x61, 0x62, 0, 7]
    + Array(repeating: 0x40, count: 200)

  private func found(_ tap: PacketTap, _ bytes: [UInt8], inPiecesOf size: Int) -> [UInt16] {
    var tap = tap
    var found: [UInt16] = []
    for start in stride(from: 0, to: bytes.count, by: size) {
      let piece = Array(bytes[start..<min(start + size, bytes.count)])
      tap.read(piece.span) { found.append($0) }
    }
    return found
  }

  @Test(arguments: [1, 2, 3, 5, 7, 1_000])
  func publishesAtQoS1AreFoundHoweverTheBytesCome(size: Int) {
    #expect(found(PacketTap(.publish), Self.bytes, inPiecesOf: size) == [0x1234, 7])
  }

  @Test(arguments: [1, 2, 3, 5, 7, 1_000])
  func acknowledgementsAreFoundHoweverTheBytesCome(size: Int) {
    #expect(found(PacketTap(.publishAck), Self.bytes, inPiecesOf: size) == [0x0102])
  }

  @Test func acknowledgementsOf5AreFoundWithTheirReasonAndWithout() {
    let bytes: [UInt8] = [0x40, 2, 0, 9, 0x40, 3, 0, 10, 0x10, 0x40, 4, 0, 11, 0x10, 0]
    #expect(found(PacketTap(.publishAck), bytes, inPiecesOf: 1) == [9, 10, 11])
  }

  @Test func aTopicAliasLeavesNoTopicBeforeTheIdentifier() {
    let bytes: [UInt8] = [0x32, 9, 0, 0, 0, 5, 3, 0x23, 0, 1, 0x21]
    #expect(found(PacketTap(.publish), bytes, inPiecesOf: 1) == [5])
  }
}
