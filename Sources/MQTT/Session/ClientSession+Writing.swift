import Core

/// What a PUBLISH says besides topic, properties and payload.
struct PublishHead: BitwiseCopyable {
  let packetID: UInt16
  let qos: QoS
  let retain: Bool
  let dup: Bool
  /// The first byte of the packet, which says the same but for the identifier.
  let firstByte: UInt8

  @inline(__always)
  init(packetID: UInt16, qos: QoS, retain: Bool, dup: Bool) {
    self.packetID = packetID
    self.qos = qos
    self.retain = retain
    self.dup = dup
    firstByte = Publish.firstByte(qos: qos, retain: retain, dup: dup)
  }
}

/// How a PUBLISH is written: what the server forbids is refused before, and an alias may stand for
/// its topic.
extension ClientSession {
  @inline(__always)
  mutating func write(
    _ head: PublishHead, topic: Span<UInt8>, properties: Span<UInt8>, payload: Span<UInt8>
  ) throws(PublishError) {
    try check(head)
    guard !properties.isEmpty || options.assignsAliases && outbound.limit > 0 else {
      return try writePlain(head, topic: topic, payload: payload)
    }
    guard options.level.isV5 else { throw .invalidProperties }
    try writeV5(
      head, topic: topic, properties: properties, payloadMax: payload.count
    ) { (topic, alias, out) throws(EncodeError) in
      try V5.Publish.encode(
        from: .client, packetID: head.packetID, qos: head.qos, retain: head.retain, dup: head.dup,
        topic: topic, topicAlias: alias, properties: properties, payload: payload, into: &out)
    }
  }

  /// The hot path, for a message without properties in any version: checked once, then written
  /// without looking back.
  @inline(__always)
  private mutating func writePlain(
    _ head: PublishHead, topic: Span<UInt8>, payload: Span<UInt8>
  ) throws(PublishError) {
    guard TopicName.isValid(topic) else { throw .invalidTopic }
    let hasProperties = options.level.isV5
    let bodySize = Publish.plainBodySize(
      topic, hasPacketID: head.packetID != 0, hasProperties: hasProperties, payload)
    let size = 1 &+ VarInt.size(of: bodySize) &+ bodySize
    // What the server takes is no longer than MQTT allows. A topic of at most 65,535 bytes and any
    // payload have a sum that fits where no bit is a sign, so it is compared there.
    guard UInt(bitPattern: size) <= UInt(bitPattern: serverLimits.packetBytesMax) else {
      throw .packetTooLarge
    }
    let isWritten = output.append(exactly: size, keeping: Self.sendReserve) { writer in
      Publish.write(
        head.firstByte, head.packetID, topic, hasProperties: hasProperties, payload,
        bodySize: bodySize, into: &writer)
    }
    guard isWritten else { throw size > packetBytesMax ? .packetTooLarge : .bufferFull }
  }

  mutating func write(
    _ head: PublishHead, topic: Span<UInt8>, properties: Span<UInt8>, payloadMax: Int,
    writePayload: (inout OutputSpan<UInt8>) -> Void
  ) throws(PublishError) {
    try check(head)
    guard options.level.isV5 else {
      guard properties.isEmpty else { throw .invalidProperties }
      let size = Publish.size(topicBytes: topic.count, payloadBytes: payloadMax, qos: head.qos)
      try checkRoom(size)
      let level = options.level
      return try append(size) { (out) throws(EncodeError) in
        try Publish.encode(
          level: level, packetID: head.packetID, qos: head.qos, retain: head.retain, dup: head.dup,
          topic: topic, payloadMax: payloadMax, into: &out, writePayload: writePayload)
      }
    }
    try writeV5(
      head, topic: topic, properties: properties, payloadMax: payloadMax
    ) { (topic, alias, out) throws(EncodeError) in
      try V5.Publish.encode(
        from: .client, packetID: head.packetID, qos: head.qos, retain: head.retain, dup: head.dup,
        topic: topic, topicAlias: alias, properties: properties, payloadMax: payloadMax,
        into: &out, writePayload: writePayload)
    }
  }

  /// What the server does not take at all (5.0 section 3.2.2.3).
  @inline(__always)
  private func check(_ head: PublishHead) throws(PublishError) {
    guard head.firstByte & forbiddenFlags == 0 else {
      throw head.qos > serverLimits.maximumQoS ? .qosNotSupported : .retainNotSupported
    }
  }

  /// Bytes of the longest packet that can be sent: as many as the send buffer and the server take.
  public var packetBytesMax: Int {
    min(output.capacity &- Self.sendReserve, serverLimits.packetBytesMax)
  }

  @inline(__always)
  private func checkRoom(_ size: Int) throws(PublishError) {
    guard size <= packetBytesMax else { throw .packetTooLarge }
    guard size <= output.freeCapacity &- Self.sendReserve else { throw .bufferFull }
  }

  private mutating func append(
    _ size: Int, _ encode: (inout OutputSpan<UInt8>) throws(EncodeError) -> Void
  ) throws(PublishError) {
    do throws(EncodeError) {
      try output.append(upTo: size, encode)
    } catch {
      throw PublishError(error)
    }
  }

  /// Chooses how the topic is said, and writes the packet so. Apart from the versions before, which
  /// need none of what this looks at.
  @inline(never)
  private mutating func writeV5(
    _ head: PublishHead, topic: Span<UInt8>, properties: Span<UInt8>, payloadMax: Int,
    _ encode: (Span<UInt8>, UInt16?, inout OutputSpan<UInt8>) throws(EncodeError) -> Void
  ) throws(PublishError) {
    var naming = try naming(of: topic, properties)
    let said = naming.isKnown ? topic.extracting(0..<0) : topic
    var size = V5.Publish.size(
      topicBytes: said.count,
      propertyBytes: properties.count + (naming.alias == nil ? 0 : V5.Publish.aliasBytes),
      payloadBytes: payloadMax, qos: head.qos)
    if size > packetBytesMax, naming.alias != nil, !naming.isKnown {
      // Without the bytes of a new alias it may fit.
      naming.alias = nil
      size = V5.Publish.size(
        topicBytes: said.count, propertyBytes: properties.count, payloadBytes: payloadMax,
        qos: head.qos)
    }
    try checkRoom(size)
    let alias = naming.alias
    try append(size) { (out) throws(EncodeError) in try encode(said, alias, &out) }
    if let used = naming.alias ?? naming.owners {
      if naming.isKnown || topic.isEmpty { outbound.touch(used) } else { outbound.set(used, topic) }
    }
  }

  /// How a topic is said in a packet of 5.0.
  private struct Naming: BitwiseCopyable {
    /// The alias that the session adds.
    var alias: UInt16?
    /// The alias that is among the owner's properties.
    var owners: UInt16?
    /// The added alias stands for the topic already.
    var isKnown = false
  }

  private func naming(
    of topic: Span<UInt8>, _ properties: Span<UInt8>
  ) throws(PublishError) -> Naming {
    var naming = Naming()
    if !properties.isEmpty {
      let list: V5.Properties
      do throws(EncodeError) {
        list = try V5.Properties(written: properties, in: .publishFromClient)
      } catch {
        throw .invalidProperties
      }
      if let number = list.number(.topicAlias, in: properties) {
        let alias = UInt16(truncatingIfNeeded: number)
        guard Int(alias) <= serverLimits.topicAliasMaximum, Int(alias) <= outbound.limit,
          topic.isEmpty ? outbound.contains(alias) : outbound.takes(topic)
        else { throw .invalidTopicAlias }
        naming.owners = alias
        return naming
      }
    }
    guard options.assignsAliases, !topic.isEmpty, outbound.takes(topic) else { return naming }
    if let alias = outbound.alias(of: topic) {
      naming.alias = alias
      naming.isKnown = true
    } else {
      naming.alias = outbound.leastUsed
    }
    return naming
  }
}
