import Core
import Uplink

/// Whether a device with several brokers makes use of them: while one of them is well it is online before long,
/// wherever, and a later one is left for the first once `UplinkSpec.returnAfter` has passed.
///
/// Each return doubles the wait for the next one, up to a day, until a connection to the first was stable.
struct FailoverWatch {
  /// How long a device may be offline while one broker is well: the present attempt and one at each of the
  /// others, each in two versions, and the longest wait behind each.
  private let offlineMax: Interval
  /// How long it takes to leave: what is under way is answered, and so is the last word.
  private let leavingMax: Interval
  private let returnAfter: Interval
  private let stableAfter: Interval
  private var returnWait: Interval
  /// Since when each broker is well.
  private var wellSince: [Instant?]
  private var offlineSince: Instant?
  /// Where the device is online, and since when.
  private var online: (broker: Int, since: Instant)?
  private var hasComplained = false

  private static var returnWaitMax: Interval { .seconds(86_400) }

  /// Nil where there is one broker only.
  init?(_ spec: UplinkSpec) {
    let count = spec.dial.brokerCount
    guard count > 1 else { return nil }
    let attempt = spec.dial.connectTimeout + spec.replyTimeout
    offlineMax = (attempt * 2 + spec.backoffMaximum) * Int64(count + 1)
    leavingMax = spec.answerTimeout * 2 + .seconds(60)
    (returnAfter, stableAfter, returnWait) = (spec.returnAfter, spec.stableAfter, spec.returnAfter)
    wellSince = [Instant?](repeating: nil, count: count)
  }

  /// A run begins, and knows nothing of the returns before.
  mutating func runBegan() { (returnWait, offlineSince, online) = (returnAfter, nil, nil) }

  /// The device has left a later broker for the first.
  mutating func returned() {
    returnWait = min(returnWait * 2, max(Self.returnWaitMax, returnAfter))
  }

  /// A complaint when the device is offline, or at a later broker, for too long. `broker` is the one where it is
  /// online, from 0 on; nil for none.
  mutating func check(
    isRunning: Bool, onlineAt broker: Int?, isWell: (Int) -> Bool, at now: Instant
  ) -> String? {
    for index in wellSince.indices {
      wellSince[index] = isWell(index) ? wellSince[index] ?? now : nil
    }
    if online?.broker != broker {
      if let online, online.broker == 0, now - online.since >= stableAfter {
        returnWait = returnAfter
      }
      (online, hasComplained) = (broker.map { ($0, now) }, false)
    }
    offlineSince = isRunning && broker == nil ? offlineSince ?? now : nil
    guard !hasComplained, let complaint = complaint(at: now) else { return nil }
    hasComplained = true
    return complaint
  }

  private func complaint(at now: Instant) -> String? {
    if let online, online.broker > 0, returnAfter > .zero,
      now - online.since > max(returnWait, stableAfter) + leavingMax
    {
      return "broker \(online.broker + 1) was not left for the first after "
        + "\((now - online.since).seconds) s"
    }
    guard let offlineSince else { return nil }
    for (index, since) in wellSince.enumerated() {
      guard let since, now - max(since, offlineSince) > offlineMax else { continue }
      return "offline for \((now - offlineSince).seconds) s, and broker \(index + 1) was well"
    }
    return nil
  }
}
