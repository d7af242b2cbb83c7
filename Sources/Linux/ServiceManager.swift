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

  /// Tells lines such as `READY=1` that `fill` writes, 512 bytes at most. False when the manager does not
  /// take them now: it is not waited for.
  public func tell(_ fill: (inout OutputSpan<UInt8>) -> Void) -> Bool {
    send(FixedText(fill), with: nil)
  }

  /// Has the manager wait so long for the next sign of life, and for those that follow, where it waits for any
  /// (sd_notify(3), WATCHDOG_USEC=).
  public func waitForSigns(within interval: Interval) {
    guard watchdog != nil else { return }
    _ = tell { out in
      out.append(literal: "WATCHDOG=1\nWATCHDOG_USEC=")
      out.append(decimal: interval.nanoseconds / 1_000)
    }
  }

  // MARK: Descriptors

  /// Gives a copy of `descriptor` into the manager's keeping, which hands it to the process that follows this
  /// one (`FileDescriptorStoreMax=`, sd_pid_notify_with_fds(3)). False when it does not take it within half a
  /// second.
  ///
  /// - Parameter name: 63 bytes at most, without ":" and "=".
  public func keep(_ descriptor: Int32, as name: Span<UInt8>) -> Bool {
    send(
      FixedText { out in
        out.append(literal: "FDSTORE=1\nFDNAME=")
        out.append(cutting: name)
      }, with: descriptor)
  }

  /// Has the manager close what it keeps under that name.
  public func letGo(of name: Span<UInt8>) {
    _ = send(
      FixedText { out in
        out.append(literal: "FDSTOREREMOVE=1\nFDNAME=")
        out.append(cutting: name)
      }, with: nil)
  }

  /// Waits, two seconds at most, until the manager has done all that it was told (sd_notify_barrier(3)).
  public func settle() {
    guard isThere else { return }
    socket.withBytes { path in
      // Sound: the C string lives through the call.
      _ = unsafe withCString(path) { unsafe clinux_notify_barrier($0, 2_000) }
    }
  }

  private func send(_ lines: FixedText<512>, with descriptor: Int32?) -> Bool {
    guard isThere else { return false }
    return lines.withBytes { bytes in
      socket.withBytes { path in
        // Sound: the C string lives through the call, which only reads the bytes.
        unsafe withCString(path) { path in
          unsafe bytes.withUnsafeBufferPointer { lines in
            if let descriptor {
              return unsafe clinux_notify_descriptor(
                path, lines.baseAddress, lines.count, descriptor) == 0
            }
            return unsafe clinux_notify(path, lines.baseAddress, lines.count) == 0
          }
        } ?? false
      }
    }
  }
}
