import Core
import JSON
import Testing

/// One of everything that a text may hold, so that every cut falls somewhere new.
private let whole =
  #"{"a\u00e9\ud83d\ude00\n":[0,-1.25e+10,1E-3,true,false,null,"ü€😀"],"":{"b":[]}} "#

@Test func everyTruncationEndsEarly() {
  let bytes = Array(whole.utf8)
  #expect(fault(bytes) == "none")
  // The last byte is white space, and the text is whole without it.
  #expect(fault(Array(bytes.dropLast())) == "none")
  for length in 0..<bytes.count - 1 {
    let text = fault(Array(bytes.prefix(length)))
    #expect(text.hasPrefix("endsEarly@"), "\(length): \(text)")
    let offset = Int(text.dropFirst("endsEarly@".count)) ?? -1
    #expect(offset >= 0 && offset <= length, "\(length): \(text)")
  }
}

@Test func aNumberAloneIsTruncatedOnlyWithinItsSyntax() {
  for text in ["-", "1.", "1e", "1e+", "-0.", "2E-"] {
    #expect(fault(text) == "endsEarly@\(text.utf8.count)")
  }
}

@Test func anyByteMayBeChangedWithoutHarm() {
  var chance = Generator(seed: 1)
  let good = Array(whole.utf8)
  var refused = 0
  for _ in 0..<20_000 {
    var bytes = good
    for _ in 0...chance.next(below: 3) {
      let place = Int(chance.next(below: UInt64(bytes.count)))
      bytes[place] = UInt8(truncatingIfNeeded: chance.next())
    }
    let text = fault(bytes)
    if text == "none" { continue }
    refused += 1
    let offset = text.split(separator: "@").last.flatMap { Int($0) } ?? -1
    #expect(offset >= 0 && offset <= bytes.count, "\(bytes): \(text)")
  }
  #expect(refused > 10_000)
}

@Test func anyPieceMayBeLeftOutOrDoubledWithoutHarm() {
  var chance = Generator(seed: 2)
  let good = Array(whole.utf8)
  var refused = 0
  for _ in 0..<20_000 {
    let start = Int(chance.next(below: UInt64(good.count)))
    let end = min(good.count, start + 1 + Int(chance.next(below: 6)))
    var text = Array(good[..<start])
    if chance.next() & 1 == 0 { text += good[start..<end] + good[start..<end] }
    text += good[end...]
    if fault(text) != "none" { refused += 1 }
  }
  #expect(refused > 10_000)
}

@Test func positionsAreLinesAndCharactersFromOne() {
  let text = Array("a\nä€😀x\r\n\n".utf8)
  func position(_ offset: Int) -> [Int] {
    let position = JSONPosition(of: offset, in: text.span)
    return [position.line, position.column]
  }
  #expect(position(0) == [1, 1])
  #expect(position(1) == [1, 2])
  #expect(position(2) == [2, 1])
  #expect(position(4) == [2, 2])
  #expect(position(7) == [2, 3])
  #expect(position(11) == [2, 4])
  #expect(position(12) == [2, 5])
  #expect(position(14) == [3, 1])
  #expect(position(15) == [4, 1])
  #expect(position(1000) == [4, 1])
}
