import Core
import Dialing

/// Which of several brokers is tried next.
///
/// An attempt that fails leads to the next one of the list, and from the last to the first. Once through
/// the list that goes quickly; then the back-off counts for all of them together, so that a device
/// without a network tries no more often than one with a single broker.
///
/// A broker whose connection was lost is tried again first. One that accepts and loses us twice in a
/// row before a connection was stable is left too.
///
/// The first of the list is the one to be at: after a while on a later one the link goes back to it.
struct BrokerChoice: BitwiseCopyable {
  /// The broker that is tried or connected, as a place in the list.
  private(set) var current = 0
  private var next = 0
  private let count: Int
  /// How many attempts may still follow at once.
  private var quickCount: Int
  /// Connections in a row that were lost before they were stable.
  private var losses = 0
  private let returnAfter: Interval
  /// How long the next connection to a later broker lasts at the least.
  private var returnWait: Interval

  init(count: Int, returnAfter: Interval) {
    self.count = count
    quickCount = count - 1
    self.returnAfter = returnAfter
    returnWait = returnAfter
  }

  /// The longest that the wait before a return grows to.
  private static var returnWaitMax: Interval { .seconds(86_400) }

  /// An attempt begins. True when it goes to another broker than the one before.
  mutating func begin() -> Bool {
    defer { current = next }
    return next != current
  }

  /// An attempt has failed for this reason. True when the next one, at another broker, may follow at
  /// once.
  mutating func attemptFailed(_ fault: LinkFault) -> Bool {
    guard count > 1, !fault.isOfEveryBroker else { return false }
    advance()
    guard quickCount > 0 else { return false }
    quickCount -= 1
    return true
  }

  /// A connection is lost, which was stable or was not.
  mutating func lost(wasStable: Bool) {
    if wasStable {
      quickCount = count - 1
      losses = 0
      if current == 0 { returnWait = returnAfter }
      return
    }
    losses += 1
    if losses > 1 { advance() }
  }

  /// When a connection that began at `start` is given up for the first broker; `never` when it is that
  /// of the first, or the profile wants none of it.
  func returnAt(_ start: Instant) -> Instant {
    current == 0 || returnAfter == .zero ? .never : start + returnWait
  }

  /// The connection is given up for the first broker. Should that fail, the next return is later.
  mutating func returnToFirst() {
    next = 0
    losses = 0
    quickCount = count - 1
    returnWait = min(returnWait * 2, max(Self.returnWaitMax, returnAfter))
  }

  private mutating func advance() {
    next = (current + 1) % count
    losses = 0
  }
}

extension LinkFault {
  /// True when another broker would be no better: the way to all of them begins at the same proxy.
  fileprivate var isOfEveryBroker: Bool {
    guard case .dial(.proxy(let fault)) = self else { return false }
    return switch fault {
    case .nameNotResolved, .connectFailed, .passwordFile, .login, .malformed, .tooLong: true
    // Maybe the proxy has tried and found nobody.
    case .status, .refused, .closed: false
    }
  }
}
