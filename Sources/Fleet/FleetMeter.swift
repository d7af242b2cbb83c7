import Agent
import Core
import Dialing
import Histogram
import Linux
import Uplink

/// Counts what happens to a fleet as it happens, and how long it takes.
public final class FleetMeter {
  /// Connections that were begun.
  public private(set) var dials = 0
  /// Sessions that brokers have accepted.
  public private(set) var sessions = 0
  /// Sessions that were lost.
  public private(set) var losses = 0
  /// PUBLISH packets at QoS 1 that were handed to the system; those sent again count again.
  public private(set) var publishes = 0
  /// PUBACK packets that have come.
  public private(set) var acknowledgements = 0
  /// How often each fault has ended a session or an attempt.
  public private(set) var faults: [String: Int] = [:]
  /// The fault that came last; empty for none.
  public private(set) var lastFault = ""
  /// From the first packet of the connection to CONNACK.
  public private(set) var connectTimes = Times()
  /// From PUBLISH to PUBACK.
  public private(set) var answerTimes = Times()
  /// The same, since `takeRecent`.
  private var recent = Times()

  /// Nothing has happened yet.
  init() {}

  /// The times from PUBLISH to PUBACK since this was asked last.
  public func takeRecent() -> Times {
    defer { recent.removeAll() }
    return recent
  }

  func dialed() { dials += 1 }

  func published() { publishes += 1 }

  /// A PUBACK has come; how long after its PUBLISH, where that is known.
  func acknowledged(after interval: Interval?) {
    acknowledgements += 1
    guard let interval else { return }
    answerTimes.add(interval)
    recent.add(interval)
  }

  /// Takes in what an agent tells of its connection, which was begun at `dialedAt`.
  func note(_ notice: Notice, dialedAt: Instant, at now: Instant) {
    switch notice {
    case .online:
      sessions += 1
      connectTimes.add(now - dialedAt)
    case .lost(let fault):
      if fault != .closedByUs { count(fault) }
      losses += 1
    case .attemptFailed(let fault, _), .refused(let fault, _): count(fault)
    default: break
    }
  }

  private func count(_ fault: LinkFault) {
    lastFault = fault.text
    faults[lastFault, default: 0] += 1
  }
}

extension LinkFault {
  /// The fault, and what is known of its cause.
  fileprivate var text: String {
    let bytes = [UInt8](capacity: 300) { out in
      switch self {
      case .dial(let fault): fault.describe(into: &out)
      case .refused(let refusal):
        out.append(literal: slug)
        out.append(literal: " (")
        out.append(literal: refusal.words)
        out.append(literal: ")")
      default: out.append(literal: slug)
      }
    }
    return String(decoding: bytes, as: UTF8.self)
  }
}

/// How long something took, each time: to the microsecond up to 2 ms, to a thousandth above, up to an hour.
public struct Times {
  private static let longest: UInt64 = 3_600_000_000
  private var histogram = Histogram<UInt32>(
    highestTrackableValue: Times.longest, numberOfSignificantValueDigits: .three)

  /// None.
  init() {}

  /// How many there are.
  public var count: UInt64 { histogram.totalCount }

  /// The longest; zero without any.
  public var longest: Interval { count == 0 ? .zero : interval(histogram.max) }

  /// The time that so many percent, 0 to 100, do not exceed; zero without any.
  public func percentile(_ percent: Double) -> Interval {
    count == 0 ? .zero : interval(histogram.valueAtPercentile(percent))
  }

  private func interval(_ microseconds: UInt64) -> Interval { .microseconds(Int64(microseconds)) }

  mutating func add(_ interval: Interval) {
    histogram.record(min(UInt64(max(0, interval.nanoseconds / 1_000)), Self.longest))
  }

  mutating func removeAll() { histogram.reset() }
}
