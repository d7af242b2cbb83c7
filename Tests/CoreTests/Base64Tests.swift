import Core
import Testing

/// RFC 4648.
@Suite struct Base64Tests {
  /// What a text stands for; nil when it is not base64, or more than `room` bytes.
  private func decoded(_ text: String, room: Int = 64) -> String? {
    let characters = Array(text.utf8)
    var isGood = false
    let bytes = [UInt8](capacity: room) { out in
      isGood = out.append(decodingBase64: characters.span)
    }
    return isGood ? String(decoding: bytes, as: UTF8.self) : nil
  }

  private func encoded(_ text: String) -> String {
    let source = Array(text.utf8)
    let bytes = [UInt8](capacity: 64) { out in out.append(base64: source.span) }
    return String(decoding: bytes, as: UTF8.self)
  }

  /// Section 10.
  @Test(arguments: [
    ("", ""), ("f", "Zg=="), ("fo", "Zm8="), ("foo", "Zm9v"), ("foob", "Zm9vYg=="),
    ("fooba", "Zm9vYmE="), ("foobar", "Zm9vYmFy"),
  ])
  func theVectorsOfTheStandardGoBothWays(plain: String, text: String) {
    #expect(encoded(plain) == text)
    #expect(decoded(text) == plain)
  }

  @Test(arguments: [
    "Zg", "Zg=", "Z===", "====", "Zh==", "Zm9=", "Zm8=Zm8=", "Zm 8", "Zm9v\n", "Zm-_", "=", "Zg=v",
  ])
  func whatIsNotTheOneFormIsRefused(text: String) {
    #expect(decoded(text) == nil)
  }

  @Test func allSextetsHaveACharacterOfTheirOwn() {
    let sextets = (0..<64 as Range<UInt32>).map { $0 }
    var bytes: [UInt8] = []
    for place in stride(from: 0, to: 64, by: 4) {
      let bits = sextets[place..<place + 4].reduce(0) { $0 << 6 | $1 }
      bytes += [16, 8, 0].map { UInt8(truncatingIfNeeded: bits >> $0) }
    }
    let text = [UInt8](capacity: 64) { out in out.append(base64: bytes.span) }
    #expect(Set(text).count == 64)
    var isGood = false
    #expect([UInt8](capacity: 48) { isGood = $0.append(decodingBase64: text.span) } == bytes)
    #expect(isGood)
    let known = (0...255 as ClosedRange<UInt8>).filter { character in
      let text = [character, 65, 65, 65]
      _ = [UInt8](capacity: 3) { isGood = $0.append(decodingBase64: text.span) }
      return isGood
    }
    #expect(Set(known) == Set(text))
  }

  @Test func whatDoesNotFitIsRefused() {
    #expect(decoded("Zm9vYmFy", room: 6) == "foobar")
    #expect(decoded("Zm9vYmFy", room: 5) == nil)
  }
}
