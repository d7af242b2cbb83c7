import CLinux
import Core

/// One line of the log in fixed memory: 512 bytes, cut with "..." when it would be longer, and behind them
/// how many lines were lost before. Control characters, which a hostile peer may have sent, appear as "\x1b".
public struct LogLine: ~Copyable {
  private var bytes = InlineArray<560, UInt8>(repeating: 0)
  private var count = 0
  private var isCut = false
  private var fields = FixedText<256>()
  private let level: Log.Level

  // Behind it is room for "..." and the newline, and for the lines lost: 41 bytes at the most.
  private var limit: Int { 508 }

  @inline(never)
  init(_ level: Log.Level, forJournal: Bool) {
    self.level = level
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

  /// Notes a field for machines: `SANDPIPER_<name>=<value>`. Fields that do not fit are left out.
  ///
  /// - Parameter value: without control characters.
  @inline(never)
  public mutating func note(_ name: StaticString, _ value: Span<UInt8>) {
    let before = fields.count
    fields.append("SANDPIPER_")
    fields.append(name)
    fields.append("=")
    fields.append(value)
    fields.append("\n")
    if fields.isCut { fields.cut(to: before) }
  }

  /// The same with a word that is known when the program is built.
  public mutating func note(_ name: StaticString, _ value: StaticString) {
    Linux.withBytes(of: value) { note(name, $0) }
  }

  /// True when the journal has taken the line with its fields; false where it has none, or there is no
  /// journal.
  var isInJournal: Bool {
    guard !fields.isEmpty, clinux_stderr_is_journal() else { return false }
    let entry = journalEntry
    return entry.withBytes { bytes in
      unsafe bytes.withUnsafeBufferPointer { bytes in
        // Sound: the call only reads the bytes.
        unsafe withCString(of: "/run/systemd/journal/socket") {
          unsafe clinux_notify($0, bytes.baseAddress, bytes.count) == 0
        }
      }
    }
  }

  /// The line as an entry of the journal. No value has a line break, so the short form does.
  var journalEntry: FixedText<1024> {
    FixedText { out in
      out.append(literal: "PRIORITY=")
      out.append(decimal: Int64(wide: Int(level.rawValue)))
      out.append(literal: "\nSYSLOG_IDENTIFIER=sandpiper\n")
      fields.write(into: &out)
      out.append(literal: "MESSAGE=")
      // Behind "<6>", which is for the stream, and with the line break at its end.
      out.append(cutting: bytes.span.extracting(3..<max(3, count)))
    }
  }

  /// Ends the line, and says in it how many were lost before it, for which there is room behind the longest.
  mutating func finish(lost: UInt32 = 0) {
    if isCut {
      for _ in 0..<3 { place(UInt8(ascii: ".")) }
    }
    if lost > 0 {
      let loss = FixedText<48> { out in
        out.append(literal: " (lines lost before this one: ")
        out.append(digits: UInt64(wide: lost), width: 1)
        out.append(literal: ")")
      }
      for index in 0..<loss.count { place(loss[index]) }
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
