import Core
import JSON
import Testing

/// A text and the words that `tokens` gives for it, made together from chance.
private struct Sample {
  var chance: Generator
  var text = ""
  var words: [String] = []

  mutating func space() {
    for _ in 0..<chance.next(below: 3) {
      text += [" ", "\n", "\t", "\r"][Int(chance.next(below: 4))]
    }
  }

  mutating func value(depth: Int) {
    space()
    switch chance.next(below: depth > 0 ? 9 : 6) {
    case 0: word("true")
    case 1: word("false")
    case 2: word("null")
    case 3:
      let value = Int64(bitPattern: chance.next()) >> Int64(chance.next(below: 64))
      text += written { $0.append(decimal: value) }
      words.append("\(value)")
    case 4:
      let value = Double(Int64(chance.next(below: 2_000_000)) - 1_000_000) / 64 + 1.0 / 128
      text += written { $0.append(fixed: value, decimals: 9) }
      words.append("\(value)")
    case 5: words.append("'" + string() + "'")
    case 6, 7: container(depth: depth, isObject: false)
    default: container(depth: depth, isObject: true)
    }
    space()
  }

  private mutating func word(_ word: String) {
    text += word
    words.append(word)
  }

  private mutating func container(depth: Int, isObject: Bool) {
    word(isObject ? "{" : "[")
    for index in 0..<chance.next(below: 5) {
      if index > 0 { text += "," }
      if isObject {
        space()
        words.append(string() + ":")
        space()
        text += ":"
      }
      value(depth: depth - 1)
    }
    // White space alone between the brackets.
    space()
    word(isObject ? "}" : "]")
  }

  /// Writes a string of any characters, and returns it.
  private mutating func string() -> String {
    var string = ""
    for _ in 0..<chance.next(below: 12) {
      let bound: UInt64 = [0x20, 0x80, 0x800, 0x1_0000, 0x11_0000][Int(chance.next(below: 5))]
      string.unicodeScalars.append(
        Unicode.Scalar(UInt32(chance.next(below: bound))) ?? "\u{FFFD}")
    }
    let bytes = Array(string.utf8)
    if chance.next() & 1 == 0 {
      text += written { $0.append(jsonString: bytes.span) }
    } else {
      // Every character as an escape.
      text += "\""
      for unit in string.utf16 {
        let digits = String(unit, radix: 16, uppercase: chance.next() & 1 == 0)
        text += "\\u" + String(repeating: "0", count: 4 - digits.utf8.count) + digits
      }
      text += "\""
    }
    return string
  }
}

@Test func whatIsWrittenIsReadAgain() {
  for seed in UInt64(0)..<500 {
    var sample = Sample(chance: Generator(seed: seed))
    sample.value(depth: 6)
    #expect(tokens(sample.text) == sample.words.joined(separator: " "), "seed \(seed)")
  }
}

@Test func whatIsWrittenIsReadByNobodyWhenItIsCut() {
  for seed in UInt64(1000)..<1050 {
    var sample = Sample(chance: Generator(seed: seed))
    // An object around it, so that no number is whole when it is cut.
    sample.text = "{\"a\":"
    sample.value(depth: 4)
    sample.text += "}"
    let bytes = Array(sample.text.utf8)
    #expect(fault(bytes) == "none", "seed \(seed)")
    for length in 0..<bytes.count {
      #expect(fault(Array(bytes.prefix(length))).hasPrefix("endsEarly@"), "seed \(seed)")
    }
  }
}
