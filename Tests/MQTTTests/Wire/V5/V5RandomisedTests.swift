import Core
import MQTT
import Testing

/// Packets from seeds: random properties in random order, and packets with random faults.
@Suite struct V5RandomisedTests {
  /// What is walked and appended again, property by property, is what was sent.
  @Test(arguments: 1...200 as ClosedRange<UInt64>) func propertiesComeBack(seed: UInt64) throws {
    var chance = Chance(seed: seed)
    let place = places[chance.number(below: places.count)]
    let list = chance.properties(of: place)
    let bytes = place.bytes(list)
    let packet = try #require(packetV5(bytes, from: place.sender), "seed \(seed)")
    // Without properties some packets have a shorter form.
    let again = try rewrittenV5(packet, bytes, from: place.sender)
    #expect(again == bytes || list.isEmpty, "seed \(seed)")
    let properties = try #require(packet.properties(in: place))
    #expect(Array(bytes[properties.field.offset...].prefix(list.count)) == list)
    #expect(try appended(properties, bytes) == list, "seed \(seed)")
  }

  /// Bytes that were changed, dropped or doubled are refused, wanted more of, or a packet that can
  /// be written again in as many bytes at most.
  @Test(arguments: 1...200 as ClosedRange<UInt64>) func faultsNeverTrap(seed: UInt64) throws {
    var chance = Chance(seed: seed)
    for sample in v5Samples {
      var bytes = sample.bytes
      for _ in 0...chance.number(below: 3) { chance.damage(&bytes) }
      for sender in [Role.client, .server] {
        guard case .packet(let packet, let size) = decodeV5(bytes, from: sender) else { continue }
        let again = try rewrittenV5(packet, bytes, from: sender)
        #expect(again.count <= size, "seed \(seed)")
        let second = try #require(packetV5(again, from: sender), "seed \(seed)")
        #expect(try rewrittenV5(second, again, from: sender) == again, "seed \(seed)")
      }
    }
  }

  /// With a stream byte by byte, the same packets come out.
  @Test func streamByteByByte() {
    for sender in [Role.client, .server] {
      let parts = v5Samples.filter { $0.sender == sender }.map(\.bytes)
      var queue: [UInt8] = []
      var found: [[UInt8]] = []
      for byte in parts.joined() {
        queue.append(byte)
        guard case .packet(_, let size) = decodeV5(queue, from: sender) else { continue }
        found.append(Array(queue[..<size]))
        queue.removeFirst(size)
      }
      #expect(found == parts && queue.isEmpty)
    }
  }

  private func appended(_ properties: V5.Properties, _ bytes: [UInt8]) throws -> [UInt8] {
    try written { (out) throws(EncodeError) in
      var walk = properties.walk
      while let property = walk.next(in: bytes.span) {
        switch property.id.form {
        case .byte, .twoBytes, .fourBytes, .variable:
          try V5.Properties.append(property.id, property.number, to: &out)
        case .text, .topicName, .binary:
          try V5.Properties.append(property.id, text: bytes.span[property.text], to: &out)
        case .pair:
          try V5.Properties.append(
            user: bytes.span[property.name], bytes.span[property.text], to: &out)
        }
      }
    }
  }
}

private struct Chance {
  private var generator: Generator

  init(seed: UInt64) { generator = Generator(seed: seed) }

  mutating func number(below bound: Int) -> Int { Int(generator.next(below: UInt64(bound))) }

  /// Some of what may be in `place`, in any order, with any value.
  mutating func properties(of place: Place) -> [UInt8] {
    var list = place.needed
    var rest = place.allowed.filter { $0 != 0x15 }
    for _ in 0..<number(below: 8) where !rest.isEmpty {
      let index = number(below: rest.count)
      let id = rest[index]
      if !place.repeatable.contains(id) { rest.remove(at: index) }
      let property = V5.PropertyID(rawValue: id).map { value(of: $0) } ?? []
      // The places write the length in one byte.
      if list.count + property.count < 128 { list += property }
    }
    return list
  }

  private mutating func value(of id: V5.PropertyID) -> [UInt8] {
    switch id.form {
    case .byte: [id.rawValue, UInt8(number(below: 2))]
    case .twoBytes: [id.rawValue, UInt8(number(below: 256)), UInt8(1 + number(below: 255))]
    case .fourBytes: [id.rawValue] + (0..<4).map { _ in UInt8(1 + number(below: 255)) }
    case .variable: [id.rawValue, 0x80 | UInt8(number(below: 128)), UInt8(1 + number(below: 127))]
    case .text, .binary: [id.rawValue] + prefixed(text(bytesMin: 0))
    case .topicName: [id.rawValue] + prefixed(text(bytesMin: 1))
    case .pair: [id.rawValue] + prefixed(text(bytesMin: 0)) + prefixed(text(bytesMin: 0))
    }
  }

  private mutating func text(bytesMin: Int) -> String {
    String(repeating: "ä/z", count: bytesMin + number(below: 4))
  }

  mutating func damage(_ bytes: inout [UInt8]) {
    guard !bytes.isEmpty else { return }
    let index = number(below: bytes.count)
    switch number(below: 4) {
    case 0: bytes[index] = UInt8(number(below: 256))
    case 1: bytes[index] ^= 1 << UInt8(number(below: 8))
    case 2: bytes.remove(at: index)
    default: bytes.insert(bytes[index], at: index)
    }
    // Half of the time the remaining length is right, so that the fault is found behind it.
    if bytes.count > 2, number(below: 2) == 0 { bytes[1] = UInt8(bytes.count - 2) }
  }
}

extension V5.Packet {
  /// The properties that `place` is about.
  fileprivate func properties(in place: Place) -> V5.Properties? {
    switch self {
    case .connect(let packet):
      place.description == "will" ? packet.will?.properties : packet.properties
    case .connectAck(let packet): packet.properties
    case .publish(let packet): packet.properties
    case .publishAck(let packet), .publishReceived(let packet): packet.properties
    case .publishRelease(let packet), .publishComplete(let packet): packet.properties
    case .subscribe(let packet): packet.properties
    case .subscribeAck(let packet): packet.properties
    case .unsubscribe(let packet): packet.properties
    case .unsubscribeAck(let packet): packet.properties
    case .disconnect(let packet): packet.properties
    case .authenticate(let packet): packet.properties
    case .pingRequest, .pingResponse: nil
    }
  }
}
