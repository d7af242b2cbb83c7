import Testing

@Suite struct TextTests {
  /// Against Swift's own validation, for every sequence of up to two bytes and the borders of three
  /// and four.
  @Test func agreesWithTheStandardLibrary() {
    var sequences: [[UInt8]] = []
    for a in 0...255 as ClosedRange<UInt8> {
      sequences.append([a])
      for b in 0...255 as ClosedRange<UInt8> { sequences.append([a, b]) }
    }
    let borders: [UInt8] = [
      0x00, 0x41, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC2, 0xDF, 0xE0, 0xEC, 0xED,
      0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF,
    ]
    for a in borders {
      for b in borders {
        for c in [0x7F, 0x80, 0xBF, 0xC0] as [UInt8] {
          sequences.append([a, b, c])
          for d in [0x7F, 0x80, 0xBF, 0xC0] as [UInt8] { sequences.append([a, b, c, d]) }
        }
      }
    }
    let wrong = sequences.filter { bytes in
      let expected = String(validating: bytes, as: UTF8.self) != nil && !bytes.contains(0)
      return isText(bytes) != expected
    }
    #expect(wrong.isEmpty)
  }

  @Test func byteOrderMarkIsACharacter() {
    #expect(isText([0xEF, 0xBB, 0xBF]))
  }

  @Test func emptyTextIsValid() {
    #expect(isText([]))
  }
}
