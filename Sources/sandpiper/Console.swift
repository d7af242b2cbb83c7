import CLinux
import Linux

/// How the program ends. systemd(1) and sysexits know these numbers.
enum Exit: Int32 {
  /// Everything went well.
  case fine = 0
  /// Something failed while it ran.
  case failure = 1
  /// The command line is wrong.
  case usage = 2
  /// The agent runs, and has no connection to a broker (`status`).
  case offline = 3
  /// The profile is wrong: beginning again would not help (systemd: EXIT_NOTCONFIGURED).
  case badProfile = 6

  static func now(_ exit: Exit) -> Never { CLinux.exit(exit.rawValue) }
}

/// Text for people. (Embedded Swift's `print` writes byte by byte; this writes whole lines.)
enum Console {
  /// Writes a line to standard output.
  static func print(_ line: String) { write(line, to: STDOUT_FILENO) }

  /// Writes a line to standard error.
  static func complain(_ line: String) { write(line, to: STDERR_FILENO) }

  /// Writes a line to standard output, control characters replaced.
  static func print(_ line: Words) { write(line.printable.bytes + [0x0A], to: STDOUT_FILENO) }

  /// Writes a line to standard error, control characters replaced.
  static func complain(_ line: Words) { write(line.printable.bytes + [0x0A], to: STDERR_FILENO) }

  /// Writes a text as it is to standard output.
  static func show(_ text: Words) { write(text.bytes, to: STDOUT_FILENO) }

  private static func write(_ line: String, to descriptor: Int32) {
    write([UInt8](line.utf8) + [0x0A], to: descriptor)
  }

  private static func write(_ bytes: [UInt8], to descriptor: Int32) {
    var start = 0
    while start < bytes.count {
      // Sound: the pointer is used within the closure only.
      let count = unsafe bytes[start...].withUnsafeBufferPointer { buffer in
        unsafe CLinux.write(descriptor, buffer.baseAddress, buffer.count)
      }
      guard count > 0 else { return }
      start += count
    }
  }

  /// `text` in a field of `width`, at its left end.
  static func left(_ text: String, _ width: Int) -> String {
    text + spaces(width - text.utf8.count)
  }

  /// `text` in a field of `width`, at its right end.
  static func right(_ text: String, _ width: Int) -> String {
    spaces(width - text.utf8.count) + text
  }

  private static func spaces(_ count: Int) -> String {
    String(decoding: [UInt8](repeating: 0x20, count: max(0, count)), as: UTF8.self)
  }
}
