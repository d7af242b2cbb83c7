import Core

/// How a link changes with time: values that hold until the next ones, and begin anew after the last.
public struct LinkTrace: Sendable {
  /// The values from a time on.
  public struct Sample: Equatable, Sendable {
    /// From when on, counted from the trace's beginning.
    public var at = Interval.zero
    /// See `LinkConditions`.
    public var latency = Interval.zero
    /// See `LinkConditions`.
    public var jitter = Interval.zero
    /// See `LinkConditions`.
    public var upRate = 0
    /// See `LinkConditions`.
    public var downRate = 0
    /// See `LinkConditions`.
    public var lossPerMille = 0

    /// At the beginning, with what a link has itself.
    public init(_ link: LinkConditions) {
      (latency, jitter, lossPerMille) = (link.latency, link.jitter, link.lossPerMille)
      (upRate, downRate) = (link.upRate, link.downRate)
    }
  }

  /// In order of time; the first is at the beginning.
  public let samples: [Sample]
  /// After how long it begins anew: behind the last sample.
  public let length: Interval

  /// A trace of these samples, in order of time, the first of them at its beginning.
  public init(_ samples: [Sample], length: Interval) {
    precondition(samples.first?.at == .zero && samples[samples.count - 1].at < length)
    (self.samples, self.length) = (samples, length)
  }

  /// What holds at a time, counted from the beginning of the first round, and until when.
  func sample(at time: Interval) -> (Sample, end: Interval) {
    let into = Interval.nanoseconds(time.nanoseconds % length.nanoseconds)
    let index = samples.lastIndex { $0.at <= into } ?? 0
    let next = index + 1 < samples.count ? samples[index + 1].at : length
    return (samples[index], time - into + next)
  }
}
