import CLinux
import Core

/// What the program tells the people who run it: lines on standard error, each in one write(2), so
/// that lines of several threads never mix. A line that would have to wait for whoever reads them is
/// lost; how many were, the next line tells.
///
/// Under systemd a line begins with its priority ("<6>", sd-daemon(3)) and the journal adds the
/// time; elsewhere it reads `2026-11-23 08:17:10 info  text`, in local time.
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
    guard level.rawValue <= clinux_log_threshold() else { return }
    var line = LogLine(level, forJournal: clinux_stderr_is_journal())
    body(&line)
    let lost = clinux_log_take_lost()
    if lost > 0 {
      line.append(literal: " (lines lost before this one: ")
      line.append(decimal: Int64(wide: Int(lost)))
      line.append(literal: ")")
    }
    line.finish()
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

/// One line of the log in fixed memory: 512 bytes, cut with "..." when it would be longer. Control
/// characters, which a hostile peer may have sent, appear as "\x1b".
public struct LogLine: ~Copyable {
  private var bytes = InlineArray<512, UInt8>(repeating: 0)
  private var count = 0
  private var isCut = false

  // Room for "..." and the newline.
  private var limit: Int { bytes.count - 4 }

  init(_ level: Log.Level, forJournal: Bool) {
    if forJournal {
      append(literal: "<")
      append(decimal: Int64(wide: Int(level.rawValue)))
      append(literal: ">")
    } else {
      appendLocalTime()
      append(literal: " ")
      append(literal: level.name)
      append(literal: " ")
    }
  }

  /// Appends a literal.
  public mutating func append(literal: StaticString) {
    Linux.withBytes(of: literal) { append(contentsOf: $0) }
  }

  /// Appends bytes, with control characters made visible.
  public mutating func append(contentsOf source: Span<UInt8>) {
    for index in source.indices {
      let byte = source[index]
      // U+0080...U+009F are control characters too; in UTF-8 they begin with C2.
      let next = index + 1 < source.count ? source[index + 1] : 0
      let last = index > 0 ? source[index - 1] : 0
      let isC1 =
        byte == 0xC2 && next >= 0x80 && next < 0xA0 || last == 0xC2 && byte >= 0x80 && byte < 0xA0
      if byte < 0x20 || byte == 0x7F || isC1 {
        put(escaped: byte)
      } else {
        put(byte)
      }
    }
  }

  /// Appends a whole number in decimal.
  public mutating func append(decimal value: Int64) { append { $0.append(decimal: value) } }

  /// Appends a length of time in the unit that suits it: "250 ms", "90 s".
  public mutating func append(_ interval: Interval) {
    let inSeconds = interval.nanoseconds % 1_000_000_000 == 0 || interval > .seconds(10)
    append(decimal: inSeconds ? interval.seconds : interval.milliseconds)
    append(literal: inSeconds ? " s" : " ms")
  }

  /// Appends "connect: Connection refused".
  public mutating func append(_ error: SystemError) { append { error.describe(into: &$0) } }

  /// Appends "192.0.2.1:1883".
  public mutating func append(_ address: SocketAddress) {
    append { address.description(into: &$0) }
  }

  /// Appends what `body` writes, which is at most 500 bytes.
  public mutating func append(_ body: (inout OutputSpan<UInt8>) -> Void) {
    var scratch = InlineArray<500, UInt8>(repeating: 0)
    var slots = scratch.mutableSpan
    let count = unsafe slots.withUnsafeMutableBufferPointer { buffer in
      // Sound: the span covers the array, and does not leave this closure.
      var out = unsafe OutputSpan(buffer: buffer, initializedCount: 0)
      body(&out)
      return unsafe out.finalize(for: buffer)
    }
    append(contentsOf: scratch.span.extracting(0..<count))
  }

  /// Lends the line so far.
  func withBytes<R>(_ body: (Span<UInt8>) -> R) -> R {
    body(bytes.span.extracting(0..<count))
  }

  /// Ends the line.
  mutating func finish() {
    if isCut {
      for _ in 0..<3 { place(UInt8(ascii: ".")) }
    }
    place(UInt8(ascii: "\n"))
  }

  private mutating func put(escaped byte: UInt8) {
    guard count + 4 <= limit else {
      isCut = true
      return
    }
    put(UInt8(ascii: "\\"))
    put(UInt8(ascii: "x"))
    put(hexDigit(byte >> 4))
    put(hexDigit(byte & 15))
  }

  // Once a byte did not fit none follows it.
  private mutating func put(_ byte: UInt8) {
    if count < limit && !isCut { place(byte) } else { isCut = true }
  }

  private mutating func place(_ byte: UInt8) {
    bytes[count] = byte
    count += 1
  }

  private mutating func appendLocalTime() {
    var text = InlineArray<32, CChar>(repeating: 0)
    var slots = text.mutableSpan
    let count = unsafe slots.withUnsafeMutableBufferPointer {
      // Sound: the call writes at most as many characters as there are.
      unsafe clinux_local_time($0.baseAddress, $0.count)
    }
    for index in 0..<Int(count) { put(UInt8(bitPattern: text[index])) }
  }
}

private func hexDigit(_ value: UInt8) -> UInt8 {
  value < 10 ? UInt8(ascii: "0") + value : UInt8(ascii: "a") + value - 10
}
