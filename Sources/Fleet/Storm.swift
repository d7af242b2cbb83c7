import Core
import Dialing
import MQTT
import Uplink

/// What a broker sees when it restarts and all of its devices come back, in virtual time.
///
/// All devices have been online for long when the broker goes, and notice it at once. While it is away
/// every attempt is refused. Back again, it takes so many connections a second, and up to as many at
/// once when it had a calm second before; who is too many is turned away. Each attempt takes up to
/// `wayTime` on its way, evenly drawn: what else spreads them is the devices' own doing.
public struct Storm: Sendable {
  /// What becomes of an attempt that the broker has no room for.
  public enum Overload: String, CaseIterable, Sendable {
    /// It is refused at once.
    case refuse
    /// Nobody answers, and the device gives up after its own deadline.
    case silence
  }

  /// How a device waits between attempts.
  public enum Waiting: Sendable {
    /// As the agent does: its own code, with the values of the profile.
    case agent(UplinkSpec)
    /// Always as long.
    case fixed(Interval)
    /// Twice as long each time, up to a bound, and the same for all.
    case doubling(from: Interval, to: Interval)
  }

  /// How many devices there are.
  public var deviceCount = 100_000
  /// How long the broker is away.
  public var away = Interval.seconds(10)
  /// Connections a second that it takes.
  public var acceptsPerSecond = 1_000
  /// What becomes of the others.
  public var overload = Overload.refuse
  /// How long a device waits for an answer.
  public var patience = Interval.seconds(15)
  /// What chance is seeded with.
  public var seed: UInt64 = 1
  /// The longest time that is looked at.
  public var limit = Interval.seconds(6 * 3_600)

  /// The longest way of an attempt.
  public static var wayTime: Interval { .milliseconds(100) }

  /// 100,000 devices, and a broker that is away for ten seconds.
  public init() {}

  /// What the broker sees when all devices wait in that way.
  public func course(_ waiting: Waiting) -> StormCourse {
    var course = StormCourse(deviceCount: deviceCount, away: away)
    var chance = Generator(seed: seed)
    var door = Door(acceptsPerSecond: acceptsPerSecond, opensAt: .boot + away)
    var heap = DeadlineHeap(count: deviceCount)
    var clocks = (0..<deviceCount).map { _ in RetryClock(waiting) }
    for device in 0..<deviceCount {
      let wait = clocks[device].lost(&chance)
      heap.set(device, to: .boot + wait + chance.interval(below: Self.wayTime))
    }
    while let device = heap.due(at: .boot + limit) {
      let now = heap.earliest
      let isTaken = door.takes(at: now)
      course.note(at: now - .boot, isTaken: isTaken)
      guard !isTaken else {
        heap.set(device, to: .never)
        continue
      }
      let isSilent = overload == .silence && now >= .boot + away
      let answer = isSilent ? patience : .zero
      let wait = clocks[device].failed(isSilent ? .timedOut(.connect) : Self.refused, &chance)
      heap.set(device, to: now + answer + wait + chance.interval(below: Self.wayTime))
    }
    return course
  }

  /// Linux's ECONNREFUSED.
  private static var refused: DialFault { .connectFailed(code: 111) }
}

/// The broker's door: a bucket that holds what it takes in a second.
private struct Door {
  private let opensAt: Instant
  /// Nanoseconds that one connection takes.
  private let price: Int64
  /// Nanoseconds saved up, a second at the most.
  private var saved: Int64 = 1_000_000_000
  private var last: Instant

  init(acceptsPerSecond: Int, opensAt: Instant) {
    precondition((1...1_000_000_000).contains(acceptsPerSecond))
    (self.opensAt, last) = (opensAt, opensAt)
    price = 1_000_000_000 / Int64(acceptsPerSecond)
  }

  mutating func takes(at now: Instant) -> Bool {
    guard now >= opensAt else { return false }
    saved = min(1_000_000_000, saved + (now - last).nanoseconds)
    last = now
    guard saved >= price else { return false }
    saved -= price
    return true
  }
}

/// When a device tries again.
private struct RetryClock {
  private enum Kind {
    case agent(RetryPolicy)
    case plain(Backoff)
  }

  private var kind: Kind

  init(_ waiting: Storm.Waiting) {
    switch waiting {
    case .agent(let spec):
      var policy = RetryPolicy(spec)
      policy.accepted()
      policy.acknowledged()
      kind = .agent(policy)
    case .fixed(let delay):
      kind = .plain(Backoff(minimum: delay, maximum: delay, growthPercent: 100, jitter: .none))
    case .doubling(let first, let last):
      kind = .plain(Backoff(minimum: first, maximum: last, jitter: .none))
    }
  }

  /// The broker went, after a connection of an hour.
  mutating func lost(_ chance: inout Generator) -> Interval {
    switch kind {
    case .agent(var policy):
      defer { kind = .agent(policy) }
      return policy.lost(.dial(.closedByPeer), after: .seconds(3_600), &chance)
    case .plain(var backoff):
      defer { kind = .plain(backoff) }
      return backoff.next(&chance)
    }
  }

  mutating func failed(_ fault: DialFault, _ chance: inout Generator) -> Interval {
    switch kind {
    case .agent(var policy):
      defer { kind = .agent(policy) }
      return policy.attemptFailed(.dial(fault), atOnce: false, &chance)
    case .plain(var backoff):
      defer { kind = .plain(backoff) }
      return backoff.next(&chance)
    }
  }
}
