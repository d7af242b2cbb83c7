import Core
import TestSupport
import Testing

@Suite struct CRC32CTests {
  // RFC 3720 appendix B.4.
  @Test func theStandardsExamplesHaveTheirChecks() {
    #expect(check(Array(repeating: 0, count: 32)) == 0x8A91_36AA)
    #expect(check(Array(repeating: 0xFF, count: 32)) == 0x62A8_AB43)
    #expect(check((0..<32).map { $0 }) == 0x46DD_794E)
    #expect(check((0..<32).reversed().map { $0 }) == 0x113F_DB5C)
    #expect(check(utf8("123456789")) == 0xE306_9283)
  }

  @Test func bytesCountTheSameOneByOneAndAtOnceAtAnyLength() {
    var chance = Generator(seed: 3)
    for length in 0..<70 {
      let bytes = (0..<length).map { _ in UInt8(truncatingIfNeeded: chance.next()) }
      var single = CRC32C()
      for byte in bytes { single.add(byte) }
      #expect(check(bytes) == single.value)
      let cut = length / 3
      var twice = CRC32C()
      twice.add(bytes.span.extracting(0..<cut))
      twice.add(bytes.span.extracting(cut..<length))
      #expect(twice.value == single.value)
    }
  }

  @Test func aNumberCountsAsItsBytes() {
    var whole = CRC32C()
    whole.add(UInt64(0x0807_0605_0403_0201))
    #expect(whole.value == check([1, 2, 3, 4, 5, 6, 7, 8]))
  }

  @Test func theNumberInFrontOfBytesFollowsFromTheirCheck() {
    var chance = Generator(seed: 8)
    for length in [0, 1, 7, 60] {
      let id = chance.next()
      let rest = (0..<length).map { _ in UInt8(truncatingIfNeeded: chance.next()) }
      var crc = CRC32C()
      crc.add(id)
      crc.add(rest.span)
      let found = CRC32C.number(before: rest.span, checkedBy: crc.value)
      for other in [[], [1, 2, 3], rest] as [[UInt8]] {
        var (one, two) = (CRC32C(), CRC32C())
        one.add(id)
        one.add(other.span)
        two.add(found)
        two.add(other.span)
        #expect(one.value == two.value)
      }
    }
  }

  private func check(_ bytes: [UInt8]) -> UInt32 {
    var crc = CRC32C()
    crc.add(bytes.span)
    return crc.value
  }
}
