import Core
import MQTT

/// The server's side of one session, as the specification has it: what it was sent, what it sends,
/// and whether the client kept the rules. Written for tests: nothing of the library's session is
/// used, only its codec.
final class ScriptedServer {
  /// Bytes for the client.
  var outbox: [UInt8] = []
  private var inbox: [UInt8] = []

  /// Payloads accepted from the client, in order. QoS 1 ones may repeat.
  private(set) var accepted: [String] = []
  /// Rules that the client broke.
  private(set) var violations: [String] = []

  // The session: survives a connection unless it is dropped.
  private var receivedIDs: Set<UInt16> = []
  private var underWay: [(id: UInt16, payload: String, qos: QoS, isReleased: Bool)] = []
  private var nextID: UInt16 = 1

  // The connection.
  private(set) var isDisconnected = false
  private var isConnected = false
  private var publishedIDs: Set<UInt16> = []
  private var hasSession = false

  /// The transport has gone.
  func closed() {
    outbox = []
    inbox = []
    isConnected = false
    isDisconnected = false
    publishedIDs = []
  }

  /// Loses the session, as a broker does that restarts without persistence.
  func dropSession() {
    hasSession = false
    receivedIDs = []
    underWay = []
  }

  var underWayCount: Int { underWay.count }

  /// Sends a message to the client.
  func send(_ payload: String, _ qos: QoS) {
    guard isConnected else { return }
    guard qos != .atMostOnce else {
      outbox += publishBytes(payload, qos)
      return
    }
    underWay.append((nextID, payload, qos, false))
    outbox += publishBytes(payload, qos, id: nextID)
    nextID = nextID == .max ? 1 : nextID + 1
  }

  /// Takes bytes from the client.
  func receive(_ bytes: [UInt8]) {
    inbox += bytes
    while case .packet(let packet, let size) = decode(inbox, from: .client) {
      handle(packet, Array(inbox[..<size]))
      inbox.removeFirst(size)
    }
    if case .refused(let error) = decode(inbox, from: .client) {
      violations.append("malformed: \(error)")
      inbox = []
    }
  }

  private func handle(_ packet: Packet, _ bytes: [UInt8]) {
    if case .connect(let connect) = packet {
      if isConnected { violations.append("second CONNECT") }
      if connect.cleanSession { dropSession() }
      outbox += [0x20, 2, hasSession ? 1 : 0, 0]
      hasSession = !connect.cleanSession
      isConnected = true
      for message in underWay {
        outbox +=
          message.isReleased
          ? answer(0x62, message.id)
          : publishBytes(message.payload, message.qos, id: message.id, dup: true)
      }
      return
    }
    if !isConnected { violations.append("packet before CONNECT") }
    switch packet {
    case .publish(let publish): take(publish, payload: bytes.text(publish.payload))
    case .publishRelease(let id):
      receivedIDs.remove(id)
      publishedIDs.remove(id)
      outbox += answer(0x70, id)
    case .publishAck(let id): settle(id, .atLeastOnce)
    case .publishComplete(let id): settle(id, .exactlyOnce)
    case .publishReceived(let id):
      if let index = underWay.firstIndex(where: { $0.id == id }) {
        underWay[index].isReleased = true
      }
      outbox += answer(0x62, id)
    case .subscribe(let subscribe):
      outbox += [0x90, 3, UInt8(subscribe.packetID >> 8), UInt8(subscribe.packetID & 0xFF), 0]
    case .unsubscribe(let unsubscribe): outbox += answer(0xB0, unsubscribe.packetID)
    case .pingRequest: outbox += [0xD0, 0]
    case .disconnect: isDisconnected = true
    default: break
    }
  }

  private func take(_ publish: Publish, payload: String) {
    if publish.qos != .atMostOnce && !publishedIDs.insert(publish.packetID).inserted {
      violations.append("identifier \(publish.packetID) twice over one connection")
    }
    switch publish.qos {
    case .atMostOnce: accepted.append(payload)
    case .atLeastOnce:
      accepted.append(payload)
      publishedIDs.remove(publish.packetID)
      outbox += answer(0x40, publish.packetID)
    case .exactlyOnce:
      if receivedIDs.insert(publish.packetID).inserted { accepted.append(payload) }
      outbox += answer(0x50, publish.packetID)
    }
  }

  private func settle(_ id: UInt16, _ qos: QoS) {
    underWay.removeAll { $0.id == id && $0.qos == qos }
  }
}
