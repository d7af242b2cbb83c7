import CLinux
import Core
import JSON
import Linux
import MQTT

/// How `sub` prints a message: mosquitto_sub's formats (its manual, "Output format").
struct MessageFormat {
  private enum Piece {
    case literal(UInt8)
    case field(UInt8, Style)
    /// strftime's %x, or N for the nanoseconds.
    case time(UInt8)
  }

  private struct Style {
    var padsWithZeros = false
    var isLeft = false
    var width = 0
    var longest = Int.max
  }

  private var pieces: [Piece] = []
  /// A payload of no bytes is printed as "(null)".
  private let namesEmpty: Bool

  /// Reads a format; nil for a sequence that there is not.
  init?(_ text: [UInt8], namesEmpty: Bool) {
    self.namesEmpty = namesEmpty
    var rest = text[...]
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "%"): guard readField(&rest) else { return nil }
      case UInt8(ascii: "@"):
        guard let letter = rest.popFirst(), letter != 0 else { return nil }
        pieces.append(letter == UInt8(ascii: "@") ? .literal(letter) : .time(letter))
      case UInt8(ascii: "\\"):
        guard let letter = rest.popFirst(), let plain = Self.escaped(letter) else { return nil }
        pieces.append(.literal(plain))
      default: pieces.append(.literal(byte))
      }
    }
  }

  private static func escaped(_ letter: UInt8) -> UInt8? {
    switch letter {
    case UInt8(ascii: "\\"): letter
    case UInt8(ascii: "0"): 0
    case UInt8(ascii: "a"): 7
    case UInt8(ascii: "e"): 27
    case UInt8(ascii: "n"): 10
    case UInt8(ascii: "r"): 13
    case UInt8(ascii: "t"): 9
    case UInt8(ascii: "v"): 11
    default: nil
    }
  }

  private mutating func readField(_ rest: inout ArraySlice<UInt8>) -> Bool {
    var style = Style()
    while let flag = rest.first, flag == UInt8(ascii: "0") || flag == UInt8(ascii: "-") {
      if flag == UInt8(ascii: "0") { style.padsWithZeros = true } else { style.isLeft = true }
      rest.removeFirst()
    }
    style.width = Self.number(&rest) ?? 0
    if rest.first == UInt8(ascii: ".") {
      rest.removeFirst()
      guard let longest = Self.number(&rest) else { return false }
      style.longest = longest
    }
    guard let letter = rest.popFirst(), style.width <= 10_000 else { return false }
    if letter == UInt8(ascii: "%") {
      pieces.append(.literal(letter))
      return true
    }
    guard "ACDEFIJPRSUXjlmpqrtx".utf8.contains(letter) else { return false }
    pieces.append(.field(letter, style))
    return true
  }

  private static func number(_ rest: inout ArraySlice<UInt8>) -> Int? {
    var number: Int?
    while let digit = rest.first, digit >= UInt8(ascii: "0"), digit <= UInt8(ascii: "9") {
      number = min(100_000, (number ?? 0) * 10 + Int(digit - UInt8(ascii: "0")))
      rest.removeFirst()
    }
    return number
  }

  // MARK: Printing

  /// Appends the message; false, and nothing is appended, when its payload is no JSON and the format
  /// wants that.
  func append(_ message: ReceivedMessage, to out: inout [UInt8]) -> Bool {
    let time = PrintedTime.now
    let start = out.count
    for piece in pieces {
      switch piece {
      case .literal(let byte): out.append(byte)
      case .time(let letter): out += time.text(of: letter)
      case .field(let letter, let style):
        guard let text = text(of: letter, message, time) else {
          out.removeSubrange(start...)
          return false
        }
        Self.append(text, style, isNumber: "AEFlmS".utf8.contains(letter), to: &out)
      }
    }
    return true
  }

  private static func append(
    _ text: [UInt8], _ style: Style, isNumber: Bool, to out: inout [UInt8]
  ) {
    let text = text.prefix(style.longest)
    let pad = max(0, style.width - text.count)
    let zeros = style.padsWithZeros && isNumber && !style.isLeft && !text.isEmpty
    let padding = repeatElement(UInt8(ascii: zeros ? "0" : " "), count: pad)
    if style.isLeft { out += text + padding } else { out += padding + text }
  }

  private func text(
    of letter: UInt8, _ message: ReceivedMessage, _ time: PrintedTime
  ) -> [UInt8]? {
    switch letter {
    case UInt8(ascii: "t"): message.topic
    case UInt8(ascii: "p"):
      message.payload.isEmpty && namesEmpty ? Array("(null)".utf8) : message.payload
    case UInt8(ascii: "l"): Array(String(message.payload.count).utf8)
    case UInt8(ascii: "x"): Self.hex(message.payload, "0123456789abcdef")
    case UInt8(ascii: "X"): Self.hex(message.payload, "0123456789ABCDEF")
    case UInt8(ascii: "q"): Array(String(message.qos.rawValue).utf8)
    case UInt8(ascii: "r"): [UInt8(ascii: message.retain ? "1" : "0")]
    case UInt8(ascii: "m"): Array(String(message.packetID).utf8)
    case UInt8(ascii: "I"): time.iso
    case UInt8(ascii: "U"): time.unix
    case UInt8(ascii: "j"): message.json(at: time, quotesPayload: true)
    case UInt8(ascii: "J"): message.json(at: time, quotesPayload: false)
    default: Self.property(letter, message)
    }
  }

  private static func hex(_ bytes: [UInt8], _ digits: StaticString) -> [UInt8] {
    let digits = Array("\(digits)".utf8)
    return bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }
  }

  private static func property(_ letter: UInt8, _ message: ReceivedMessage) -> [UInt8] {
    let wanted: V5.PropertyID =
      switch letter {
      case UInt8(ascii: "A"): .topicAlias
      case UInt8(ascii: "C"): .contentType
      case UInt8(ascii: "D"): .correlationData
      case UInt8(ascii: "E"): .messageExpiryInterval
      case UInt8(ascii: "F"): .payloadFormatIndicator
      case UInt8(ascii: "R"): .responseTopic
      case UInt8(ascii: "S"): .subscriptionIdentifier
      default: .userProperty
      }
    var found: [[UInt8]] = []
    message.forEachProperty { id, number, name, text in
      guard id == wanted else { return }
      switch id.form {
      case .byte, .twoBytes, .fourBytes, .variable: found.append(Array(String(number).utf8))
      case .pair: found.append(name + [UInt8(ascii: ":")] + text)
      case .text, .topicName, .binary: found.append(text)
      }
    }
    return Array(found.joined(separator: [UInt8(ascii: " ")]))
  }
}

/// One reading of the wall clock, as people write it, in the zone that TZ or the system names.
@safe struct PrintedTime {
  private let nanoseconds: Int64
  private let local: tm

  static var now: PrintedTime { PrintedTime(nanoseconds: clinux_realtime()) }

  init(nanoseconds: Int64) {
    self.nanoseconds = nanoseconds
    var seconds = time_t(nanoseconds / 1_000_000_000)
    // Sound: the call reads one and writes the other, whose name of the zone is static.
    var local = unsafe tm()
    unsafe localtime_r(&seconds, &local)
    unsafe self.local = local
  }

  /// What strftime makes of %letter; N is for the nanoseconds.
  func text(of letter: UInt8) -> [UInt8] {
    if letter == UInt8(ascii: "N") { return digits(nanoseconds % 1_000_000_000, 9) }
    return format([UInt8(ascii: "%"), letter])
  }

  /// "2016-08-10T09:47:38+0100"
  var iso: [UInt8] { format(Array("%Y-%m-%dT%H:%M:%S%z".utf8)) }

  /// The same with microseconds, as in the JSON.
  var precise: [UInt8] {
    format(Array("%Y-%m-%dT%H:%M:%S.".utf8)) + digits(nanoseconds % 1_000_000_000 / 1_000, 6)
      + format(Array("%z".utf8))
  }

  /// "1470818943.786368637"
  var unix: [UInt8] {
    Array("\(nanoseconds / 1_000_000_000).".utf8) + digits(nanoseconds % 1_000_000_000, 9)
  }

  private func digits(_ number: Int64, _ width: Int) -> [UInt8] {
    let text = Array(String(number).utf8)
    return Array(repeating: UInt8(ascii: "0"), count: max(0, width - text.count)) + text
  }

  private func format(_ text: [UInt8]) -> [UInt8] {
    let pattern = text.map { CChar(bitPattern: $0) } + [0]
    var buffer = [CChar](repeating: 0, count: 256)
    var time = unsafe local
    // Sound: the pattern ends with a NUL, and no more than the buffer holds is written.
    let count = unsafe strftime(&buffer, buffer.count, pattern, &time)
    return buffer.prefix(count).map { UInt8(bitPattern: $0) }
  }
}
