import Core

/// A number in a JSON text.
public struct JSONNumber: BitwiseCopyable, Sendable {
  /// The nearest Double, ties to even.
  public let value: Double
  /// The number itself when it is whole, however it is written (`7`, `7.0`, `70e-1`), and an Int64
  /// holds it.
  public let whole: Int64?

  /// Reads the number that begins at `offset` (RFC 8259, section 6), and leaves `offset` behind it.
  init(_ text: Span<UInt8>, _ offset: inout Int) throws(JSONError) {
    let start = offset
    let isNegative = text[offset] == UInt8(ascii: "-")
    if isNegative { offset += 1 }
    var decimal = Decimal(from: offset)
    while offset < text.count, text[offset].isDigit {
      decimal.take(text[offset])
      offset += 1
    }
    try Self.demandDigits(text, behind: decimal.start, upTo: offset)
    if text[decimal.start] == UInt8(ascii: "0") && offset > decimal.start + 1 {
      throw JSONError(.malformedNumber, at: start)
    }
    if offset < text.count, text[offset] == UInt8(ascii: ".") {
      offset += 1
      let point = offset
      while offset < text.count, text[offset].isDigit {
        decimal.take(fraction: text[offset])
        offset += 1
      }
      try Self.demandDigits(text, behind: point, upTo: offset)
    }
    decimal.end = offset
    if offset < text.count, text[offset] | 0x20 == UInt8(ascii: "e") {
      offset += 1
      decimal.exponent += try Self.exponent(text, &offset)
    }
    guard let magnitude = decimal.magnitude(in: text) else {
      throw JSONError(.numberTooLarge, at: start)
    }
    value = isNegative ? -magnitude : magnitude
    whole = decimal.whole(isNegative: isNegative)
  }

  private static func exponent(
    _ text: Span<UInt8>, _ offset: inout Int
  ) throws(JSONError) -> Int {
    var isNegative = false
    if offset < text.count,
      text[offset] == UInt8(ascii: "+") || text[offset] == UInt8(ascii: "-")
    {
      isNegative = text[offset] == UInt8(ascii: "-")
      offset += 1
    }
    let start = offset
    var exponent = 0
    while offset < text.count, text[offset].isDigit {
      // Stays below any exponent that the digits of a text could make good.
      exponent = min(exponent * 10 + Int(text[offset] - UInt8(ascii: "0")), 100_000_000)
      offset += 1
    }
    try demandDigits(text, behind: start, upTo: offset)
    return isNegative ? -exponent : exponent
  }

  private static func demandDigits(
    _ text: Span<UInt8>, behind start: Int, upTo end: Int
  ) throws(JSONError) {
    guard start == end else { return }
    throw JSONError(start == text.count ? .endsEarly : .malformedNumber, at: start)
  }
}

extension Double {
  /// The number that `text` is to its last byte, written as JSON has it; nil when it is none.
  public init?(parsing text: Span<UInt8>) {
    guard text.count > 0, text[0] == UInt8(ascii: "-") || text[0].isDigit else { return nil }
    var offset = 0
    do throws(JSONError) {
      let number = try JSONNumber(text, &offset)
      guard offset == text.count else { return nil }
      self = number.value
    } catch {
      return nil
    }
  }
}
