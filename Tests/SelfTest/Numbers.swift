import Core
import JSON
import TestSupport

/// Numbers of 64 bits and floating point, which a small processor puts together from its own.
extension Facts {
  mutating func aboutNumbers() {
    aboutChecks()
    aboutChance()
    aboutByteOrder()
    aboutReadNumbers()
    aboutWrittenNumbers()
    aboutTimes()
  }

  /// RFC 3720 appendix B.4.
  private mutating func aboutChecks() {
    for (bytes, check) in [
      (Array(repeating: 0, count: 32), 0x8A91_36AA),
      (Array(repeating: 0xFF, count: 32), 0x62A8_AB43),
      (Array(0..<32), 0x46DD_794E), (utf8("123456789"), 0xE306_9283),
    ] as [([UInt8], UInt32)] {
      for shift in 0..<8 {
        let shifted = [UInt8](repeating: 0x5A, count: shift) + bytes
        var sum = CRC32C()
        sum.add(shifted.span.extracting(shift..<shifted.count))
        expect(sum.value == check, "CRC of \(bytes.count) bytes, \(shift) from an even place")
      }
    }
  }

  /// Sebastiano Vigna, splitmix64.c, run with this seed.
  private mutating func aboutChance() {
    var chance = Generator(seed: 1_234_567)
    for number in [6_457_827_717_110_365_317, 3_203_168_211_198_807_973, 9_817_491_932_198_370_423]
      as [UInt64]
    {
      expect(chance.next() == number, "the generator's \(number)")
    }
    expect(chance.unit() == 0x1.fdf7ba0748bbcp-3, "a number from 0 to 1")
  }

  /// Big ends first on the wire, little ones on flash, whatever the processor has.
  private mutating func aboutByteOrder() {
    let bytes = TestSupport.written { out in
      out.append(bigEndian: 0x0102 as UInt16)
      out.append(bigEndian: 0x0304_0506 as UInt32)
      out.append(littleEndian: 0x0E0D_0C0B_0A09_0807, bytes: 8)
    }
    expect(bytes == Array(1...14), "numbers as bytes")
    for shift in 0..<8 {
      let shifted = [UInt8](repeating: 0, count: shift) + bytes
      expect(
        shifted.span.littleEndian(at: shift + 6, bytes: 8) == 0x0E0D_0C0B_0A09_0807,
        "eight bytes at \(shift) as a number")
    }
  }

  private func number(_ text: String) -> JSONNumber? {
    var reader = JSONReader()
    guard case .number(let number)? = try? reader.next(in: utf8(text).span) else { return nil }
    return number
  }

  private mutating func aboutReadNumbers() {
    for (text, value) in [
      ("0.1", 0.1), ("9007199254740993", 9_007_199_254_740_992),
      ("1.7976931348623158e308", 0x1.fffffffffffffp1023), ("2.2250738585072014e-308", 0x1p-1022),
      ("4.9e-324", 0x1p-1074), ("-21.45", -21.45), ("1e23", 1e23),
    ] as [(String, Double)] {
      expect(number(text)?.value == value, "\(text) read")
    }
    for (text, whole) in [
      ("9223372036854775807", .max), ("-9223372036854775808", .min), ("70e-1", 7),
      ("92233720368547758070e-1", .max),
    ] as [(String, Int64)] {
      expect(number(text)?.whole == whole, "\(text) read as a whole number")
    }
  }

  private mutating func aboutWrittenNumbers() {
    for (value, decimals, text) in [
      (21.4, 1, "21.4"), (1.005, 2, "1"), (-0.125, 2, "-0.13"), (123_456.789, 2, "123456.79"),
      (9_007_199_254_740_991, 9, "9007199254740991"), (1.0 / 3, 9, "0.333333333"),
      (0x1.fffffffffffffp1023, 3, "1.7976931348623157e308"),
    ] as [(Double, Int, String)] {
      expect(
        TestSupport.written { $0.append(fixed: value, decimals: decimals) } == utf8(text),
        "\(text) written")
    }
    for (value, text) in [(.min, "-9223372036854775808"), (.max, "9223372036854775807")]
      as [(Int64, String)]
    {
      expect(TestSupport.written { $0.append(decimal: value) } == utf8(text), "\(text) written")
    }
  }

  /// Beyond 2038 as well, where a number of 32 bits ends.
  private mutating func aboutTimes() {
    for (text, milliseconds) in [
      ("1969-12-31T23:59:59.999Z", -1), ("2026-11-23T04:50:00.123Z", 1_795_409_400_123),
      ("2106-02-07T06:28:16.000Z", 4_294_967_296_000),
    ] as [(String, Int64)] {
      let time = WallTime(milliseconds: milliseconds)
      expect(TestSupport.written { $0.append(timestamp: time) } == utf8(text), "\(text) written")
      expect(WallTime(parsing: utf8(text).span) == time, "\(text) read")
    }
    expect(Interval(parsing: utf8("36525d").span) == .seconds(36_525 * 86_400), "a century")
    let late = Instant.boot + .seconds(3_000_000_000) + .nanoseconds(7)
    expect((late - .boot).milliseconds == 3_000_000_000_000, "95 years of uptime")
    expect((late - .boot) / 1_000 == .nanoseconds(3_000_000_000_000_000), "a part of them")
  }
}
