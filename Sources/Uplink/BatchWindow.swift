import Core

/// When records may leave, for radios that cost power and money each time they wake: all at once every so
/// often, and what is urgent at once, with all that waits behind it.
///
/// A window stays open until all that waits is sent.
public struct BatchWindow: BitwiseCopyable, Sendable {
  /// True while records may leave.
  public private(set) var isOpen: Bool
  private var every: Interval
  private var opensAt: Instant

  /// A window that opens every so often, the first time after a part of that which chance decides, so that
  /// devices that start together do not call together. Zero: it is always open.
  public init(every: Interval, at start: Instant, _ chance: inout Generator) {
    self.every = every
    isOpen = every == .zero
    opensAt = isOpen ? .never : start + chance.interval(below: every)
  }

  /// When `step` is to be called.
  public var deadline: Instant { isOpen ? .never : opensAt }

  /// When the next window opens, if nothing urgent comes before.
  public var next: Instant { opensAt }

  /// Opens the window when it is due; true when it has opened now.
  public mutating func step(at now: Instant) -> Bool {
    guard !isOpen, opensAt <= now else { return false }
    open(at: now)
    return true
  }

  /// Something urgent has come, or a connection: the window opens at once, and the next one so much later.
  public mutating func open(at now: Instant) {
    guard every > .zero, !isOpen else { return }
    isOpen = true
    opensAt = now + every
  }

  /// There is no more waiting: the end is near.
  public mutating func openForGood() {
    every = .zero
    isOpen = true
  }

  /// All that waited is sent.
  public mutating func close(at now: Instant) {
    guard every > .zero, isOpen else { return }
    isOpen = false
    // It was open for longer than there is between two.
    if opensAt <= now { opensAt = now + every }
  }
}
