import Core
import TestSupport
import Testing

@Suite struct BytesTests {
  @Test(
    arguments: [
      (0, "0"), (7, "7"), (10, "10"), (-1, "-1"), (99, "99"), (100, "100"), (-1000, "-1000"),
      (.max, "9223372036854775807"), (.min, "-9223372036854775808"),
    ] as [(Int64, String)])
  func decimalIsThatOfSwift(value: Int64, expected: String) {
    #expect(written { $0.append(decimal: value) } == utf8(expected))
    #expect(expected == "\(value)")
  }

  @Test func eachPowerOfTenHasItsDigits() {
    var power: UInt64 = 1
    for digits in 1...19 {
      for value in [power - 1, power, power + 1] {
        #expect(written { $0.append(digits: value, width: 1) } == utf8("\(value)"))
      }
      #expect(written { $0.append(digits: power, width: 1) }.count == digits)
      if digits < 19 { power *= 10 }
    }
    #expect(written { $0.append(digits: .max, width: 20) } == utf8("18446744073709551615"))
  }

  @Test(
    arguments: [
      (0, 0, "0"), (0, 1, "0"), (0, 4, "0000"), (7, 3, "007"), (123, 2, "123"), (999, 4, "0999"),
    ] as [(UInt64, Int, String)])
  func digitsAreFilledUpWithZeros(value: UInt64, width: Int, expected: String) {
    #expect(written { $0.append(digits: value, width: width) } == utf8(expected))
  }

  @Test func mostSignificantByteComesFirst() {
    #expect(written { $0.append(bigEndian: 0x1234 as UInt16) } == [0x12, 0x34])
    #expect(written { $0.append(bigEndian: 0x00FF as UInt16) } == [0x00, 0xFF])
    #expect(written { $0.append(bigEndian: 0xDEAD_BEEF as UInt32) } == [0xDE, 0xAD, 0xBE, 0xEF])
  }

  @Test func littleEndianReadsBack() {
    let value: UInt64 = 0x0123_4567_89AB_CDEF
    #expect(written { $0.append(littleEndian: value, bytes: 3) } == [0xEF, 0xCD, 0xAB])
    for count in 1...8 {
      let bytes = [0xFF] + written { $0.append(littleEndian: value, bytes: count) } + [0xFF]
      let mask = count == 8 ? .max : (UInt64(1) << (8 * count)) - 1
      #expect(bytes.span.littleEndian(at: 1, bytes: count) == value & mask)
    }
  }

  @Test func literalsAndSpansAreAppended() {
    let source = utf8("gpio")
    let bytes = written { out in
      out.append(literal: "/dev/")
      out.append(contentsOf: source.span)
      out.append(literal: "chip0 ä")
      out.append(literal: "")
    }
    #expect(bytes == utf8("/dev/gpiochip0 ä"))
  }

  @Test func equalityIsThatOfBytes() {
    func equals(_ a: String, _ b: String) -> Bool { utf8(a).span.equals(utf8(b).span) }
    #expect(equals("", "") && equals("on", "on"))
    #expect(!equals("on", "On") && !equals("on", "o") && !equals("o", "on"))
    func isOn(_ text: String) -> Bool { utf8(text).span.equals("on") }
    #expect(isOn("on"))
    for other in ["", "o", "ON", "onn", "no"] { #expect(!isOn(other)) }
  }

  @Test func onlyLettersHaveACase() {
    func isOn(_ text: String) -> Bool { utf8(text).span.equalsIgnoringCase("on-1") }
    for text in ["on-1", "ON-1", "On-1", "oN-1"] { #expect(isOn(text)) }
    // These differ from "on-1" in the bit that tells upper from lower case.
    for text in ["on\r1", "on-\u{11}", "/n-1", "on-", "on-11"] { #expect(!isOn(text)) }
    func matches(_ byte: UInt8) -> Bool { [byte].span.equalsIgnoringCase("[") }
    #expect((0...255 as ClosedRange<UInt8>).filter(matches) == [UInt8(ascii: "[")])
    let isLetter = (0...255 as ClosedRange<UInt8>).filter { [$0].span.equalsIgnoringCase("z") }
    #expect(isLetter == [UInt8(ascii: "Z"), UInt8(ascii: "z")])
  }

  /// Fowler, Noll, Vo: test vectors of FNV-1a, 64 bits (draft-eastlake-fnv, appendix C).
  @Test(
    arguments: [
      ("", 0xCBF2_9CE4_8422_2325), ("a", 0xAF63_DC4C_8601_EC8C), ("b", 0xAF63_DF4C_8601_F1A5),
      ("foobar", 0x8594_4171_F739_67E8),
    ] as [(String, UInt64)])
  func fnv1aIsThatOfItsAuthors(text: String, hash: UInt64) {
    #expect(utf8(text).span.fnv1a == hash)
  }

  /// One byte that does not belong at each place of each length, from each start.
  @Test func plainPrefixEndsBeforeTheFirstByteThatIsNot() {
    for count in 0...26 {
      var bytes = [UInt8](repeating: 0x7F, count: count)
      for start in 0...count {
        #expect(bytes.span.plainPrefix(from: start, without: 0x2B, 0x23) == whole(count - start))
      }
      for place in 0..<count {
        for odd in [0x00, 0x2B, 0x23, 0x80, 0xFF] as [UInt8] {
          bytes[place] = odd
          let plain = bytes.span.plainPrefix(from: 0, without: 0x2B, 0x23)
          #expect(plain <= place && plain % 8 == 0)
          #expect(place < 8 || plain >= min(place, count - 8) / 8 * 8)
        }
        // What differs in another bit from either is neither.
        for even in [0x01, 0x2A, 0x22, 0x03, 0x6B, 0x63, 0x7E] as [UInt8] {
          bytes[place] = even
          #expect(bytes.span.plainPrefix(from: 0, without: 0x2B, 0x23) == whole(count))
        }
        bytes[place] = 0x7F
      }
    }
  }

  /// So many plain bytes, if they are enough for one word.
  private func whole(_ count: Int) -> Int { count < 8 ? 0 : count }
}
