import Core
import Uplink

/// Whether the device notices a connection that is dead in one direction or both: within 1.5 keep-alives
/// after its last byte (see `KeepAlive`).
struct SilenceWatch {
  private let most: Interval
  private var since: Instant?
  private var hasComplained = false

  init(_ spec: UplinkSpec) { most = spec.keepAlive * 3 / 2 + .seconds(2) }

  /// A complaint when the device has believed in a dead connection for too long.
  mutating func check(believes: Bool, isWhole: Bool, at now: Instant) -> String? {
    guard believes, !isWhole else {
      (since, hasComplained) = (nil, false)
      return nil
    }
    since = since ?? now
    guard !hasComplained, let since, now - since > most else { return nil }
    hasComplained = true
    return "a dead connection was not noticed for \((now - since).seconds) s"
  }
}
