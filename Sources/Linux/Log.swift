import CLinux
import Core

/// What the program tells the people who run it: lines on standard error, each in one write(2), so
/// that lines of several threads never mix. A line that would have to wait for whoever reads them is
/// lost, and so are those beyond a hundred at once and one a second, unless everything is wanted
/// (`debug`); how many were, the next line tells.
///
/// Under systemd a line begins with its priority ("<6>", sd-daemon(3)) and the journal adds the
/// time; elsewhere it reads `2026-11-23 08:17:10 info  text`, in local time. A line with fields for
/// machines goes to the journal by its own protocol (systemd.journal-fields(7)).
public enum Log {
  /// How urgent a line is, as in syslog(3).
  public enum Level: Int32, Sendable {
    /// Something does not work.
    case error = 3
    /// Something works, but not as it should.
    case warning
    /// Something that an operator wants to know has changed.
    case notice
    /// The course of things.
    case info
    /// For whoever looks for a fault.
    case debug

    var name: StaticString {
      switch self {
      case .error: "error"
      case .warning: "warning"
      case .notice: "notice"
      case .info: "info "
      case .debug: "debug"
      }
    }
  }

  /// The least urgent level that is written; `info` at start.
  public static var threshold: Level {
    get { Level(rawValue: clinux_log_threshold()) ?? .info }
    set { clinux_set_log_threshold(newValue.rawValue) }
  }

  /// Writes the line that `body` builds, unless its level is below the threshold.
  public static func write(_ level: Level, _ body: (inout LogLine) -> Void) {
    guard admits(level) else { return }
    var line = LogLine(level, forJournal: clinux_stderr_is_journal())
    body(&line)
    end(&line)
  }

  // Once in the program, not once for each line that it may write.
  @inline(never)
  private static func admits(_ level: Level) -> Bool {
    guard level.rawValue <= clinux_log_threshold() else { return false }
    let isPaid = clinux_log_admits(level.rawValue)
    if !isPaid { clinux_log_lose(1) }
    return isPaid
  }

  @inline(never)
  private static func end(_ line: inout LogLine) {
    let lost = clinux_log_take_lost()
    line.finish(lost: lost)
    guard !line.isInJournal else { return }
    let isWritten = line.withBytes { bytes in
      unsafe bytes.withUnsafeBufferPointer {
        // Sound: the call only reads the bytes.
        unsafe clinux_log_write($0.baseAddress, $0.count)
      }
    }
    if !isWritten { clinux_log_lose(lost &+ 1) }
  }

  /// Writes a line that is known when the program is built.
  public static func write(_ level: Level, _ text: StaticString) {
    write(level) { line in line.append(literal: text) }
  }
}
