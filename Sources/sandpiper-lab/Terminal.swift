import ArgumentParser
import CLinux
import Core
import Linux
import MQTT

/// Standard output and standard error, one write(2) for each text.
enum Terminal {
  /// True when people look at standard output.
  static var isInteractive: Bool { isatty(STDOUT_FILENO) == 1 }

  /// The terminal's rows and columns; 24 and 80 when it does not say.
  static var size: (rows: Int, columns: Int) {
    var rows: Int32 = 24
    var columns: Int32 = 80
    // Sound: the call writes to the two numbers only.
    _ = unsafe clinux_terminal_size(STDOUT_FILENO, &rows, &columns)
    return (Int(rows), Int(columns))
  }

  /// True once nobody reads standard output any more.
  static var isAbandoned: Bool { !clinux_has_reader(STDOUT_FILENO) }

  /// Writes a line to standard output.
  static func print(_ line: String) { write(line + "\n", to: STDOUT_FILENO) }

  /// Writes a line to standard error.
  static func complain(_ line: String) { write(line + "\n", to: STDERR_FILENO) }

  /// Complains of what is wrong, but not with the command line; to be thrown, ends the program with 1.
  static func failure(_ text: String) -> ExitCode {
    complain("sandpiper-lab: \(text)")
    return .failure
  }

  /// Writes text as it is to standard output.
  static func show(_ text: String) { write(text, to: STDOUT_FILENO) }

  private static func write(_ text: String, to descriptor: Int32) {
    var rest = Array(text.utf8)[...]
    while !rest.isEmpty {
      let count = unsafe rest.withUnsafeBufferPointer {
        // Sound: the call only reads the bytes.
        unsafe CLinux.write(descriptor, $0.baseAddress, $0.count)
      }
      // Output that nobody takes cannot be helped.
      guard count > 0 else { return }
      rest = rest.dropFirst(count)
    }
  }
}

extension Sequence<UInt8> {
  /// The bytes as text for people: what is no UTF-8 is replaced, control characters are shown.
  var text: String {
    var text = ""
    for scalar in String(decoding: Array(self), as: UTF8.self).unicodeScalars {
      if scalar.value < 0x20 || (0x7F...0x9F).contains(scalar.value) {
        text += "\\u{\(String(scalar.value, radix: 16))}"
      } else {
        text.unicodeScalars.append(scalar)
      }
    }
    return text
  }
}

extension SystemError {
  /// The error as text.
  var text: String {
    [UInt8](capacity: 128) { out in self.describe(into: &out) }.text
  }
}

extension ProtocolLevel {
  /// The version's name.
  var text: String {
    switch self {
    case .v31: "MQTT 3.1"
    case .v311: "MQTT 3.1.1"
    case .v50: "MQTT 5.0"
    }
  }
}
