import Core
import MQTT

/// Packets worked out by hand from the specification, read and written.
extension Facts {
  mutating func aboutPackets() {
    for sample in samples { aboutReading(sample) }
    aboutWriting()
    aboutLongPackets()
  }

  /// At each place that a packet may have in a buffer, and cut off after each byte.
  private mutating func aboutReading(_ sample: Sample) {
    for shift in 0..<8 {
      let shifted = [UInt8](repeating: 0xFF, count: shift) + sample.bytes
      var size = 0
      if let decoded = try? Packet.decode(
        shifted.span.extracting(shift..<shifted.count), from: sample.sender, level: sample.level,
        packetBytesMax: 4096)
      {
        size = decoded.size
      }
      expect(size == sample.bytes.count, "\(sample.name) read, \(shift) from an even place")
    }
    for count in 0..<sample.bytes.count {
      expect(
        decode(Array(sample.bytes[..<count]), from: sample.sender, level: sample.level)
          == .incomplete,
        "\(sample.name) is not whole after \(count) bytes")
    }
  }

  private mutating func aboutWriting() {
    let all = try? connect(
      cleanSession: true, keepAlive: 10, clientID: utf8("abc"),
      will: TestWill(topic: utf8("w/t"), payload: utf8("gone"), qos: .atLeastOnce),
      userName: utf8("u"), password: utf8("pw"))
    expect(all == samples[0].bytes, "CONNECT written")
    expect((try? connect(clientID: [])) == samples[1].bytes, "the smallest CONNECT written")
    let ack = try? written { (out) throws(EncodeError) in
      try Acknowledgement.publishAck.encode(level: .v311, packetID: 0x1234, into: &out)
    }
    expect(ack == [0x40, 2, 0x12, 0x34], "PUBACK written")
    if case .packet(.connect(let read), 35) = decode(samples[0].bytes, from: .client) {
      expect(
        read.keepAlive == 10 && samples[0].bytes.text(read.clientID) == "abc", "CONNECT's fields")
    } else {
      expect(false, "CONNECT's fields")
    }
  }

  /// Where the remaining length grows by a byte.
  private mutating func aboutLongPackets() {
    let topic = utf8("a/b")
    for (body, lengthBytes) in [(127, 1), (128, 2), (16_383, 2), (16_384, 3), (2_097_152, 4)] {
      let payload = [UInt8](repeating: 0x2A, count: body - 5)
      let bytes = try? written(capacity: body + 5) { (out) throws(EncodeError) in
        try Publish.encode(
          level: .v311, packetID: 0, qos: .atMostOnce, retain: false, dup: false,
          topic: topic.span, payload: payload.span, into: &out)
      }
      expect(bytes?.count == 1 + lengthBytes + body, "a body of \(body) bytes written")
      if let bytes,
        case .packet(.publish(let read), _) = decode(
          bytes, from: .client, packetBytesMax: .max)
      {
        expect(read.payload.count == body - 5, "a body of \(body) bytes read")
      } else {
        expect(false, "a body of \(body) bytes read")
      }
    }
  }
}
