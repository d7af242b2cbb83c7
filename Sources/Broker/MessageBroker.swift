import Core
import MQTT

/// An MQTT 3.1, 3.1.1 and 5.0 broker without I/O: bytes and time come in, bytes and events go out.
///
/// For each transport: `open` it, hand its bytes to `receive`, and tell `closed` when it is gone.
/// After each of these and after `advance`, write what `output` holds for the connections that
/// `takeActive` names, tell `sent`, and close those that are finished and have nothing left to
/// write; or let `drain` do all that, where transports take whatever there is. `advance` is due at
/// `deadline`. Time never goes back from one call to the next.
///
/// QoS 0, 1 and 2 both ways, retained messages, wills, clean and persistent sessions, which live
/// no longer than the broker does, and all that 5.0 adds, for clients of all versions together.
/// What clients may do say `limits` and `rules`; never write to topics that begin with `$`.
public struct MessageBroker: ~Copyable {
  /// What it takes on.
  public let limits: BrokerLimits
  /// What its clients may do. May change at any time; what was allowed before stays.
  public var rules = BrokerRules()

  var connections: [ConnectionID: Connection] = [:]
  var sessions: [[UInt8]: Session] = [:]
  var retained: [[UInt8]: Publication] = [:]
  /// The shared subscriptions, by the filters that they were subscribed with.
  var shares: [[UInt8]: Share] = [:]
  /// The connections whose output or end has to be looked at, each once.
  private var active: [Connection] = []
  /// Nothing of a connection runs out before; what a client says puts off its end, and not this.
  private var connectionsDue = Instant.never
  /// No session and no retained message is due before.
  var sweepDue = Instant.never
  private var events: [BrokerEvent] = []
  private var isObserved: Bool
  private var connectionCount: UInt32 = 0
  var namesMade = 0
  private let pinned = Pinned()

  /// A broker that knows nobody yet. Events are kept for `takeEvents` only when it is observed.
  public init(limits: BrokerLimits = BrokerLimits(), isObserved: Bool = false) {
    precondition(limits.receivedMax > 0 && limits.inflightMax > 0, "some message has to pass")
    precondition(limits.inflightMax < UInt16.max, "identifiers are scarce")
    precondition(limits.packetBytesMax > 0 && limits.packetBytesMax <= UInt32.max)
    self.limits = limits
    self.isObserved = isObserved
  }

  deinit {
    // A session and its connection hold each other.
    for connection in connections.values { connection.session?.connection = nil }
  }

  // MARK: Transports

  /// A transport has been opened.
  public mutating func open(at now: Instant) -> ConnectionID {
    connectionCount &+= 1
    let id = ConnectionID(number: connectionCount)
    let connection = Connection(id: id, at: now)
    connections[id] = connection
    watch(connection)
    return id
  }

  /// The transport has brought bytes. They are taken whole; nothing is taken after the end.
  public mutating func receive(_ bytes: Span<UInt8>, from id: ConnectionID, at now: Instant) {
    guard let connection = connections[id], !connection.isFinished else { return }
    connection.input.append(addingCapacity: bytes.count) { $0.append(contentsOf: bytes) }
    activate(connection)
    var start = 0
    while !connection.isFinished, start < connection.input.count {
      let next: Request.Decoded?
      do throws(DecodeError) {
        next = try connection.request(at: start, limits)
      } catch {
        refuse(connection, error, at: now)
        break
      }
      guard let next else { break }
      start += next.size
      connection.lastReceived = now
      take(next.request, from: connection, at: now)
      // Messages may lead to one packet more than the limit; beyond that it is answers.
      if connection.outputCount > 2 * limits.outputBytesMax + limits.packetBytesMax {
        finish(connection, .overLimit, at: now)
      }
      if connection.isUnanswerable { finish(connection, .violated(.packetTooLarge), at: now) }
    }
    if connection.isFinished {
      connection.input = []
    } else if start == connection.input.count {
      connection.input.removeAll(keepingCapacity: true)
    } else {
      connection.input.removeFirst(start)
    }
  }

  /// The transport is gone, closed by either side.
  public mutating func closed(_ id: ConnectionID, at now: Instant) {
    guard let connection = connections[id] else { return }
    finish(connection, .transportClosed, at: now)
    connections[id] = nil
    if connection.isActive { active.removeAll { $0 === connection } }
  }

  // MARK: Output

  /// True while there is output or an end to look at, or an event to take, or `advance` may have
  /// something to do: a quick look, where `deadline` looks at each connection.
  public func mayHaveNews(at now: Instant) -> Bool {
    !active.isEmpty || !events.isEmpty || min(sweepDue, connectionsDue) <= now
  }

  /// The connections whose output or end has to be looked at, each once.
  public mutating func takeActive() -> [ConnectionID] {
    for connection in active { connection.isActive = false }
    defer { active = [] }
    return active.map(\.id).sorted { $0.number < $1.number }
  }

  /// Lends all output to `send`, which takes it whole, connection by connection, until there is none.
  /// `isLast`: the connection has come to its end behind it, and is closed then.
  public mutating func drain(
    at now: Instant, _ send: (_ id: ConnectionID, _ bytes: Span<UInt8>, _ isLast: Bool) -> Void
  ) {
    while !active.isEmpty {
      var first = 0
      for index in active.indices where active[index].id.number < active[first].id.number {
        first = index
      }
      let connection = active.remove(at: first)
      connection.isActive = false
      let isLast = connection.isFinished
      connection.lendOutput { bytes in send(connection.id, bytes, isLast) }
      if let session = connection.session { pump(session, at: now) }
      if isLast { closed(connection.id, at: now) }
    }
  }

  /// The connection's output or end has to be looked at.
  mutating func activate(_ connection: Connection) {
    guard !connection.isActive else { return }
    connection.isActive = true
    active.append(connection)
  }

  /// The bytes that wait for a transport.
  public func output(of id: ConnectionID) -> ArraySlice<UInt8> { connections[id]?.waiting ?? [] }

  /// The transport has taken the first `count` bytes of the output.
  public mutating func sent(_ count: Int, on id: ConnectionID, at now: Instant) {
    guard let connection = connections[id] else { return }
    connection.consume(count)
    let before = connection.outputCount
    if let session = connection.session { pump(session, at: now) }
    if connection.outputCount != before { activate(connection) }
  }

  /// True when the transport is to be closed once its output is written.
  public func isFinished(_ id: ConnectionID) -> Bool { connections[id]?.isFinished ?? true }

  // MARK: Time

  /// When `advance` is due: at the latest when the next keep-alive, CONNECT or end runs out, or a
  /// session, a will or a retained message is due.
  public var deadline: Instant {
    var earliest = sweepDue
    for connection in connections.values { earliest = min(earliest, deadline(of: connection)) }
    return earliest
  }

  /// Ends what has run out.
  public mutating func advance(to now: Instant) {
    endConnections(at: now)
    sweep(at: now)
  }

  private mutating func endConnections(at now: Instant) {
    guard connectionsDue <= now else { return }
    connectionsDue = .never
    for connection in connections.values.sorted(by: { $0.id.number < $1.id.number }) {
      if deadline(of: connection) <= now {
        if connection.isFinished {
          connection.discardOutput()
          activate(connection)
        } else {
          finish(connection, .keepAlive, at: now)
        }
      }
      watch(connection)
    }
  }

  /// What the connection's end depends on has changed.
  mutating func watch(_ connection: Connection) {
    connectionsDue = min(connectionsDue, deadline(of: connection))
  }

  private func deadline(of connection: Connection) -> Instant {
    if let finishedAt = connection.finishedAt {
      return connection.outputCount > 0 ? finishedAt + limits.closeTimeout : .never
    }
    guard connection.session != nil else { return connection.openedAt + limits.connectTimeout }
    return connection.silenceMax.map { connection.lastReceived + $0 } ?? .never
  }

  // MARK: Observing

  /// What has happened since the last call, in order.
  public mutating func takeEvents() -> [BrokerEvent] {
    defer { events = [] }
    return events
  }

  /// Hands `hear` what has happened since the last call, in order.
  public mutating func drainEvents(_ hear: (BrokerEvent) -> Void) {
    for event in events { hear(event) }
    events.removeAll(keepingCapacity: true)
  }

  /// The retained message of a topic.
  public func retained(_ topic: [UInt8]) -> Message? { retained[topic]?.message }

  mutating func tell(_ event: @autoclosure () -> BrokerEvent) {
    if isObserved { events.append(event()) }
  }
}
