import CLinux
import Core
import Linux

/// The status, each second anew, until Ctrl-C or Ctrl-\.
enum StatusWatch {
  static func perform(_ path: Words) -> Exit {
    // Taken over, so that the terminal is given back first.
    let signals = clinux_terminal_signals_open()
    guard signals >= 0 else {
      Console.complain(words: "sandpiper: signalfd: \(SystemText.reason(clinux_errno()))")
      return .failure
    }
    let screen = LiveScreen()
    screen.begin()
    defer { screen.end() }
    while clinux_has_reader(STDOUT_FILENO) {
      var fault = Words()
      let answer = StatusAnswer(from: path, unlessReadable: signals, &fault)
      if clinux_wait_readable(signals, 0) <= 0 {
        screen.show(answer.map { StatusScreen.lines($0.document) } ?? [fault])
      }
      _ = clinux_wait_readable(signals, 1_000)
      switch clinux_signals_take(signals) {
      case 0: break
      case SIGTSTP:
        // Ctrl-Z: until the shell has it go on, the terminal is the shell's.
        screen.end()
        kill(getpid(), SIGSTOP)
        screen.begin()
      default: return .fine
      }
    }
    return .fine
  }
}

/// Lines that stay in place in a terminal; elsewhere, and where nobody knows the terminal or it knows no escapes,
/// they follow each other, with an empty one between.
private struct LiveScreen {
  private let isLive: Bool

  init() {
    let kind = Words(upTo: 64) { out in Environment.value(of: "TERM", into: &out) }
    isLive = isatty(STDOUT_FILENO) == 1 && !kind.isEmpty && !kind.bytes.span.equals("dumb")
  }

  /// The alternate screen, so that the terminal is afterwards as it was before (xterm).
  func begin() { if isLive { Console.show("\u{1B}[?1049h\u{1B}[?25l") } }

  /// Gives the terminal back.
  func end() { if isLive { Console.show("\u{1B}[?25h\u{1B}[?1049l") } }

  func show(_ lines: [Words]) {
    guard isLive else {
      for line in lines + [Words()] { Console.print(words: line) }
      return
    }
    var (rows, columns): (Int32, Int32) = (24, 80)
    // Sound: the call writes to the two numbers only.
    _ = unsafe clinux_terminal_size(STDOUT_FILENO, &rows, &columns)
    // Home, each row to its end, and nothing below: no flicker. The last row stays empty, so that nothing
    // scrolls, and the last column, or the erasing of what is behind would begin there.
    var text: Words = "\u{1B}[H"
    let shown = max(1, Int(rows) - 1)
    for (index, line) in lines.prefix(shown).enumerated() {
      let isLast = index == shown - 1 && lines.count > shown
      text.append(
        isLast ? "... and \(lines.count - shown + 1) lines more" : line.cut(to: Int(columns) - 1))
      text.append("\u{1B}[K\r\n")
    }
    text.append("\u{1B}[J")
    Console.show(text)
  }
}

extension Words {
  /// As many bytes as fit into a row, each taken for a column, without half a character.
  fileprivate func cut(to columns: Int) -> Words {
    let shown = printable.bytes
    guard shown.count > columns else { return Words(shown) }
    var end = columns
    while end > 0, shown[end] & 0xC0 == 0x80 { end -= 1 }
    return Words([UInt8](shown[..<end]))
  }
}
