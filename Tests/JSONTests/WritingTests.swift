import Core
import JSON
import Testing

private func fixed(_ value: Double, _ decimals: Int) -> String {
  written { out in out.append(fixed: value, decimals: decimals) }
}

private func jsonString(_ bytes: [UInt8]) -> String {
  written(capacity: bytes.count * 6 + 2) { out in out.append(jsonString: bytes.span) }
}

@Test(
  arguments: [
    (21.4, 1, "21.4"), (21.0, 3, "21"), (-0.5, 2, "-0.5"), (7, 0, "7"), (0, 9, "0"), (-0.0, 2, "0"),
    (0.05, 1, "0.1"), (-0.04, 1, "0"), (-0.05, 1, "-0.1"), (1.005, 2, "1"), (1.015, 2, "1.01"),
    (0.125, 2, "0.13"), (-0.125, 2, "-0.13"), (2.5, 0, "3"), (0.5, 0, "1"), (0.499999, 0, "0"),
    (99.995, 2, "100"), (9.9999, 3, "10"), (0.000_000_001, 9, "0.000000001"),
    (0.000_000_000_4, 9, "0"), (123_456.789, 2, "123456.79"), (1e15, 3, "1000000000000000"),
    (9_007_199_254_740_991, 9, "9007199254740991"), (0.1, 9, "0.1"), (1.0 / 3, 9, "0.333333333"),
    (5e-324, 9, "0"), (20.10, 2, "20.1"),
  ] as [(Double, Int, String)])
func numbersAreRoundedToPlacesWithoutNeedlessZeros(
  value: Double, decimals: Int, expected: String
) {
  #expect(fixed(value, decimals) == expected)
}

@Test(
  arguments: [
    (0x1p63, "9.223372036854776e18"), (-0x1p63, "-9.223372036854776e18"), (1e300, "1e300"),
    (1.5e19, "1.5e19"), (0x1.fffffffffffffp1023, "1.7976931348623157e308"), (1e23, "1e23"),
    (9_223_372_036_854_774_784, "9223372036854774784"),
  ] as [(Double, String)])
func numbersFrom2To63OnHaveAnExponent(value: Double, expected: String) {
  #expect(fixed(value, 3) == expected)
}

@Test func whatIsNoNumberIsNull() {
  for value in [Double.infinity, -.infinity, .nan] { #expect(fixed(value, 2) == "null") }
}

@Test func decimalsBeyondTheRangeAreCutToIt() {
  #expect(fixed(1.25, -3) == "1")
  #expect(fixed(1.0 / 3, 40) == "0.333333333")
}

@Test func roundedNumbersAreWithinHalfAPlace() {
  var chance = Generator(seed: 6)
  let powers = [1, 10, 100, 1e3, 1e4, 1e5, 1e6, 1e7, 1e8, 1e9]
  for _ in 0..<20_000 {
    let scale = powers[Int(chance.next(below: 10))]
    let value = (chance.unit() - 0.5) * scale
    let decimals = Int(chance.next(below: 10))
    let text = fixed(value, decimals)
    let back = number(text)?.value ?? .nan
    let tolerance = 0.5 / powers[decimals] + abs(value) * 0x1p-52
    #expect(abs(back - value) <= tolerance, "\(value) to \(decimals): \(text)")
    let places = text.split(separator: ".").dropFirst().first ?? ""
    #expect(places.utf8.count <= decimals && !places.hasSuffix("0"), "\(text)")
  }
}

@Test func everyLargeNumberComesBackFromAtMost32Bytes() {
  var chance = Generator(seed: 7)
  for _ in 0..<3000 {
    let exponent = 1023 + 63 + chance.next(below: 1024 - 63)
    let bits = exponent << 52 | chance.next() >> 12 | (chance.next() & 1) << 63
    let value = Double(bitPattern: bits)
    let text = fixed(value, 3)
    #expect(number(text)?.value == value, "\(text)")
    #expect(text.utf8.count <= 32)
  }
}

@Test func stringsAreEscapedWhereTheyMustBe() {
  #expect(jsonString([]) == "\"\"")
  #expect(jsonString(Array("a\"b\\c/d".utf8)) == #""a\"b\\c/d""#)
  #expect(
    jsonString(Array("\n\r\t\u{8}\0\u{1F}\u{7F}".utf8)) == #""\n\r\t\u0008\u0000\u001f\u007f""#)
  #expect(jsonString(Array("ä€😀".utf8)) == "\"ä€😀\"")
}

@Test func bytesThatAreNotUTF8AreReplaced() {
  #expect(jsonString([0x61, 0xFF, 0x62]) == "\"a\u{FFFD}b\"")
  #expect(jsonString([0xC3]) == "\"\u{FFFD}\"")
  #expect(jsonString([0xE2, 0x82]) == "\"\u{FFFD}\u{FFFD}\"")
  #expect(jsonString([0xED, 0xA0, 0x80, 0x21]) == "\"\u{FFFD}\u{FFFD}\u{FFFD}!\"")
}

@Test func anyBytesBecomeAStringThatTheReaderTakes() {
  var chance = Generator(seed: 8)
  for _ in 0..<2000 {
    let bytes = (0..<chance.next(below: 40)).map { _ in UInt8(truncatingIfNeeded: chance.next()) }
    let text = jsonString(bytes)
    #expect(fault(text) == "none")
    #expect(text.utf8.count <= bytes.count * 6 + 2)
  }
}

@Test func wholeAndHexadecimalNumbersAreWritten() {
  #expect(written { $0.append(decimal: .min) } == "-9223372036854775808")
  #expect(written { $0.append(decimal: .max) } == "9223372036854775807")
  #expect(written { $0.append(decimal: 0) } == "0")
  #expect(written { $0.append(hex: 0) } == "0000000000000000")
  #expect(written { $0.append(hex: 0x0123_4567_89AB_CDEF) } == "0123456789abcdef")
  #expect(written { $0.append(hex: .max) } == "ffffffffffffffff")
}
