import Core

/// What a broker has seen of a storm, second by second from its going on.
public struct StormCourse: Equatable, Sendable {
  /// Attempts that arrived in each second.
  public private(set) var attempts: [Int] = []
  /// Those that it took.
  public private(set) var taken: [Int] = []
  /// Attempts in all.
  public private(set) var attemptCount = 0
  /// How many devices are back.
  public private(set) var backCount = 0
  /// How long after the broker's return 99 of 100 devices were back; nil when they never were.
  public private(set) var mostBackAfter: Interval?
  /// How long after it all devices were back; nil when they never were.
  public private(set) var allBackAfter: Interval?
  private let deviceCount: Int
  private let away: Interval

  init(deviceCount: Int, away: Interval) {
    (self.deviceCount, self.away) = (deviceCount, away)
  }

  /// The most attempts in one second.
  public var peak: Int { attempts.max() ?? 0 }

  /// The most attempts in one second once the broker is there again.
  public var peakAfterReturn: Int {
    attempts.dropFirst(Int(away.seconds)).max() ?? 0
  }

  /// An attempt has arrived so long after the broker went.
  mutating func note(at time: Interval, isTaken: Bool) {
    let second = Int(time.seconds)
    while attempts.count <= second {
      attempts.append(0)
      taken.append(0)
    }
    attempts[second] += 1
    attemptCount += 1
    guard isTaken else { return }
    taken[second] += 1
    backCount += 1
    if backCount * 100 >= deviceCount * 99, mostBackAfter == nil { mostBackAfter = time - away }
    if backCount == deviceCount { allBackAfter = time - away }
  }
}
