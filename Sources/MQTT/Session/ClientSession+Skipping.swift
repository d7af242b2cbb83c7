import Core

/// A message larger than the receive buffer is passed over and acknowledged: otherwise it would
/// end every connection anew. It holds no memory but this:
///
///     | fixed header | topic length | topic | packet identifier | payload |
///       consumed       consumed      `topic`  0 or 2 bytes        `payload`
struct Skip: BitwiseCopyable {
  /// Bytes of the whole packet, for the report.
  var packetBytes: Int
  var qos: QoS
  /// Bytes of the topic still to come.
  var topic: Int
  /// Read behind the topic; 0 until then and at QoS 0.
  var packetID: UInt16 = 0
  /// Bytes of the payload still to come.
  var payload: Int
}

extension ClientSession {
  /// Looks at a packet that does not fit into the input: a message is skipped, anything else is
  /// refused.
  mutating func startSkip(at now: Instant) -> Turn {
    let level = options.level
    let started: Skip?
    do throws(DecodeError) {
      started = try input.withBytes { (bytes) throws(DecodeError) -> Skip? in
        guard let header = try FixedHeader.decode(bytes, from: .server, level: level),
          header.type == .publish, let qos = QoS(rawValue: header.flags &>> 1 & 0b11)
        else { throw .packetTooLarge }
        guard bytes.count >= header.size + 2 else { return nil }
        let topic = Int(bytes[header.size]) &<< 8 | Int(bytes[header.size + 1])
        let payload = header.remainingLength - 2 - topic - (qos == .atMostOnce ? 0 : 2)
        guard payload >= 0 else { throw .malformedBody }
        return Skip(
          packetBytes: header.packetSize, qos: qos, topic: topic, payload: payload)
      }
    } catch {
      return .event(fail(.malformed(error)))
    }
    guard let started else {
      expectPacket(of: 0, at: now)
      return .idle
    }
    skip = started
    expectPacket(of: started.packetBytes, at: now)
    // The fixed header and the topic's length; the rest of the packet is counted in `skip`.
    let rest = started.topic + (started.qos == .atMostOnce ? 0 : 2) + started.payload
    input.consume(started.packetBytes - rest)
    return skipOn()
  }

  /// Consumes what has come of the packet that is passed over.
  mutating func skipOn() -> Turn {
    guard var now = skip else { return .handled }
    input.drop(&now.topic)
    if now.topic == 0 && now.qos != .atMostOnce && now.packetID == 0 && input.count >= 2 {
      now.packetID = input.withBytes { bytes in UInt16(bytes[0]) &<< 8 | UInt16(bytes[1]) }
      guard now.packetID != 0 else { return .event(fail(.malformed(.invalidPacketID))) }
      input.consume(2)
    }
    let isAtPayload = now.topic == 0 && (now.qos == .atMostOnce || now.packetID != 0)
    if isAtPayload { input.drop(&now.payload) }
    skip = now
    guard isAtPayload, now.payload == 0 else { return .idle }
    packetCompleted()
    guard now.qos == .atMostOnce || canAnswer else { return .idle }

    if now.qos == .exactlyOnce && received[now.packetID] == nil {
      guard !received.isFull else { return .event(fail(.receivedFull)) }
      received.insert(now.packetID, .received)
    }
    skip = nil
    counters.oversizedSkipped &+= 1
    if isOnline { acknowledge(now.packetID, now.qos) }
    return .event(.skipped(packetBytes: now.packetBytes))
  }
}

extension ByteQueue {
  /// Drops up to `count` bytes and takes them off `count`.
  fileprivate mutating func drop(_ count: inout Int) {
    let now = min(count, self.count)
    consume(now)
    count -= now
  }
}
