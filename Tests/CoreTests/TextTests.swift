import Core
import TestSupport
import Testing

@Suite struct TextTests {
  @Test func poolIsACopy() {
    var arena = testArena(bytes: 1024)
    var bytes = utf8("sandpiper greenhouse")
    let pool = TextPool(copying: bytes.span, arena: &arena)
    bytes[0] = 0
    func lookUp(_ offset: UInt32, _ count: UInt32) -> String {
      pool.withBytes(of: Text(offset: offset, count: count)) { text($0) }
    }
    #expect(lookUp(0, 9) == "sandpiper" && lookUp(10, 10) == "greenhouse")
    #expect(lookUp(20, 0) == "" && pool.withBytes(of: .empty) { $0.isEmpty })
  }

  @Test func measuredPoolTakesItsBytesOnly() {
    var arena = Arena()
    let bytes = utf8("sandpiper")
    _ = TextPool(copying: bytes.span, arena: &arena)
    let used = arena.used
    #expect(used == 16)
  }

  @Test func textWithoutBytesIsEmpty() {
    #expect(Text.empty.isEmpty && Text(offset: 9, count: 0).isEmpty)
    #expect(!Text(offset: 0, count: 1).isEmpty)
    #expect(Text(offset: 1, count: 2) == Text(offset: 1, count: 2))
    #expect(Text(offset: 1, count: 2) != Text(offset: 2, count: 2))
  }

  @Test(arguments: [0, 1, 63, 64, 65, 200])
  func shortTextKeepsWhatFits(count: Int) {
    let bytes = (0..<count).map { UInt8($0) }
    let short = ShortText(bytes.span)
    #expect(short.count == min(count, ShortText.capacity))
    #expect(short.withBytes { array($0) } == Array(bytes.prefix(64)))
    #expect(written { short.write(into: &$0) } == Array(bytes.prefix(64)))
  }

  @Test func shortTextIsFilledInPlace() {
    var room = 0
    let short = ShortText { out in
      room = out.freeCapacity
      out.append(literal: "pump")
    }
    #expect(room == ShortText.capacity)
    #expect(short.withBytes { text($0) } == "pump")
    #expect(ShortText { _ in }.count == 0 && ShortText().count == 0)
  }

  @Test func shortTextIsCutBeforeTheFirstThatEndsIt() {
    let bytes = utf8("name\nmore\n")
    var short = ShortText(bytes.span)
    short.cut { $0 == UInt8(ascii: "\n") }
    #expect(short.withBytes { text($0) } == "name")
    short.cut { $0 == UInt8(ascii: "\n") }
    #expect(short.count == 4, "nothing ends it")
    short.cut { _ in true }
    #expect(short.count == 0)
  }

  @Test func copiesAreApart() {
    let bytes = utf8("name")
    let whole = ShortText(bytes.span)
    var cut = whole
    cut.cut { $0 == UInt8(ascii: "m") }
    #expect(cut.count == 2 && whole.count == 4)
  }
}
