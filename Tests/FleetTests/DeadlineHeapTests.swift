import Core
import Testing

@testable import Fleet

/// The earliest of many deadlines.
struct DeadlineHeapTests {
  @Test func nobodyIsDueWhileNothingIsSet() {
    let heap = DeadlineHeap(count: 3)
    #expect(heap.earliest == .never)
    #expect(heap.due(at: .never) == nil)
  }

  @Test func devicesAreDueInTheOrderOfTheirDeadlines() {
    var heap = DeadlineHeap(count: 4)
    for (device, second) in [7, 3, 9, 5].enumerated() {
      heap.set(device, to: .boot + .seconds(Int64(second)))
    }
    #expect(heap.due(at: .boot + .seconds(2)) == nil)
    var order: [Int] = []
    while let device = heap.due(at: .boot + .seconds(7)) {
      order.append(device)
      heap.set(device, to: .never)
    }
    #expect(order == [1, 3, 0])
    #expect(heap.earliest == .boot + .seconds(9))
  }

  @Test func theEarliestIsThatOfAllWhateverChanges() {
    let count = 100
    var heap = DeadlineHeap(count: count)
    var deadlines = Array(repeating: Instant.never, count: count)
    var chance = Generator(seed: 5)
    for _ in 0..<10_000 {
      let device = Int(chance.next(below: UInt64(count)))
      let isNever = chance.next(below: 8) == 0
      let deadline = isNever ? .never : Instant.boot + chance.interval(below: .seconds(60))
      deadlines[device] = deadline
      heap.set(device, to: deadline)
      #expect(heap.earliest == deadlines.min())
    }
  }
}
