import Core
import MQTT

/// A server of 5.0 that does anything that the standard allows, as `choose` has it, and watches that
/// the client keeps to it. Nothing of the library's session is used, only its codec. For random
/// tests and for the fuzzer.
///
/// A message's payload begins with its number in two bytes and its topic's index.
final class LegalServer {
  static let topics = ["a", "bb", "ccc/d"].map { Array($0.utf8) }

  struct Message {
    var id: UInt16
    var serial: Int
    var qos: QoS
    var isReleased = false
    /// It was sent over this connection, or its PUBREL was.
    var isSent = false
    /// It counts for the client's Receive Maximum.
    var counts = false
    var dup = false
  }

  enum Phase {
    case closed, authenticating, online
    /// The client has sent DISCONNECT: nothing may follow.
    case left
    /// The server has refused or sent DISCONNECT: what is on its way does not matter.
    case over
  }

  /// A number below that which is given.
  let choose: (Int) -> Int
  var isCalm = false
  /// Bytes for the client.
  var outbox: [UInt8] = []
  /// Rules that the client broke.
  var problems: [String] = []
  /// Messages that came over this connection at QoS 1 and 2: their numbers, and DUP.
  var arrived: [(serial: Int, dup: Bool)] = []
  /// Numbers of QoS 2 messages that were taken for new ones.
  var accepted: [Int] = []
  var phase = Phase.closed

  // The session.
  var hasSession = false
  var received: [UInt16: Int] = [:]
  var underWay: [Message] = []
  var nextID: UInt16 = 65_530
  var sentCount = 0
  /// The client has not shown yet that it knows of this session, which begins anew at the next
  /// connection then: else it would take it for the one before.
  var isFresh = false

  // The connection.
  var inbox: [UInt8] = []
  var answers: [[UInt8]] = []
  var openIDs: Set<UInt16> = []
  var openMessages = 0
  var clientAliases: [UInt16: [UInt8]] = [:]
  var aliases: [UInt16: [UInt8]] = [:]
  var awaited: [UInt16] = []
  var method: [UInt8] = []
  var receiveMaximum = 65_535
  var aliasMaximum = 0
  var packetBytesMax: Int?
  var clientReceiveMaximum = 65_535
  var clientAliasMaximum = 0
  var clientPacketBytesMax: Int?

  /// For one packet at a time.
  private let memory = UnsafeMutableRawBufferPointer.allocate(
    byteCount: 1024, alignment: Arena.alignment)

  init(choose: @escaping (Int) -> Int) { self.choose = choose }

  deinit { memory.deallocate() }

  func fail(_ text: String) { problems.append(text) }

  /// The transport has gone.
  func closed() {
    if isFresh { forget() }
    phase = .closed
    outbox = []
    inbox = []
    answers = []
    arrived = []
    awaited = []
    openIDs = []
    openMessages = 0
    clientAliases = [:]
    aliases = [:]
    for index in underWay.indices {
      underWay[index].dup = underWay[index].dup || underWay[index].isSent
      underWay[index].isSent = false
      underWay[index].counts = false
    }
  }

  /// The session ends.
  func forget() {
    hasSession = false
    received = [:]
    underWay = []
    accepted = []
  }

  /// Takes bytes from the client.
  func receive(_ bytes: [UInt8]) {
    inbox += bytes
    var start = 0
    while start < inbox.count {
      let rest = Array(inbox[start...])
      do throws(DecodeError) {
        guard
          let decoded = try V5.Packet.decode(
            rest.span, from: .client, packetBytesMax: packetBytesMax ?? 1 << 16)
        else { break }
        handle(decoded.packet, Array(rest[..<decoded.size]))
        start += decoded.size
      } catch {
        fail("malformed: \(error)")
        start = inbox.count
      }
    }
    inbox.removeFirst(start)
  }

  /// Does something by itself.
  func tick() {
    guard phase == .online else {
      if phase == .authenticating && isCalm { flush() }
      return
    }
    switch isCalm ? 0 : choose(16) {
    case 0..<6: flush()
    case 6..<12: begin()
    case 12 where choose(8) == 0:
      outbox += [0xE0, 1, 0x8B]
      phase = .over
    default: resume()
    }
    if isCalm { resume() }
  }

  private func flush() {
    while !answers.isEmpty {
      outbox += answers.removeFirst()
      if !isCalm && choose(2) == 0 { return }
    }
  }

  /// A new message for the client.
  private func begin() {
    guard underWay.allSatisfy(\.isSent), let qos = QoS(rawValue: UInt8(choose(3))) else { return }
    let serial = sentCount
    if qos == .atMostOnce {
      sentCount += 1
      return send(Message(id: 0, serial: serial, qos: qos))
    }
    // Not more than the client's table holds over all its connections.
    guard underWay.count < min(4, clientReceiveMaximum) else { return }
    sentCount += 1
    nextID = nextID == .max ? 1 : nextID + 1
    underWay.append(Message(id: nextID, serial: serial, qos: qos))
    resume()
  }

  /// Sends what waits, in order, as far as the client takes it.
  private func resume() {
    for index in underWay.indices where !underWay[index].isSent {
      if underWay[index].isReleased {
        outbox += [0x62, 2, UInt8(underWay[index].id >> 8), UInt8(underWay[index].id & 0xFF)]
      } else {
        guard underWay.filter(\.counts).count < clientReceiveMaximum else { return }
        underWay[index].counts = true
        awaited.append(underWay[index].id)
        send(underWay[index])
      }
      underWay[index].isSent = true
    }
  }

  private func send(_ message: Message) {
    let index = message.serial % 3
    var topic = Self.topics[index]
    var properties: [UInt8] = []
    if choose(3) == 0 { properties += [0x26, 0, 1, 0x6B, 0, 1, 0x76] }
    if choose(3) == 0 { properties += [0x0B, 7, 0x0B, 9] }
    if clientAliasMaximum > 0 && choose(2) == 0 {
      let alias = UInt16(choose(clientAliasMaximum) + 1)
      properties += [0x23, 0, UInt8(alias)]
      if aliases[alias] == topic && choose(4) > 0 { topic = [] } else { aliases[alias] = topic }
    }
    let sizeMax = clientPacketBytesMax.map { $0 - 40 } ?? 300
    let filler = [UInt8](repeating: 0x78, count: choose(4) == 0 ? choose(sizeMax) : choose(20))
    let payload = [UInt8(message.serial >> 8), UInt8(message.serial & 0xFF), UInt8(index)] + filler
    outbox += bytes { (out) throws(EncodeError) in
      try V5.Publish.encode(
        from: .server, packetID: message.id, qos: message.qos, retain: false, dup: message.dup,
        topic: topic.span, properties: properties.span, payload: payload.span, into: &out)
    }
  }

  /// What `body` appends; a problem when it throws.
  func bytes(_ body: (inout OutputSpan<UInt8>) throws(EncodeError) -> Void) -> [UInt8] {
    var arena = Arena(over: memory)
    var queue = ByteQueue("packet", capacity: 1024, arena: &arena)
    do throws(EncodeError) { try queue.append(body) } catch { fail("the server's own: \(error)") }
    var bytes: [UInt8] = []
    queue.withBytes { span in for index in span.indices { bytes.append(span[index]) } }
    return bytes
  }
}
