import Core

/// How a link to the broker is on average; what goes wrong on it are faults.
public struct LinkConditions: Sendable {
  /// How long a byte is on its way, in each direction.
  public var latency = Interval.milliseconds(1)
  /// By how much that varies: a packet takes up to so much longer. None overtakes another: it is TCP.
  public var jitter = Interval.zero
  /// Bytes a second towards the broker.
  public var upRate = 10_000_000
  /// Bytes a second from the broker.
  public var downRate = 10_000_000
  /// How many packets in a thousand are lost: TCP sends them again, and all behind waits.
  public var lossPerMille = 0
  /// A middlebox forgets a connection that has been idle for longer; nil for none that does.
  public var idleMax: Interval?
  /// How long the radio stays on after each byte, in either direction.
  public var radioTail = Interval.zero
  /// Bytes that the system takes from the agent before it waits.
  public var bufferBytes = 16_384

  /// How it changes with time, where it does: takes the place of the values above.
  public var trace: LinkTrace? {
    didSet { holdsUntil = trace == nil ? .never : .boot }
  }
  /// Until when the values above hold: `follow` is to be called then.
  private(set) var holdsUntil = Instant.never
  /// What a fault adds to the latency, and the rate that it leaves.
  private var slowedBy = Interval.zero
  private var rateMax = Int.max

  /// A cable.
  public init() {}

  /// True while a fault makes it slower.
  var isSlowed: Bool { rateMax < .max }

  /// The least rate towards the broker that it ever has.
  var leastUpRate: Int { trace?.samples.map(\.upRate).min().map { min($0, rateMax) } ?? upRate }

  /// It is slower by so much from now on, and no faster than so many bytes a second.
  mutating func slow(by latency: Interval, rate: Int) {
    (slowedBy, rateMax) = (latency, rate)
    self.latency = self.latency + latency
    (upRate, downRate) = (min(upRate, rate), min(downRate, rate))
    if trace != nil { holdsUntil = .boot }
  }

  /// Takes over what its trace says of `now`, where it has one.
  mutating func follow(to now: Instant) {
    guard now >= holdsUntil, let trace else { return }
    let (sample, end) = trace.sample(at: now - .boot)
    latency = sample.latency + slowedBy
    (jitter, lossPerMille) = (sample.jitter, sample.lossPerMille)
    (upRate, downRate) = (min(sample.upRate, rateMax), min(sample.downRate, rateMax))
    holdsUntil = .boot + end
  }
}
