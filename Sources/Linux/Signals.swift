import CLinux
import Core

/// The signals that the program answers, as something the loop can wait for.
public struct Signals: ~Copyable {
  /// A signal that arrived.
  public enum Signal: Sendable {
    /// SIGTERM: stop in order.
    case terminate
    /// SIGINT: stop in order; somebody pressed Ctrl-C.
    case interrupt
    /// SIGHUP: read the profile again.
    case hangUp
    /// SIGUSR1: stop in order, to be started anew by whoever sends it.
    case restart
  }

  /// For the loop: readable while a signal waits.
  public let descriptor: Int32

  /// Takes over SIGTERM, SIGINT, SIGHUP and SIGUSR1, and ignores SIGPIPE, for the whole process. To be
  /// called before any thread is started.
  public init() throws(SystemError) {
    let signals = clinux_signals_open()
    guard signals >= 0 else { throw .last("signalfd") }
    descriptor = signals
  }

  /// Has SIGHUP and SIGUSR1 wait until somebody answers them; else they end a program that is only beginning.
  public static func hold() { clinux_signals_hold() }

  deinit { close(descriptor) }

  /// The next signal that waits; nil for none.
  public func take() -> Signal? {
    switch clinux_signals_take(descriptor) {
    case SIGTERM: .terminate
    case SIGINT: .interrupt
    case SIGHUP: .hangUp
    case SIGUSR1: .restart
    default: nil
    }
  }
}
