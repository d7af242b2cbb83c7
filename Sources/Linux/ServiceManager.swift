import CLinux
import Core

/// Who has started this process, where it wants to hear from it: systemd's protocol for services of
/// `Type=notify` (sd_notify(3)).
///
/// Nobody, when `NOTIFY_SOCKET` is not set: then nothing is told, and no watchdog waits.
public struct ServiceManager: BitwiseCopyable, Sendable {
  /// Within what time a sign of life has to come (`WatchdogSec=`, sd_watchdog_enabled(3)); nil when
  /// nobody waits for one.
  public let watchdog: Interval?
  private let socket: FixedText<108>

  /// The one that the environment names.
  public init() {
    socket = FixedText { out in Environment.value(of: "NOTIFY_SOCKET", into: &out) }
    let microseconds = min(clinux_watchdog(), 86_400_000_000)
    watchdog = microseconds > 0 ? .nanoseconds(microseconds * 1_000) : nil
  }

  /// True when somebody listens.
  public var isThere: Bool { !socket.isEmpty }

  /// Tells lines such as `READY=1` that `fill` writes, 512 bytes at most. A manager that does not take
  /// them is not waited for: the next sign of life comes soon.
  public func tell(_ fill: (inout OutputSpan<UInt8>) -> Void) {
    guard isThere else { return }
    let lines = FixedText<512>(fill)
    lines.withBytes { bytes in
      socket.withBytes { path in
        // Sound: the C string lives through the call, which only reads the bytes.
        _ = unsafe withCString(path) { path in
          unsafe bytes.withUnsafeBufferPointer { lines in
            unsafe clinux_notify(path, lines.baseAddress, lines.count)
          }
        }
      }
    }
  }
}
