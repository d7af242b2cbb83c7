import Core
import TestSupport
import Testing

@Suite struct ArenaTests {
  /// An arena, and what a program asks of it. (Swift Testing's macros take copyable values only.)
  private final class Program {
    var arena: Arena
    /// Elements of all its tables.
    let elements: Int

    init(_ arena: consuming Arena) {
      let bytes = arena.table("bytes", count: 5, filledWith: UInt8(7))
      let numbers = arena.table("numbers", count: 3, filledWith: UInt64.max)
      let none = arena.table("none", count: 0, filledWith: UInt32(0))
      let queue = ByteQueue("queue", capacity: 100, arena: &arena)
      elements = bytes.count + numbers.count + none.count + queue.capacity
      self.arena = arena
    }

    var used: Int { arena.used }
    var isMeasuring: Bool { arena.isMeasuring }
    var rows: [String] {
      (0..<arena.rowCount).map { index in
        let row = arena.row(index)
        return "\(row.name) \(row.count) \(row.bytes)"
      }
    }
  }

  @Test func planAndConstructionAgree() {
    let plan = Program(Arena())
    #expect(plan.isMeasuring && plan.elements == 0, "while measuring tables are empty")
    let memory = UnsafeMutableRawBufferPointer.allocate(
      byteCount: plan.used, alignment: Arena.alignment)
    defer { memory.deallocate() }
    let built = Program(Arena(over: memory))
    #expect(!built.isMeasuring && built.elements == 108)
    #expect(built.used == plan.used && built.rows == plan.rows)
  }

  @Test func rowsSayWhatMemoryIsFor() {
    let plan = Program(Arena())
    #expect(plan.rows == ["bytes 5 16", "numbers 3 32", "none 0 0", "queue 100 112"])
    #expect(plan.used == 160)
  }

  @Test func tablesAreAlignedAndApart() {
    var arena = testArena()
    var first = arena.table("first", count: 3, filledWith: UInt8(1))
    var second = arena.table("second", count: 2, filledWith: UInt64(2))
    let third = arena.table("third", count: 1, filledWith: UInt8(3))
    for index in 0..<3 { first[index] = 0xFF }
    for index in 0..<2 { second[index] = .max }
    let values = (copy(first), copy(second), copy(third))
    #expect(values == ([0xFF, 0xFF, 0xFF], [.max, .max], [3]))
    let address = second.withSpan { span in
      span.withUnsafeBufferPointer { UInt(bitPattern: $0.baseAddress) }
    }
    #expect(address % UInt(Arena.alignment) == 0)
  }

  @Test func askingForMoreThanThePlanTraps() async {
    await #expect(processExitsWith: .failure) {
      let memory = UnsafeMutableRawBufferPointer.allocate(byteCount: 32, alignment: 16)
      var arena = Arena(over: memory)
      _ = arena.table("fits", count: 32, filledWith: UInt8(0))
      _ = arena.table("does not", count: 1, filledWith: UInt8(0))
    }
  }
}

@Suite struct TableTests {
  private final class Bench {
    var table: Table<UInt8>

    init(_ values: [UInt8]) {
      var arena = testArena(bytes: 1024)
      table = arena.table("test", count: values.count, filledWith: UInt8(0))
      for index in values.indices { table[index] = values[index] }
    }

    var values: [UInt8] { copy(table) }
    func lent(from start: Int = 0, count: Int? = nil) -> [UInt8] {
      table.withSpan(from: start, count: count) { array($0) }
    }
  }

  @Test func tableWithoutElementsIsEmpty() {
    let table = Table<UInt64>()
    let count = table.count
    let lent = table.withSpan { $0.count }
    #expect(count == 0 && lent == 0)
  }

  @Test func elementsAreChangedInPlace() {
    let bench = Bench([1, 2, 3])
    let old = bench.table.update(1) { element in
      defer { element = 9 }
      return element
    }
    #expect(old == 2 && bench.values == [1, 9, 3])
  }

  @Test func partsAreLent() {
    let bench = Bench([1, 2, 3, 4, 5])
    #expect(bench.lent() == [1, 2, 3, 4, 5])
    #expect(bench.lent(from: 2) == [3, 4, 5])
    #expect(bench.lent(from: 1, count: 3) == [2, 3, 4])
    #expect(bench.lent(from: 5) == [])
    bench.table.withMutableSpan(from: 3, count: 2) { span in for index in 0..<2 { span[index] = 0 }
    }
    #expect(bench.values == [1, 2, 3, 0, 0])
  }

  @Test func fillAppendsFromAPlaceOn() {
    let bench = Bench([1, 2, 3, 4, 5])
    var room = 0
    let count = bench.table.fill(from: 1) { out in
      room = out.freeCapacity
      out.append(8)
      out.append(9)
    }
    #expect(room == 4 && count == 2 && bench.values == [1, 8, 9, 4, 5])
    _ = bench.table.fill(from: 1, limit: 3) { out in room = out.freeCapacity }
    #expect(room == 3)
    _ = bench.table.fill(from: 3, limit: 30) { out in room = out.freeCapacity }
    #expect(room == 2)
  }

  @Test func fillThatThrowsCountsNothing() {
    struct Stop: Error {}
    let bench = Bench([1, 2, 3])
    #expect(throws: Stop.self) {
      _ = try bench.table.fill(from: 0) { (out) throws(Stop) in
        out.append(9)
        throw Stop()
      }
    }
  }

  @Test func rangesThatOverlapMoveWhole() {
    for source in 0..<8 {
      for target in 0..<8 {
        for count in 0...(8 - max(source, target)) {
          let bench = Bench([0, 1, 2, 3, 4, 5, 6, 7])
          var model = Array(0..<8 as Range<UInt8>)
          model.replaceSubrange(target..<target + count, with: model[source..<source + count])
          bench.table.move(from: source, to: target, count: count)
          #expect(bench.values == model)
        }
      }
    }
  }

  @Test(arguments: [-1, 3])
  func indexOutsideTraps(index: Int) async {
    await #expect(processExitsWith: .failure) { [index] in
      var arena = testArena(bytes: 64)
      let table = arena.table("test", count: 3, filledWith: UInt8(0))
      _ = table[index]
    }
  }

  @Test func rangeOutsideTraps() async {
    await #expect(processExitsWith: .failure) {
      var arena = testArena(bytes: 64)
      let table = arena.table("test", count: 3, filledWith: UInt8(0))
      table.withSpan(from: 2, count: 2) { _ = $0.count }
    }
  }
}

private func copy<Element>(_ table: borrowing Table<Element>) -> [Element] {
  (0..<table.count).map { table[$0] }
}
