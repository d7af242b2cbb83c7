import Core
import MQTT

/// The QoS 1 and 2 messages of one session on their way to its client.
///
///     queued -> under way: published -> acknowledged            (QoS 1)
///                          published -> released -> completed   (QoS 2)
///
/// Messages under way stay in the order in which they were first sent. When the client comes back
/// they go out again in it, before any new one, and no faster than its transport takes them.
struct Outbox {
  private var queue: [Delivery] = []
  private var underWay: [UnderWay] = []
  private var lastPacketID: UInt16 = 0

  private struct UnderWay {
    let packetID: UInt16
    let delivery: Delivery
    var isReleased = false
    /// Its PUBLISH or PUBREL was sent over the present transport.
    var isSent = true
    /// Its PUBLISH was, and counts against the client's Receive Maximum (5.0 section 4.9).
    var isPublished = true
  }

  /// What became of a message that was not sent.
  enum Loss {
    case expired(Delivery)
    case tooLarge(Delivery)
  }

  /// Keeps a message. False when there is no room for it.
  mutating func append(_ delivery: Delivery, _ limits: BrokerLimits, at now: Instant) -> Bool {
    if queue.count >= limits.queuedMax {
      queue.removeAll { $0.publication.isExpired(at: now) }
    }
    guard queue.count < limits.queuedMax else { return false }
    queue.append(delivery)
    return true
  }

  /// The client has come to a transport: what was under way is to be sent again (section 4.4).
  mutating func beginResending() {
    for index in underWay.indices {
      underWay[index].isSent = false
      underWay[index].isPublished = false
    }
  }

  /// Sends what waits, as far as window and transport have room; what cannot be sent is returned.
  mutating func pump(
    to connection: Connection, _ limits: BrokerLimits, at now: Instant
  ) -> [Loss] {
    guard !queue.isEmpty || !underWay.isEmpty else { return [] }
    var losses: [Loss] = []
    guard resend(to: connection, limits, at: now, &losses) else { return losses }
    var credit = connection.receiveMaximum - publishedCount
    var count = 0
    while count < queue.count, underWay.count < limits.inflightMax, credit > 0,
      connection.outputCount < limits.outputBytesMax
    {
      let delivery = queue[count]
      count += 1
      guard !delivery.publication.isExpired(at: now) else {
        losses.append(.expired(delivery))
        continue
      }
      let packetID = freePacketID()
      guard connection.publish(delivery, packetID: packetID, dup: false, at: now) else {
        losses.append(.tooLarge(delivery))
        continue
      }
      underWay.append(UnderWay(packetID: packetID, delivery: delivery))
      credit -= 1
    }
    queue.removeFirst(count)
    return losses
  }

  /// Sends again what was under way on the transport before; false when not all of it can go yet.
  private mutating func resend(
    to connection: Connection, _ limits: BrokerLimits, at now: Instant, _ losses: inout [Loss]
  ) -> Bool {
    while let index = underWay.firstIndex(where: { !$0.isSent }) {
      guard connection.outputCount < limits.outputBytesMax else { return false }
      let entry = underWay[index]
      if entry.isReleased {
        connection.say(connection.dialect.publishRelease(entry.packetID, .success, dup: true))
      } else {
        guard publishedCount < connection.receiveMaximum else { return false }
        // The client may take less than it did before.
        guard connection.publish(entry.delivery, packetID: entry.packetID, dup: true, at: now)
        else {
          losses.append(.tooLarge(entry.delivery))
          underWay.remove(at: index)
          continue
        }
        underWay[index].isPublished = true
      }
      underWay[index].isSent = true
    }
    return true
  }

  private var publishedCount: Int { underWay.reduce(0) { $0 + ($1.isPublished ? 1 : 0) } }

  // MARK: What the client answers

  /// PUBACK or PUBCOMP. One for nothing that is under way is ignored: it may be late.
  mutating func complete(_ packetID: UInt16, _ qos: QoS) {
    underWay.removeAll {
      $0.packetID == packetID && $0.delivery.qos == qos && ($0.isReleased || qos == .atLeastOnce)
    }
  }

  /// PUBREC: the client has a QoS 2 message; from now on only PUBREL is sent for it. Whether the
  /// message is known.
  mutating func release(_ packetID: UInt16) -> V5.ReleaseReason {
    guard let index = index(of: packetID) else { return .packetIdentifierNotFound }
    underWay[index].isReleased = true
    underWay[index].isSent = true
    return .success
  }

  /// PUBREC with a failure: the client does not want the message, and that is the end of it (5.0
  /// section 4.3.3).
  mutating func giveUp(_ packetID: UInt16) {
    if let index = index(of: packetID), !underWay[index].isReleased { underWay.remove(at: index) }
  }

  private func index(of packetID: UInt16) -> Int? {
    underWay.firstIndex { $0.packetID == packetID && $0.delivery.qos == .exactlyOnce }
  }

  private mutating func freePacketID() -> UInt16 {
    repeat {
      lastPacketID = lastPacketID == .max ? 1 : lastPacketID + 1
    } while underWay.contains { $0.packetID == lastPacketID }
    return lastPacketID
  }
}
