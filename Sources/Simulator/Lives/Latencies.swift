import Core
import Histogram

/// How long readings take from the point to the broker.
struct Latencies {
  /// When a series reached a number.
  fileprivate struct Mark {
    var number: UInt32
    var at: Instant
  }

  /// Readings of a series that may still come live, oldest first.
  fileprivate struct Waiting {
    var marks: [Mark] = []
    var first = 0
    var last: UInt32 = 0
  }

  /// States and events of each point, in turn.
  private var waiting: [Waiting]
  /// Milliseconds.
  private var present = Self.histogram
  private var whole = Self.histogram

  /// What has waited longer comes in a history.
  fileprivate static var marksMax: Int { 4_096 }
  private static var histogram: Histogram<UInt32> {
    Histogram(numberOfSignificantValueDigits: .two)
  }

  init(points: Int) { waiting = [Waiting](repeating: Waiting(), count: 2 * points) }

  /// Another run begins: its numbers begin anew.
  mutating func begin() { waiting = waiting.map { _ in Waiting() } }

  /// Readings may have been made.
  mutating func note(_ device: SimulatedDevice, at now: Instant) {
    for point in 0..<waiting.count / 2 {
      waiting[2 * point].note(device.agent.points.stateCount(point), at: now)
      waiting[2 * point + 1].note(device.agent.points.eventCount(point), at: now)
    }
  }

  mutating func heard(series: Int, number: UInt32, at now: Instant) {
    guard let made = waiting[series].take(number) else { return }
    let milliseconds = UInt64(max(1, (now - made).milliseconds))
    _ = present.record(milliseconds)
    _ = whole.record(milliseconds)
  }

  /// The median and the most since the last call; zero for none.
  mutating func takeSlice() -> (median: Interval, most: Interval) {
    guard present.totalCount > 0 else { return (.zero, .zero) }
    defer { present.reset() }
    return (Self.quantile(present, 50), Self.quantile(present, 100))
  }

  /// Of all: the median, 99 in a hundred, the most.
  var all: (median: Interval, most99: Interval, most: Interval) {
    guard whole.totalCount > 0 else { return (.zero, .zero, .zero) }
    return (Self.quantile(whole, 50), Self.quantile(whole, 99), Self.quantile(whole, 100))
  }

  private static func quantile(_ histogram: Histogram<UInt32>, _ percent: Double) -> Interval {
    .milliseconds(Int64(histogram.valueAtPercentile(percent)))
  }
}

extension Latencies.Waiting {
  fileprivate mutating func note(_ count: UInt32, at now: Instant) {
    guard count > last else { return }
    last = count
    marks.append(Latencies.Mark(number: count, at: now))
    if marks.count - first > Latencies.marksMax { first += 1 }
    if first > Latencies.marksMax {
      marks.removeFirst(first)
      first = 0
    }
  }

  /// When the reading of that number was made; those before it are forgotten.
  fileprivate mutating func take(_ number: UInt32) -> Instant? {
    while first < marks.count, marks[first].number < number { first += 1 }
    return first < marks.count ? marks[first].at : nil
  }
}
