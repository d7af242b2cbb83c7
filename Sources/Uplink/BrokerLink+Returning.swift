import Core
import Dialing
import MQTT

/// From a later broker of the list back to the first.
///
/// Nothing is lost or sent twice on the way: first no more records leave, then, once all is
/// acknowledged, DISCONNECT does, and the connection to the first broker follows.
extension BrokerLink where Medium: ~Copyable {
  /// Which broker of `DialSpec` is tried or connected; 0 is the first.
  public var broker: Int { choice.current }

  /// How many brokers there are.
  public var brokerCount: Int { spec.dial.brokerCount }

  /// When the link wants to go back; `never` while it does not, or is at it already.
  var returnAt: Instant {
    guard case .online(let since) = state, !hasBegunReturn else { return .never }
    let due = choice.returnAt(since)
    return due == .never ? .never : max(due, since + spec.stableAfter)
  }

  /// True, once, when it is time to go back to the first broker. No records leave any more then: once
  /// `isIdle`, call `returnToFirst`.
  public mutating func beginReturn(at now: Instant) -> Bool {
    guard returnAt <= now else { return false }
    hasBegunReturn = true
    holdsRecords = true
    return true
  }

  /// Stays, or stays after all, as long as this connection lasts.
  public mutating func cancelReturn() {
    hasBegunReturn = true
    holdsRecords = false
  }

  /// True when nothing is under way: nothing that waits to be sent, and nothing unanswered.
  public var isIdle: Bool {
    isOnline && !session.awaitsAnswer && !session.hasOutput && !session.isResending
  }

  /// Writes DISCONNECT; the first broker is tried once the present one has closed the connection, or
  /// `timeout` has passed.
  public mutating func returnToFirst(at now: Instant, timeout: Interval) {
    guard isOnline else { return }
    session.disconnect()
    choice.returnToFirst()
    state = .returning(until: now + timeout)
  }

  /// The link turns to another broker, of which nothing is known yet: not its version, and what was
  /// under way is none of its business.
  mutating func brokerChanged() {
    versions = spec.version
    session.forgetServer()
    outbox.connectionLost()
    packsUnderWay = InlineArray(repeating: false)
  }
}
