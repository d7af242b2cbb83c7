import MQTT

/// What the broker keeps of one client: its subscriptions, and the QoS 1 and 2 messages both ways.
/// Outlives the connection unless the client asked for a clean session (section 3.1.2.4).
///
///     queued -> under way: published -> acknowledged            (QoS 1)
///                          published -> released -> completed   (QoS 2)
///
/// Messages under way stay in the order in which they were first sent. When the client comes back
/// they go out again in it, before any new one, and no faster than its transport takes them.
final class Session {
  let clientID: [UInt8]
  let isClean: Bool
  /// The transport that the client is at; nil while it is away.
  weak var connection: Connection?
  /// The filters and what was granted; a filter stands here once.
  private(set) var subscriptions: [(filter: [UInt8], qos: QoS)] = []
  /// QoS 2 messages of the client that it has not released yet.
  var received: Set<UInt16> = []

  private var queue: [Message] = []
  private var underWay: [UnderWay] = []
  private var lastPacketID: UInt16 = 0

  private struct UnderWay {
    let packetID: UInt16
    let message: Message
    var isReleased = false
    /// It was sent over the present transport.
    var isSent = true
  }

  init(clientID: [UInt8], isClean: Bool) {
    self.clientID = clientID
    self.isClean = isClean
  }

  /// Messages that wait for the client or for its acknowledgement.
  var backlog: Int { queue.count + underWay.count }

  // MARK: Subscriptions

  /// Replaces the subscription of the same filter (section 3.8.4). False when there are too many.
  func subscribe(_ filter: [UInt8], _ qos: QoS, limit: Int) -> Bool {
    if let index = subscriptions.firstIndex(where: { $0.filter == filter }) {
      subscriptions[index].qos = qos
      return true
    }
    guard subscriptions.count < limit else { return false }
    subscriptions.append((filter, qos))
    return true
  }

  func unsubscribe(_ filter: [UInt8]) { subscriptions.removeAll { $0.filter == filter } }

  /// The highest QoS granted among the filters that take `topic`: a message comes once, however
  /// many filters overlap (section 3.3.5). Nil for none.
  func grantedQoS(for topic: [UInt8]) -> QoS? {
    var highest: QoS?
    for subscription in subscriptions
    where TopicFilter.matches(filter: subscription.filter.span, topic: topic.span) {
      highest = max(highest ?? .atMostOnce, subscription.qos)
    }
    return highest
  }

  // MARK: Messages to the client

  /// Sends the message, or keeps it for later. False when there is no room for it.
  func deliver(_ message: Message, limits: BrokerLimits) -> Bool {
    guard message.qos != .atMostOnce else {
      guard let connection, connection.outputCount < limits.outputBytesMax else {
        // Section 4.3.1: a QoS 0 message may be lost; one for a client that is away is.
        return connection == nil
      }
      connection.publish(message, packetID: 0, dup: false)
      return true
    }
    guard queue.count < limits.queuedMax else { return false }
    queue.append(message)
    pump(limits)
    return true
  }

  /// The client has come to a transport: what was under way is to be sent again (section 4.4).
  func beginResending() {
    for index in underWay.indices { underWay[index].isSent = false }
  }

  /// Sends what waits, as far as window and transport have room.
  func pump(_ limits: BrokerLimits) {
    guard let connection, !connection.isFinished else { return }
    while let index = underWay.firstIndex(where: { !$0.isSent }) {
      guard connection.outputCount < limits.outputBytesMax else { return }
      resend(underWay[index], over: connection)
      underWay[index].isSent = true
    }
    var count = 0
    while count < queue.count, underWay.count < limits.inflightMax,
      connection.outputCount < limits.outputBytesMax
    {
      let next = UnderWay(packetID: freePacketID(), message: queue[count])
      connection.publish(next.message, packetID: next.packetID, dup: false)
      underWay.append(next)
      count += 1
    }
    queue.removeFirst(count)
  }

  private func resend(_ entry: UnderWay, over connection: Connection) {
    if entry.isReleased {
      connection.acknowledge(.publishRelease, entry.packetID, dup: connection.level == .v31)
    } else {
      connection.publish(entry.message, packetID: entry.packetID, dup: true)
    }
  }

  /// PUBACK or PUBCOMP. One for nothing that is under way is ignored: it may be late.
  func complete(_ packetID: UInt16, _ qos: QoS) {
    underWay.removeAll {
      $0.packetID == packetID && $0.message.qos == qos && ($0.isReleased || qos == .atLeastOnce)
    }
  }

  /// PUBREC: the client has a QoS 2 message; from now on only PUBREL is sent for it.
  func release(_ packetID: UInt16) {
    let index = underWay.firstIndex { $0.packetID == packetID && $0.message.qos == .exactlyOnce }
    if let index {
      underWay[index].isReleased = true
      underWay[index].isSent = true
    }
    // Answered even when unknown, so that a client that repeats itself comes to an end.
    connection?.acknowledge(.publishRelease, packetID)
  }

  private func freePacketID() -> UInt16 {
    repeat {
      lastPacketID = lastPacketID == .max ? 1 : lastPacketID + 1
    } while underWay.contains { $0.packetID == lastPacketID }
    return lastPacketID
  }
}
