import Core

/// PUBLISH: one message (section 3.3).
public struct Publish: BitwiseCopyable, Equatable, Sendable {
  /// Identifies the message until it is acknowledged; 0 at QoS 0.
  public var packetID: UInt16
  /// How hard to try.
  public var qos: QoS
  /// To a server: keep the message for later subscribers. From a server: it was kept.
  public var retain: Bool
  /// The sender has sent this message before.
  public var dup: Bool
  /// The topic name.
  public var topic: Field
  /// The message itself; may be empty.
  public var payload: Field

  init(
    _ bytes: Span<UInt8>, _ fields: inout FieldReader, flags: UInt8
  ) throws(DecodeError) {
    guard let qos = QoS(rawValue: flags &>> 1 & 0b11) else { throw .invalidQoS }
    self.qos = qos
    retain = flags & 0b0001 != 0
    dup = flags & 0b1000 != 0
    topic = try fields.topicName(in: bytes)
    packetID = qos == .atMostOnce ? 0 : try fields.packetID(in: bytes)
    payload = fields.rest()
  }

  /// Bytes of a whole packet with a topic and a payload of so many bytes.
  public static func size(topicBytes: Int, payloadBytes: Int, qos: QoS) -> Int {
    let bodySize = 2 + topicBytes + (qos == .atMostOnce ? 0 : 2) + payloadBytes
    return 1 + VarInt.size(of: bodySize) + bodySize
  }

  /// Appends the whole packet, or throws and appends nothing. `packetID` is 0 at QoS 0.
  public static func encode(
    level: ProtocolLevel, packetID: UInt16, qos: QoS, retain: Bool, dup: Bool,
    topic: Span<UInt8>, payload: Span<UInt8>, into out: inout OutputSpan<UInt8>
  ) throws(EncodeError) {
    try check(level: level, packetID: packetID, qos: qos, dup: dup, topic: topic)
    let bodySize = fieldsSize(topic: topic, qos: qos) + payload.count
    guard payload.count <= VarInt.max, bodySize <= VarInt.max else { throw .packetTooLarge }
    let size = 1 + VarInt.size(of: bodySize) + bodySize
    guard size <= out.freeCapacity else { throw .bufferFull }
    let firstByte = firstByte(qos: qos, retain: retain, dup: dup)
    out.append(exactly: size) { writer in
      write(
        firstByte, packetID, topic, hasProperties: false, payload, bodySize: bodySize,
        into: &writer)
    }
  }

  /// Bytes of the body of a packet that has no properties, but in 5.0 their length.
  @inline(__always)
  static func plainBodySize(
    _ topic: Span<UInt8>, hasPacketID: Bool, hasProperties: Bool, _ payload: Span<UInt8>
  ) -> Int {
    2 &+ topic.count &+ (hasPacketID ? 2 : 0) &+ (hasProperties ? 1 : 0) &+ payload.count
  }

  /// Writes the whole packet, of which all was checked. In 5.0 it has properties, none.
  @inline(__always)
  static func write(
    _ firstByte: UInt8, _ packetID: UInt16, _ topic: Span<UInt8>, hasProperties: Bool,
    _ payload: Span<UInt8>, bodySize: Int, into writer: inout ByteWriter
  ) {
    if bodySize < 128 {
      // Most packets are short; what is before the topic is one word then.
      writer.put(
        bigEndian: UInt32(firstByte) &<< 24 | UInt32(truncatingIfNeeded: bodySize) &<< 16
          | UInt32(truncatingIfNeeded: topic.count))
    } else {
      writer.put(firstByte)
      writer.put(varInt: bodySize)
      writer.put(bigEndian: UInt16(truncatingIfNeeded: topic.count))
    }
    writer.put(topic)
    if packetID != 0 { writer.put(bigEndian: packetID) }
    if hasProperties { writer.put(0) }
    writer.put(payload)
  }

  /// Appends the whole packet with a payload that `writePayload` appends in place: no second
  /// buffer. Throws and appends nothing when there is no room for `payloadMax` bytes, or when
  /// `writePayload` appends more than those.
  public static func encode(
    level: ProtocolLevel, packetID: UInt16, qos: QoS, retain: Bool, dup: Bool,
    topic: Span<UInt8>, payloadMax: Int, into out: inout OutputSpan<UInt8>,
    writePayload: (inout OutputSpan<UInt8>) -> Void
  ) throws(EncodeError) {
    try check(level: level, packetID: packetID, qos: qos, dup: dup, topic: topic)
    let bodyMax = fieldsSize(topic: topic, qos: qos) + payloadMax
    guard payloadMax <= VarInt.max, bodyMax <= VarInt.max else { throw .packetTooLarge }
    let lengthSize = VarInt.size(of: bodyMax)
    guard 1 + lengthSize + bodyMax <= out.freeCapacity else { throw .bufferFull }

    // The body begins where it belongs if the payload is about as long as announced. A length in
    // more bytes than it needs is malformed, so a shorter body moves down.
    let start = out.count
    out.append(firstByte(qos: qos, retain: retain, dup: dup))
    for _ in 0..<lengthSize { out.append(0) }
    append(topic: topic, packetID: packetID, qos: qos, into: &out)
    writePayload(&out)
    guard out.count - start <= 1 + lengthSize + bodyMax else {
      out.removeLast(out.count - start)
      throw .packetTooLarge
    }
    closeGap(at: start + 1, lengthSize: lengthSize, in: &out)
  }

  /// Writes the remaining length into the `lengthSize` bytes reserved at `start`, and moves the
  /// body down when that takes fewer.
  static func closeGap(
    at start: Int, lengthSize: Int, in out: inout OutputSpan<UInt8>
  ) {
    var bodySize = out.count - start - lengthSize
    let needed = VarInt.size(of: bodySize)
    let spare = lengthSize - needed
    let end = start + needed + bodySize
    do {
      var bytes = out.mutableSpan
      for index in start..<start + needed - 1 {
        bytes[index] = UInt8(truncatingIfNeeded: bodySize) | 0x80
        bodySize = bodySize &>> 7
      }
      bytes[start + needed - 1] = UInt8(truncatingIfNeeded: bodySize)
      if spare > 0 {
        for index in start + needed..<end { bytes[index] = bytes[index + spare] }
      }
    }
    out.removeLast(spare)
  }

  @inline(__always)
  static func check(
    level: ProtocolLevel, packetID: UInt16, qos: QoS, dup: Bool, topic: Span<UInt8>
  ) throws(EncodeError) {
    guard level != .v50 else { throw .unsupportedLevel }
    guard (packetID == 0) == (qos == .atMostOnce) else { throw .invalidPacketID }
    guard !dup || qos != .atMostOnce else { throw .invalidFlags }
    guard topic.count <= UInt16.max else { throw .packetTooLarge }
    guard TopicName.isValid(topic) else { throw .invalidTopicName }
  }

  static func firstByte(qos: QoS, retain: Bool, dup: Bool) -> UInt8 {
    PacketType.publish.rawValue &<< 4 | (dup ? 0b1000 : 0) | qos.rawValue &<< 1 | (retain ? 1 : 0)
  }

  private static func fieldsSize(topic: Span<UInt8>, qos: QoS) -> Int {
    2 + topic.count + (qos == .atMostOnce ? 0 : 2)
  }

  private static func append(
    topic: Span<UInt8>, packetID: UInt16, qos: QoS, into out: inout OutputSpan<UInt8>
  ) {
    out.append(prefixed: topic)
    if qos != .atMostOnce { out.append(bigEndian: packetID) }
  }
}

extension OutputSpan<UInt8> {
  /// Appends at most 65,535 bytes behind their 16-bit count (section 1.5.3).
  @_lifetime(self: copy self)
  mutating func append(prefixed bytes: Span<UInt8>) {
    append(bigEndian: UInt16(truncatingIfNeeded: bytes.count))
    append(contentsOf: bytes)
  }
}
