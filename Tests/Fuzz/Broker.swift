// modules: Core MQTT Broker
import Broker
import Core
import MQTT

/// Clients that say anything, whole, in pieces and damaged, over transports that take what they like
/// and break, never trap the broker; what it says is MQTT, and no deadline stands still. Each step
/// is a byte that says what, one that says who, and one that says how much.
@_cdecl("LLVMFuzzerTestOneInput")
public func fuzz(_ start: UnsafePointer<UInt8>?, _ count: Int) -> CInt {
  let bytes = Array(UnsafeBufferPointer(start: start, count: count))
  var world = World(isNarrow: count & 1 == 0)
  var index = 0
  while index + 3 <= count {
    let what = bytes[index]
    let who = Int(bytes[index + 1]) % World.clientCount
    let amount = Int(bytes[index + 2])
    index += 3
    switch what & 15 {
    case 0...2:
      let few = bytes[index..<min(count, index + amount)]
      index += few.count
      world.send(Array(few), from: who)
    case 3...8:
      // A whole packet; above 63, with one byte changed.
      let packet = Int(what >> 4) | Int(what & 1) << 4
      let change = amount > 63 && index < count ? bytes[index] : 0
      if change != 0 { index += 1 }
      world.send(packet: packet, changing: amount, by: change, from: who)
    case 9: world.take(amount, for: who)
    case 10: world.pass(.milliseconds(Int64(amount) * Int64(amount) * 10))
    case 11: world.cut(who)
    case 12: world.publish(bytes[index..<min(count, index + amount)], retain: what > 127)
    case 13: world.end(who, all: amount == 255)
    default: world.take(.max, for: who)
    }
  }
  world.pass(.seconds(100_000))
  for client in 0..<World.clientCount { world.take(.max, for: client) }
  return 0
}

/// Says yes to "y", no to "n", and goes on else.
private struct Fussy: Authenticator {
  mutating func answer(to data: [UInt8]?) -> AuthenticationAnswer {
    switch data?.first {
    case UInt8(ascii: "y"): .success(data)
    case UInt8(ascii: "n"): .refuse(.notAuthorized)
    default: .proceed(data)
    }
  }
}

private struct World: ~Copyable {
  static let clientCount = 4

  private var broker: MessageBroker
  private var now = Instant.boot
  private var transports = [ConnectionID?](repeating: nil, count: clientCount)
  private var heard = [[UInt8]](repeating: [], count: clientCount)
  private var isV5 = [Bool?](repeating: nil, count: clientCount)

  init(isNarrow: Bool) {
    var limits = BrokerLimits()
    limits.inflightMax = 2
    limits.queuedMax = 4
    limits.receivedMax = 2
    limits.retainedMax = 3
    limits.sessionsMax = 3
    limits.subscriptionsMax = 4
    limits.topicAliasMax = 2
    limits.outputBytesMax = 200
    limits.packetBytesMax = isNarrow ? 100 : 10_000
    limits.payloadFormatIsChecked = true
    if isNarrow {
      limits.maximumQoS = .atLeastOnce
      limits.keepAliveMax = 5
      limits.sessionExpiryMax = 60
      limits.sharesAreAvailable = false
    }
    broker = MessageBroker(limits: limits, isObserved: true)
    broker.rules.methods[[UInt8(ascii: "m")]] = { _ in Fussy() }
    broker.rules.maySubscribe = { _, filter in filter.last != UInt8(ascii: "!") }
  }

  mutating func send(packet index: Int, changing place: Int, by change: UInt8, from client: Int) {
    var packet = packets[index % packets.count]
    packet[place % packet.count] ^= change
    send(packet, from: client)
  }

  mutating func send(_ bytes: [UInt8], from client: Int) {
    let id = transports[client] ?? broker.open(at: now)
    transports[client] = id
    broker.receive(bytes.span, from: id, at: now)
    _ = broker.takeEvents()
  }

  /// The transport takes so many bytes of what waits. They have to be packets of a server, of 5.0 if
  /// CONNACK is longer than it was before.
  mutating func take(_ count: Int, for client: Int) {
    for id in broker.takeActive() { precondition(transports.contains(id)) }
    guard let id = transports[client] else { return }
    let few = Array(broker.output(of: id).prefix(count))
    broker.sent(few.count, on: id, at: now)
    heard[client] += few
    if heard[client].count > 1, isV5[client] == nil { isV5[client] = heard[client][1] != 2 }
    while let isV5 = isV5[client], let size = sizeOfFirst(heard[client], isV5: isV5) {
      heard[client].removeFirst(size)
    }
    if broker.isFinished(id), broker.output(of: id).isEmpty { cut(client) }
  }

  /// Nil while the packet is not whole. 3.1 and 3.1.1 each have what the other has not.
  private func sizeOfFirst(_ bytes: [UInt8], isV5: Bool) -> Int? {
    let levels: [ProtocolLevel] = isV5 ? [.v50] : [.v311, .v31]
    for level in levels {
      do throws(DecodeError) {
        return level == .v50
          ? try V5.Packet.decode(bytes.span, from: .server, packetBytesMax: 20_000)?.size
          : try Packet.decode(
            bytes.span, from: .server, level: level, packetBytesMax: 20_000)?.size
      } catch { continue }
    }
    preconditionFailure("not MQTT")
  }

  mutating func pass(_ interval: Interval) {
    now = now + interval
    precondition(broker.deadline > .boot)
    broker.advance(to: now)
    precondition(broker.deadline > now, "a deadline stands still")
  }

  mutating func cut(_ client: Int) {
    guard let id = transports[client] else { return }
    broker.closed(id, at: now)
    transports[client] = nil
    heard[client] = []
    isV5[client] = nil
  }

  mutating func publish(_ payload: ArraySlice<UInt8>, retain: Bool) {
    broker.publish(
      Message(
        topic: Array("t".utf8), payload: Array(payload), qos: .exactlyOnce, retain: retain,
        expiry: payload.first.map(UInt32.init)), at: now)
  }

  mutating func end(_ client: Int, all: Bool) {
    if all { return broker.shutDown(at: now) }
    _ = broker.disconnect([UInt8(ascii: "a") + UInt8(client)], .serverMoved, at: now)
  }
}

/// One of each kind that a client may send, and some that mean the same in all versions.
private let packets: [[UInt8]] = [
  // CONNECT of each version, with a will; of 5.0 with every property.
  [0x10, 24, 0, 6] + ascii("MQIsdp") + [3, 0x24, 0, 9, 0, 1, 0x61, 0, 1, 0x74, 0, 3, 1, 2, 3],
  [0x10, 22, 0, 4] + ascii("MQTT") + [4, 0x0C, 0, 9, 0, 1, 0x61, 0, 1, 0x74, 0, 3, 1, 2, 3],
  [0x10, 14, 0, 4] + ascii("MQTT") + [4, 2, 0, 9, 0, 2, 0x62, 0x62],
  [0x10, 19, 0, 4] + ascii("MQTT") + [5, 0, 0, 9, 5, 0x11, 0, 0, 0, 9, 0, 1, 0x61],
  [0x10, 52, 0, 4] + ascii("MQTT") + [5, 0x2E, 0, 9]
    + [18, 0x11, 0, 0, 0, 9, 0x21, 0, 1, 0x27, 0, 0, 0, 90, 0x22, 0, 1, 0x19, 1]
    + [0, 1, 0x61, 10, 0x18, 0, 0, 0, 5, 0x02, 0, 0, 0, 9, 0, 1, 0x74, 0, 3, 1, 2, 3],
  [0x10, 18, 0, 4] + ascii("MQTT") + [5, 2, 0, 9, 4, 0x15, 0, 1, 0x6D, 0, 1, 0x63],
  [0x10, 22, 0, 4] + ascii("MQTT") + [
    5, 2, 0, 9, 8, 0x15, 0, 1, 0x6D, 0x16, 0, 1, 0x79, 0, 1, 0x63,
  ],
  // PUBLISH: of 3.1.1, and of 5.0 with an alias.
  [0x31, 4, 0, 1, 0x74, 0x78], [0x33, 6, 0, 1, 0x74, 0, 1, 0x78],
  [0x34, 6, 0, 1, 0x74, 0, 2, 0x78],
  [0x30, 5, 0, 1, 0x74, 0, 0x78], [0x33, 12, 0, 1, 0x74, 0, 1, 5, 0x02, 0, 0, 0, 9, 0x78],
  [0x34, 10, 0, 1, 0x74, 0, 2, 3, 0x23, 0, 1, 0x78], [0x32, 9, 0, 0, 0, 1, 3, 0x23, 0, 1, 0x78],
  // Acknowledgements.
  [0x40, 2, 0, 1], [0x50, 2, 0, 1], [0x62, 2, 0, 2], [0x70, 2, 0, 1], [0x50, 3, 0, 2, 0x80],
  // SUBSCRIBE and UNSUBSCRIBE.
  [0x82, 6, 0, 1, 0, 1, 0x23, 2], [0x82, 6, 0, 1, 0, 1, 0x74, 1],
  [0x82, 9, 0, 1, 2, 0x0B, 7, 0, 1, 0x23, 0x0A],
  [0x82, 16, 0, 1, 0, 0, 10] + ascii("$share/g/t") + [1],
  [0x82, 15, 0, 1, 0, 10] + ascii("$share/g/t") + [2], [0xA2, 5, 0, 1, 0, 1, 0x23],
  [0xA2, 15, 0, 1, 0, 0, 10] + ascii("$share/g/t"),
  // The others.
  [0xC0, 0], [0xE0, 0], [0xE0, 7, 4, 5, 0x11, 0, 0, 0, 3],
  [0xF0, 10, 0x19, 8, 0x15, 0, 1, 0x6D, 0x16, 0, 1, 0x79],
  [0xF0, 10, 0x18, 8, 0x15, 0, 1, 0x6D, 0x16, 0, 1, 0x79],
]

private func ascii(_ text: String) -> [UInt8] { Array(text.utf8) }
