import Core
import Uplink

/// How far a return to the first of several brokers has come.
enum Returning: BitwiseCopyable {
  /// There is none.
  case no
  /// What is under way is waited for.
  case draining
  /// "offline" is on its way: what this broker retains must not say that the device lives there.
  case leaving
}

/// The agent's side of a return to the first broker: the one that is left must not say "online" for ever.
extension DeviceAgent where Medium: ~Copyable {
  mutating func advanceReturn(at moment: Moment) {
    guard stopping.isRunning else { return }
    switch returning {
    case .no:
      guard link.beginReturn(at: moment.instant) else { return }
      returning = .draining
      advanceReturn(at: moment)
    case .draining:
      guard greeting.isOver, !owesStates, link.isIdle else { return }
      returning = .leaving
      reassertAt = .never
      diagnosticsAt = .never
      life.state = .offline
      life.reason = "returning"
      life.since = moment
      publishStatus(at: moment)
    case .leaving: break
    }
  }

  /// The broker has the last status.
  mutating func finishReturn(at moment: Moment) {
    guard case .leaving = returning else { return }
    returning = .no
    link.returnToFirst(at: moment.instant, timeout: .seconds(2))
  }

  /// A stop goes before.
  mutating func cancelReturn() {
    returning = .no
    link.cancelReturn()
  }
}
