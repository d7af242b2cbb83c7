import Core
import TestSupport
import Testing

/// The queue against an array.
@Suite struct ByteQueueTests {
  private final class Bench {
    var queue: ByteQueue
    var model: [UInt8] = []
    private var nextByte: UInt8 = 0

    init(capacity: Int) {
      var arena = testArena(bytes: 1024)
      queue = ByteQueue("test", capacity: capacity, arena: &arena)
    }

    /// Appends `count` bytes; returns the room that was offered.
    @discardableResult
    func append(_ count: Int, upTo bytes: Int = .max) -> Int {
      var room = 0
      queue.append(upTo: bytes) { out in
        room = out.freeCapacity
        for _ in 0..<count {
          out.append(nextByte)
          model.append(nextByte)
          nextByte = nextByte &+ 1
        }
      }
      return room
    }

    /// Appends `count` bytes if there is room for `reserve` more; returns whether there was.
    func append(exactly count: Int, keeping reserve: Int) -> Bool {
      let isWritten = queue.append(exactly: count, keeping: reserve) { writer in
        for offset in 0..<count { writer.put(nextByte &+ UInt8(offset)) }
      }
      guard isWritten else { return false }
      for _ in 0..<count {
        model.append(nextByte)
        nextByte = nextByte &+ 1
      }
      return true
    }

    func consume(_ count: Int) {
      queue.consume(count)
      model.removeFirst(count)
    }

    /// True when the queue is as the array is.
    var agrees: Bool {
      queue.withBytes { array($0) } == model && queue.count == model.count
        && queue.freeCapacity == queue.capacity - model.count
    }

    var freeCapacity: Int { queue.freeCapacity }
    var firstFour: UInt32? { queue.firstFour }
  }

  /// Every head, every fill level, every size of what is appended.
  @Test func agreesWithAnArrayFromEveryState() {
    let capacity = 9
    for head in 0...capacity {
      for filled in 0...(capacity - head) {
        for added in 0...(capacity - filled) {
          for isAnnounced in [false, true] {
            let bench = Bench(capacity: capacity)
            bench.append(head + filled)
            bench.consume(head)
            #expect(bench.agrees)
            let room = bench.append(added, upTo: isAnnounced ? added : .max)
            #expect(room >= added && bench.agrees)
            if !isAnnounced { #expect(room == capacity - filled) }
            bench.consume(bench.model.count)
            #expect(bench.agrees && bench.freeCapacity == capacity)
          }
        }
      }
    }
  }

  /// Every head, every fill level, every size, every reserve.
  @Test func exactBytesAreAppendedWhereTheyAndTheReserveFit() {
    let capacity = 7
    for head in 0...capacity {
      for filled in 0...(capacity - head) {
        for added in 1...capacity + 1 {
          for reserve in 0...capacity {
            let bench = Bench(capacity: capacity)
            bench.append(head + filled)
            bench.consume(head)
            let fits = filled + added + reserve <= capacity
            #expect(bench.append(exactly: added, keeping: reserve) == fits)
            #expect(bench.agrees)
          }
        }
      }
    }
  }

  @Test func exactBytesThatAreNotWrittenTrap() async {
    await #expect(processExitsWith: .failure) {
      let bench = Bench(capacity: 8)
      _ = bench.queue.append(exactly: 3, keeping: 0) { writer in writer.put(1) }
    }
    await #expect(processExitsWith: .failure) {
      let bench = Bench(capacity: 8)
      _ = bench.queue.append(exactly: 3, keeping: 0) { writer in
        writer.put(bigEndian: 1 as UInt32)
      }
    }
    await #expect(processExitsWith: .failure) {
      let bench = Bench(capacity: 8)
      _ = bench.queue.append(exactly: 0, keeping: 0) { _ in }
    }
  }

  @Test func firstFourAreThoseThatWait() {
    let bench = Bench(capacity: 8)
    #expect(bench.firstFour == nil)
    bench.append(3)
    #expect(bench.firstFour == nil)
    bench.append(3)
    #expect(bench.firstFour == 0x0001_0203)
    bench.consume(2)
    #expect(bench.firstFour == 0x0203_0405)
    bench.consume(1)
    #expect(bench.firstFour == nil)
  }

  @Test(arguments: 1...10 as ClosedRange<UInt64>)
  func agreesWithAnArrayOverTime(seed: UInt64) {
    var chance = Generator(seed: seed)
    let bench = Bench(capacity: 20)
    for _ in 0..<2_000 {
      switch chance.next(below: 10) {
      case 0..<5:
        let count = Int(chance.next(below: UInt64(bench.freeCapacity + 1)))
        bench.append(count, upTo: count)
      case 5..<9: bench.consume(Int(chance.next(below: UInt64(bench.model.count + 1))))
      default:
        guard chance.next(below: 10) == 0 else { continue }
        bench.queue.removeAll()
        bench.model = []
      }
      #expect(bench.agrees)
    }
  }

  @Test func bytesStayWhileTheRoomBehindThemSuffices() {
    let bench = Bench(capacity: 10)
    bench.append(6)
    bench.consume(2)
    #expect(bench.append(1, upTo: 4) == 4, "of 6 that are free")
    #expect(bench.append(4, upTo: 5) == 5, "they have moved")
    #expect(bench.agrees)
  }

  @Test func fullQueueOffersNothing() {
    let bench = Bench(capacity: 4)
    bench.append(4)
    #expect(bench.append(0) == 0 && bench.append(0, upTo: 3) == 0)
    bench.consume(1)
    #expect(bench.append(0, upTo: 3) == 1)
    #expect(bench.agrees)
  }

  @Test func appendThatThrowsLeavesTheQueueAsItWas() {
    struct Stop: Error {}
    let bench = Bench(capacity: 8)
    bench.append(5)
    bench.consume(2)
    #expect(throws: Stop.self) {
      try bench.queue.append { (out) throws(Stop) in
        out.append(99)
        throw Stop()
      }
    }
    #expect(bench.agrees)
  }

  @Test func consumingMoreThanThereIsTraps() async {
    await #expect(processExitsWith: .failure) {
      let bench = Bench(capacity: 4)
      bench.append(2)
      bench.queue.consume(3)
    }
  }
}
