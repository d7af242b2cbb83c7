import Core
import MQTT

/// An MQTT 3.1 and 3.1.1 broker without I/O: bytes and time come in, bytes and events go out.
///
/// For each transport: `open` it, hand its bytes to `receive`, and tell `closed` when it is gone.
/// After each of these and after `advance`, write what `output` holds for the connections that
/// `takeActive` names, tell `sent`, and close those that are finished and have nothing left to
/// write. `advance` is due at `deadline`.
///
/// QoS 0, 1 and 2 both ways, retained messages, wills, clean and persistent sessions, which live
/// as long as the broker does. Any client may connect and do anything but write to topics that
/// begin with `$`.
public struct MessageBroker: ~Copyable {
  /// What it takes on.
  public let limits: BrokerLimits

  var connections: [ConnectionID: Connection] = [:]
  var sessions: [[UInt8]: Session] = [:]
  var retained: [[UInt8]: Message] = [:]
  var active: Set<ConnectionID> = []
  private var events: [BrokerEvent] = []
  private var isObserved: Bool
  private var connectionCount: UInt32 = 0
  var namesMade = 0

  /// A broker that knows nobody yet. Events are kept for `takeEvents` only when it is observed.
  public init(limits: BrokerLimits = BrokerLimits(), isObserved: Bool = false) {
    self.limits = limits
    self.isObserved = isObserved
  }

  // MARK: Transports

  /// A transport has been opened.
  public mutating func open(at now: Instant) -> ConnectionID {
    connectionCount &+= 1
    let id = ConnectionID(number: connectionCount)
    connections[id] = Connection(id: id, at: now)
    return id
  }

  /// The transport has brought bytes. They are taken whole; nothing is taken after the end.
  public mutating func receive(_ bytes: Span<UInt8>, from id: ConnectionID, at now: Instant) {
    guard let connection = connections[id], !connection.isFinished else { return }
    for index in bytes.indices { connection.input.append(bytes[index]) }
    active.insert(id)
    var start = 0
    while !connection.isFinished {
      let next: Packet.Decoded?
      do throws(DecodeError) {
        next = try connection.packet(at: start, packetBytesMax: limits.packetBytesMax)
      } catch {
        refuse(connection, error, at: now)
        break
      }
      guard let next else { break }
      let bytes = Array(connection.input[start..<start + next.size])
      start += next.size
      connection.lastReceived = now
      handle(next.packet, bytes, from: connection, at: now)
      // Messages may lead to one packet more than the limit; beyond that it is answers.
      if connection.outputCount > 2 * limits.outputBytesMax + limits.packetBytesMax {
        finish(connection, .overLimit, at: now)
      }
    }
    if connection.isFinished {
      connection.input = []
    } else {
      connection.input.removeFirst(start)
    }
  }

  /// The transport is gone, closed by either side.
  public mutating func closed(_ id: ConnectionID, at now: Instant) {
    guard let connection = connections[id] else { return }
    finish(connection, .transportClosed, at: now)
    connections[id] = nil
    active.remove(id)
  }

  // MARK: Output

  /// The connections whose output or end has to be looked at, each once.
  public mutating func takeActive() -> [ConnectionID] {
    defer { active = [] }
    return active.sorted { $0.number < $1.number }
  }

  /// The bytes that wait for a transport.
  public func output(of id: ConnectionID) -> ArraySlice<UInt8> { connections[id]?.waiting ?? [] }

  /// The transport has taken the first `count` bytes of the output.
  public mutating func sent(_ count: Int, on id: ConnectionID) {
    guard let connection = connections[id] else { return }
    connection.consume(count)
    let before = connection.outputCount
    connection.session?.pump(limits)
    if connection.outputCount != before { active.insert(id) }
  }

  /// True when the transport is to be closed once its output is written.
  public func isFinished(_ id: ConnectionID) -> Bool { connections[id]?.isFinished ?? true }

  // MARK: Time

  /// When `advance` is due: the next keep-alive, CONNECT or end that runs out.
  public var deadline: Instant {
    var earliest = Instant.never
    for connection in connections.values { earliest = min(earliest, deadline(of: connection)) }
    return earliest
  }

  /// Ends the connections whose time is up.
  public mutating func advance(to now: Instant) {
    for connection in connections.values.sorted(by: { $0.id.number < $1.id.number })
    where deadline(of: connection) <= now {
      if connection.isFinished {
        connection.discardOutput()
        active.insert(connection.id)
      } else {
        finish(connection, .keepAlive, at: now)
      }
    }
  }

  private func deadline(of connection: Connection) -> Instant {
    if let finishedAt = connection.finishedAt {
      return connection.outputCount > 0 ? finishedAt + limits.closeTimeout : .never
    }
    guard connection.session != nil else { return connection.lastReceived + limits.connectTimeout }
    return connection.silenceMax.map { connection.lastReceived + $0 } ?? .never
  }

  // MARK: Observing

  /// What has happened since the last call, in order.
  public mutating func takeEvents() -> [BrokerEvent] {
    defer { events = [] }
    return events
  }

  /// The retained message of a topic.
  public func retained(_ topic: [UInt8]) -> Message? { retained[topic] }

  mutating func tell(_ event: @autoclosure () -> BrokerEvent) {
    if isObserved { events.append(event()) }
  }

  // MARK: Packets

  private mutating func handle(
    _ packet: Packet, _ bytes: [UInt8], from connection: Connection, at now: Instant
  ) {
    if case .connect(let connect) = packet, connection.session == nil {
      accept(connect, bytes, from: connection, at: now)
      return
    }
    // Section 3.1: the first packet is CONNECT, and there is one only.
    guard let session = connection.session else {
      return finish(connection, .protocolViolation, at: now)
    }
    switch packet {
    case .publish(let publish): take(publish, bytes, from: connection, session, at: now)
    case .publishAck(let packetID): session.complete(packetID, .atLeastOnce)
    case .publishReceived(let packetID): session.release(packetID)
    case .publishComplete(let packetID): session.complete(packetID, .exactlyOnce)
    case .publishRelease(let packetID):
      session.received.remove(packetID)
      connection.acknowledge(.publishComplete, packetID)
    case .subscribe(let subscribe): take(subscribe, bytes, from: connection, session)
    case .unsubscribe(let unsubscribe):
      var walk = unsubscribe.walk
      while let filter = walk.next(in: bytes.span) { session.unsubscribe(bytes.copy(filter)) }
      connection.acknowledge(.unsubscribeAck, unsubscribe.packetID)
    case .pingRequest: connection.write(2) { $0.append(contentsOf: [0xD0, 0].span) }
    case .disconnect: finish(connection, .byClient, at: now)
    case .connect, .connectAck, .subscribeAck, .unsubscribeAck, .pingResponse:
      finish(connection, .protocolViolation, at: now)
    }
    session.pump(limits)
  }
}

extension [UInt8] {
  /// The bytes of a field of a packet that this array holds.
  func copy(_ field: Field) -> [UInt8] { Array(self[field.offset..<field.offset + field.count]) }
}
