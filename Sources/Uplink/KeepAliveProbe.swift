import Core

/// How long the link may be idle before a ping, where that is to be found out: middleboxes on the way forget
/// connections over which nothing passes, some after 30 s, others after hours, and tell nobody.
///
/// Pings begin at a short interval. Each idle time that the link bears lets it grow by half; one that
/// it does not bear halves the step, and so on, until there is nothing left to gain. What was borne is
/// remembered over connections. An interval that was borne once and is no more means another way: all
/// begins anew.
public struct KeepAliveProbe: BitwiseCopyable, Sendable {
  /// How long the link is idle before a ping.
  public private(set) var interval: Interval
  /// The longest such time that the link has borne; zero before the first.
  public private(set) var borne = Interval.zero
  private let least: Interval
  private let most: Interval
  private var step: Interval
  private var hasDied = false

  /// Pings after `least` at first and never after more than `most`, which is what the broker was told.
  public init(from least: Interval, to most: Interval) {
    self.least = min(least, most)
    self.most = most
    interval = self.least
    step = interval / 2
  }

  /// The link was idle for so long, and something came after that.
  public mutating func survived(_ idle: Interval) {
    guard isProbe(idle) else { return }
    borne = max(borne, interval)
    // Less than a sixteenth is nothing to gain.
    guard step * 16 >= interval else { return }
    interval = min(interval + step, most)
    step = hasDied ? step / 2 : interval / 2
  }

  /// The link was idle for so long, and was found dead.
  public mutating func died(after idle: Interval) {
    guard isProbe(idle) else { return }
    guard interval > borne else {
      self = KeepAliveProbe(from: least, to: most)
      return
    }
    hasDied = true
    step = (interval - borne) / 2
    interval = max(borne, least)
  }

  /// A ping is sent an interval after the last byte of either direction that came first: the link was idle
  /// for a round trip less.
  private func isProbe(_ idle: Interval) -> Bool { idle * 4 >= interval * 3 }
}
