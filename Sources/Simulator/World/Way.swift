import Broker
import Core

/// The way between a device and its broker: one TCP connection at a time, as the link carries it, with the
/// faults that links have.
struct Way {
  /// What an attempt to connect meets.
  enum Answer: Sendable {
    case accepts, refuses
    /// Packets vanish.
    case isSilent
    case nameUnknown
    /// Somebody else takes the connection, and answers with a page.
    case portal
  }

  var link: LinkConditions
  var answer = Answer.accepts
  /// How much later than it could the broker answers.
  var answerDelay = Interval.zero
  /// A connection that has been idle for longer is forgotten.
  var idleMax: Interval?
  private var up = Lane()
  private var down = Lane()
  private var connection: ConnectionID?
  /// The broker's end has gone, and nobody has told the device; or the other way round.
  private var swallowsUp = false
  private var swallowsDown = false
  private var endsAt: Instant?
  /// The broker has closed the connection, whether or not the device knows.
  private var hasBrokerEnded = false
  /// Whom the device talks to is no broker.
  private var isPortal = false
  private var lastMoved = Instant.boot
  /// The broker takes connections and throws each out after so long; nil while it does not. With a reset,
  /// or in order.
  var throwsOutAfter: Interval?
  var endsBroken = false
  private var chance: Generator
  /// Where the way leads instead of to the world's broker; nil where there is none beyond the world.
  var far: (any FarBroker)?

  init(_ link: LinkConditions, seed: UInt64) {
    self.link = link
    idleMax = link.idleMax
    chance = Generator(seed: seed)
  }

  /// True while the device believes that there is a connection.
  var isOpen: Bool { connection != nil }

  /// True while what either end says arrives at the other, sooner or later.
  var isWhole: Bool { isHeard && !swallowsDown }

  /// True while what the device says arrives at the broker, sooner or later.
  var isHeard: Bool { connection != nil && !isPortal && !swallowsUp && !hasBrokerEnded }

  /// True while nothing arrives at all, and comes later.
  func isBlocked(at now: Instant) -> Bool { max(up.blockedUntil, down.blockedUntil) > now }

  /// True while nothing is wrong with it for who connects now.
  var isWell: Bool {
    answer == .accepts && throwsOutAfter == nil && answerDelay == .zero && !link.isSlowed
  }

  /// Bytes carried to the broker, and from it.
  var carried: (up: Int, down: Int) { (up.carried, down.carried) }

  /// When something arrives somewhere; at the device only while that `reads`.
  func deadline(reads: Bool) -> Instant {
    guard reads else { return up.deadline }
    let end = down.isEmpty ? endsAt ?? .never : .never
    return min(min(up.deadline, down.deadline), end)
  }

  // MARK: Faults

  /// From now on the connection swallows what either end sends: half-open.
  mutating func die(at now: Instant) {
    swallowsUp = true
    swallowsDown = true
    up.clear(at: now)
    down.clear(at: now)
    endsAt = nil
  }

  /// What the broker sends no longer arrives; what the device sends does.
  mutating func deafen(at now: Instant) {
    swallowsDown = true
    down.clear(at: now)
  }

  /// Nothing arrives before `end`; TCP lives through it if the device does.
  mutating func block(until end: Instant) {
    up.blockedUntil = max(up.blockedUntil, end)
    down.blockedUntil = max(down.blockedUntil, end)
  }

  /// Outages are over.
  mutating func heal() {
    up.blockedUntil = .boot
    down.blockedUntil = .boot
    answer = .accepts
    throwsOutAfter = nil
  }

  /// The broker's end says something that nobody has asked for.
  mutating func babble(_ bytes: [UInt8], at now: Instant) {
    guard connection != nil, !swallowsDown else { return }
    link.follow(to: now)
    down.send(bytes.span, rate: link.downRate, link, &chance, at: now)
  }

  /// The middlebox forgets a connection that has been idle for too long, when the next packet comes.
  private mutating func passMiddlebox(at now: Instant) {
    if let idleMax, now - lastMoved > idleMax { die(at: now) }
    lastMoved = now
  }

  // MARK: The device's end

  mutating func open(_ broker: inout MessageBroker, at now: Instant) {
    up.clear(at: now)
    down.clear(at: now)
    (swallowsUp, swallowsDown, endsAt) = (false, false, throwsOutAfter.map { now + $0 })
    hasBrokerEnded = false
    lastMoved = now
    endsBroken = throwsOutAfter != nil
    connection = broker.open(at: now)
    isPortal = answer == .portal
    // The broker never hears of it.
    if isPortal || far != nil, let connection { broker.closed(connection, at: now) }
  }

  /// The device closes. What it has sent still arrives, unless the connection was dead.
  mutating func close(_ broker: inout MessageBroker, at now: Instant) {
    guard let id = connection else { return }
    connection = nil
    defer { die(at: now) }
    // The broker does not learn of the end of a dead connection.
    guard !swallowsUp else {
      far?.leave()
      return
    }
    let far = far
    while up.blockedUntil <= now,
      up.take(
        at: .never - .nanoseconds(1),
        { bytes in
          far?.send(bytes)
          broker.receive(bytes, from: id, at: now)
        })
    {}
    if up.isEmpty {
      far?.close()
      broker.closed(id, at: now)
    } else {
      far?.leave()
    }
  }

  /// The connection is reset at both ends at once; what is on its way is lost.
  mutating func reset(_ broker: inout MessageBroker, at now: Instant) {
    if swallowsUp { far?.leave() } else { far?.close() }
    if let id = connection, !swallowsUp { broker.closed(id, at: now) }
    connection = nil
    die(at: now)
  }

  /// The device's power is gone: its end says nothing any more.
  mutating func fallSilent(at now: Instant) {
    far?.leave()
    connection = nil
    die(at: now)
  }

  /// How many of the bytes the system takes.
  mutating func send(_ bytes: Span<UInt8>, at now: Instant) -> Int {
    guard connection != nil else { return 0 }
    link.follow(to: now)
    if bytes.count > 0 { passMiddlebox(at: now) }
    let count = min(bytes.count, max(0, link.bufferBytes - up.bytesWaiting))
    if isPortal, count > 0 {
      babble(Array("HTTP/1.1 302 Found\r\nLocation: /login\r\n\r\n".utf8), at: now)
      endsAt = now + link.latency * 2
    } else if count > 0, !swallowsUp {
      up.send(bytes.extracting(0..<count), rate: link.upRate, link, &chance, at: now)
    }
    return count
  }

  /// Fills `out` with what has arrived from the broker.
  mutating func take(into out: inout OutputSpan<UInt8>, at now: Instant) {
    while down.take(out.freeCapacity, at: now, { out.append(contentsOf: $0) }) {}
  }

  /// True when something has arrived at the device.
  func hasArrived(at now: Instant) -> Bool { down.deadline <= now }

  /// True when the broker has closed, and everything before was read.
  func hasEnded(at now: Instant) -> Bool { down.isEmpty && (endsAt.map { $0 <= now } ?? false) }

  // MARK: The broker's end

  /// True when `serve` has something to do.
  func hasBusiness(with broker: borrowing MessageBroker, at now: Instant) -> Bool {
    up.deadline <= now || far != nil || broker.mayHaveNews(at: now)
  }

  /// Brings the broker what has arrived and the time, and takes what it has to say.
  mutating func serve(_ broker: inout MessageBroker, at now: Instant) {
    link.follow(to: now)
    if let far { serve(far, at: now) }
    while up.take(
      at: now, { if let connection { broker.receive($0, from: connection, at: now) } })
    {}
    broker.advance(to: now)
    broker.drain(at: now) { id, bytes, isLast in
      guard id == connection else { return }
      if !bytes.isEmpty { passMiddlebox(at: now) }
      guard !swallowsDown else { return }
      if !bytes.isEmpty {
        down.send(bytes, rate: link.downRate, link, &chance, at: now + answerDelay)
      }
      if isLast {
        endsAt = now + link.latency
        hasBrokerEnded = true
      }
    }
  }

  /// The same with a broker beyond the world.
  private mutating func serve(_ far: any FarBroker, at now: Instant) {
    while up.take(at: now, { far.send($0) }) {}
    let hasEnded = far.receive { bytes in
      passMiddlebox(at: now)
      guard !swallowsDown else { return }
      down.send(bytes, rate: link.downRate, link, &chance, at: now + answerDelay)
    }
    if hasEnded, !swallowsDown { endsAt = min(endsAt ?? .never, now + link.latency) }
  }

  /// The broker's process ends, and the system closes its connections.
  mutating func brokerEnds(_ broker: inout MessageBroker, at now: Instant) {
    guard let id = connection, !swallowsUp else { return }
    broker.closed(id, at: now)
    up.clear(at: now)
    swallowsUp = true
    if !swallowsDown { endsAt = now + link.latency }
  }
}
