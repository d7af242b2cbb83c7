import Broker
import Core

/// The way between agent and broker: one transport at a time, with a latency, that can be cut, or go
/// dead without either end knowing.
struct Network {
  enum Answer { case accepts, refuses, isSilent }

  private struct Chunk {
    var at: Instant
    var bytes: [UInt8]
  }

  /// What a new transport meets.
  var answer = Answer.accepts
  /// How long bytes are on their way, in each direction.
  var latency = Interval.zero
  /// The most bytes that the transport takes, or brings, at once.
  var chunkBytesMax = 1 << 20

  /// A broker that gets such bytes closes the connection, and does nothing else of what came with them.
  var isPoison: (String) -> Bool = { _ in false }
  /// How often it did.
  private(set) var poisoned = 0

  /// What becomes of a packet of the broker's on its way: as it is, another, or nothing.
  var altering: ([UInt8]) -> [UInt8] = { $0 }

  private var connection: ConnectionID?
  private var isDead = false
  private var toBroker: [Chunk] = []
  private var toAgent: [Chunk] = []
  private var endsAt: Instant?

  /// True while there is a transport, as far as the agent knows.
  var isOpen: Bool { connection != nil }

  /// From now on the present transport swallows what either end sends: half-open.
  mutating func die() {
    isDead = true
    toBroker = []
    toAgent = []
    endsAt = nil
  }

  /// When the next bytes arrive somewhere.
  var deadline: Instant {
    min(min(toBroker.first?.at ?? .never, toAgent.first?.at ?? .never), endsAt ?? .never)
  }

  // MARK: The agent's end

  mutating func open(_ broker: inout MessageBroker, at now: Instant) {
    connection = broker.open(at: now)
    isDead = false
  }

  /// The agent closes: what it has sent still arrives. The broker does not learn of the end of a
  /// dead transport.
  mutating func close(_ broker: inout MessageBroker, at now: Instant) {
    while !toBroker.isEmpty { receive(&broker, at: now) }
    if isDead { connection = nil }
    cut(&broker, at: now)
  }

  /// The transport is gone, and with it all that was under way.
  mutating func cut(_ broker: inout MessageBroker, at now: Instant) {
    if let connection { broker.closed(connection, at: now) }
    die()
    connection = nil
  }

  mutating func send(_ bytes: [UInt8], at now: Instant) -> Int {
    guard connection != nil else { return 0 }
    let taken = bytes.prefix(chunkBytesMax)
    if !isDead { toBroker.append(Chunk(at: now + latency, bytes: Array(taken))) }
    return taken.count
  }

  func hasArrived(at now: Instant) -> Bool { toAgent.first.map { $0.at <= now } ?? false }

  /// True when the broker has closed, and everything before was read.
  func hasEnded(at now: Instant) -> Bool {
    toAgent.isEmpty && (endsAt.map { $0 <= now } ?? false)
  }

  /// The next bytes from the broker, `room` at most.
  mutating func take(_ room: Int, at now: Instant) -> [UInt8] {
    guard hasArrived(at: now) else { return [] }
    let bytes = Array(toAgent[0].bytes.prefix(min(room, chunkBytesMax)))
    toAgent[0].bytes.removeFirst(bytes.count)
    if toAgent[0].bytes.isEmpty { toAgent.removeFirst() }
    return bytes
  }

  // MARK: The broker's end

  /// Brings the broker what has arrived and the time, and takes what it has to say.
  mutating func serve(_ broker: inout MessageBroker, at now: Instant) {
    while let chunk = toBroker.first, chunk.at <= now { receive(&broker, at: now) }
    broker.advance(to: now)
    var active = broker.takeActive()
    while !active.isEmpty {
      for id in active {
        let bytes = Array(broker.output(of: id))
        if id == connection, !isDead {
          let altered = Self.packets(bytes).flatMap { altering($0) }
          if !altered.isEmpty { toAgent.append(Chunk(at: now + latency, bytes: altered)) }
        }
        broker.sent(bytes.count, on: id, at: now)
        guard broker.isFinished(id), broker.output(of: id).isEmpty else { continue }
        if id == connection, !isDead { endsAt = now + latency }
        broker.closed(id, at: now)
      }
      active = broker.takeActive()
    }
  }

  /// Whole packets, which is what the broker says at once.
  private static func packets(_ bytes: [UInt8]) -> [[UInt8]] {
    var packets: [[UInt8]] = []
    var start = 0
    while start < bytes.count {
      var end = start + 1
      var (length, shift) = (0, 0)
      repeat {
        length |= Int(bytes[end] & 127) << shift
        shift += 7
        end += 1
      } while bytes[end - 1] >= 128
      packets.append(Array(bytes[start..<end + length]))
      start = end + length
    }
    return packets
  }

  private mutating func receive(_ broker: inout MessageBroker, at now: Instant) {
    let chunk = toBroker.removeFirst()
    guard let connection else { return }
    if isPoison(String(decoding: chunk.bytes, as: UTF8.self)) {
      poisoned += 1
      broker.closed(connection, at: now)
      toBroker = []
      endsAt = now + latency
      return
    }
    broker.receive(chunk.bytes.span, from: connection, at: now)
  }
}
