import Core

/// How long answers take, learned from those that came (RFC 6298): a smoothed round trip, and how far
/// the single ones stray from it.
///
/// Only answers to what was sent once are to be counted (Karn's rule): that to a repeated message may
/// belong to the first.
struct RoundTrip: BitwiseCopyable {
  /// SRTT; nil before the first answer.
  private(set) var smoothed: Interval?
  /// RTTVAR.
  private(set) var variation = Interval.zero

  /// Takes in an answer that has taken `interval` (section 2, rules 2.2 and 2.3).
  mutating func take(_ interval: Interval) {
    guard let before = smoothed else {
      smoothed = interval
      variation = interval / 2
      return
    }
    let stray = before > interval ? before - interval : interval - before
    variation = variation - variation / 4 + stray / 4
    smoothed = before - before / 8 + interval / 8
  }

  /// How long an answer may take before it is late, between `least` and `most`; `most` as long as
  /// nothing is known.
  func patience(from least: Interval, to most: Interval) -> Interval {
    guard let smoothed else { return most }
    return min(max(least, smoothed + variation * 4), most)
  }
}
