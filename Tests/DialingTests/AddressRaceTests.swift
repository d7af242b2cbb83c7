import Core
import Dialing
import TestSupport
import Testing

/// A race and a clock, for one test.
private struct Bench {
  var race: AddressRace
  var now = Instant.boot + .seconds(1)

  /// `families` has a 6 or a 4 for each address.
  init(_ families: String, patience: Interval = .seconds(5)) {
    var isV6: UInt8 = 0
    for (index, family) in families.enumerated() where family == "6" { isV6 |= 1 << UInt8(index) }
    race = AddressRace(count: families.count, isV6: isV6, patience: patience, start: now)
  }

  /// Everything that is to be done now.
  mutating func actions() -> [AddressRace.Action] {
    var actions: [AddressRace.Action] = []
    while let action = race.next(at: now) { actions.append(action) }
    return actions
  }

  mutating func pass() { now = race.deadline }
}

/// RFC 8305.
@Suite struct AddressRaceTests {
  @Test(
    arguments: [
      ("4", [0]), ("44", [0, 1]), ("64", [0, 1]), ("46", [0, 1]), ("664", [0, 2, 1]),
      ("4466", [0, 2, 1, 3]), ("6664", [0, 3, 1, 2]), ("66664444", [0, 4, 1, 5, 2, 6, 3, 7]),
      ("44444446", [0, 7, 1, 2, 3, 4, 5, 6]),
    ] as [(String, [Int])])
  func familiesTakeTurnsFromTheFirstOnesOn(families: String, order: [Int]) {
    var bench = Bench(families)
    var tried: [Int] = []
    while bench.race.state == .racing {
      for case .connect(let address, let slot) in bench.actions() {
        tried.append(address)
        bench.race.failed(slot: slot, code: 111)
      }
    }
    #expect(tried == order)
    #expect(bench.race.state == .lost(code: 111))
  }

  @Test func theNextAttemptBegins250MillisecondsLater() {
    var bench = Bench("646")
    let start = bench.now
    #expect(bench.actions() == [.connect(address: 0, slot: 0)])
    #expect(bench.race.deadline == start + .milliseconds(250))
    bench.now = start + .milliseconds(249)
    #expect(bench.actions() == [])
    bench.pass()
    #expect(bench.actions() == [.connect(address: 1, slot: 1)])
    bench.pass()
    #expect(bench.now == start + .milliseconds(500))
    #expect(bench.actions() == [.connect(address: 2, slot: 2)])
    #expect(bench.race.deadline == .never, "the step's own deadline ends it")
  }

  @Test func afterAFailureTheNextAttemptBeginsAtOnce() {
    var bench = Bench("64")
    _ = bench.actions()
    bench.race.failed(slot: 0, code: 101)
    #expect(bench.race.deadline <= bench.now)
    #expect(bench.actions() == [.connect(address: 1, slot: 0)])
    bench.race.failed(slot: 0, code: 111)
    #expect(bench.actions() == [] && bench.race.state == .lost(code: 111))
    #expect(bench.race.deadline == .never)
  }

  @Test func theFirstThatConnectsWinsAndTheOthersAreClosed() {
    for winner in 0..<3 {
      var bench = Bench("646")
      for _ in 0..<3 {
        _ = bench.actions()
        bench.pass()
        if bench.now == .never { break }
      }
      bench.race.connected(slot: winner)
      #expect(bench.race.state == .won(slot: winner))
      let closed = [0, 1, 2].filter { $0 != winner }.map { AddressRace.Action.close(slot: $0) }
      #expect(bench.actions() == closed)
      bench.race.connected(slot: (winner + 1) % 3)
      bench.race.failed(slot: winner, code: 1)
      #expect(bench.race.state == .won(slot: winner), "latecomers change nothing")
    }
  }

  @Test func atMostFourAttemptsAreUnderWay() {
    var bench = Bench("44444444", patience: .seconds(5))
    let start = bench.now
    var open: Set<Int> = []
    var tried: [Int] = []
    var firstGivenUp: Instant?
    while bench.race.deadline != .never {
      bench.now = max(bench.now, bench.race.deadline)
      for action in bench.actions() {
        switch action {
        case .connect(let address, let slot):
          #expect(open.insert(slot).inserted && open.count <= 4)
          tried.append(address)
        case .close(let slot):
          #expect(open.remove(slot) != nil)
          firstGivenUp = firstGivenUp ?? bench.now
        }
      }
    }
    #expect(tried == [0, 1, 2, 3, 4, 5, 6, 7])
    #expect(firstGivenUp == start + .seconds(5))
    #expect(bench.now == start + .seconds(5) + .milliseconds(750))
    #expect(bench.race.state == .racing && open.count == 4)
  }

  @Test func aFailedWinnerLetsTheRaceGoOn() {
    var bench = Bench("644")
    _ = bench.actions()
    bench.pass()
    #expect(bench.actions() == [.connect(address: 1, slot: 1)])
    bench.race.connected(slot: 1)
    #expect(bench.actions() == [.close(slot: 0)])
    bench.now = bench.now + .seconds(3)
    #expect(bench.race.resume(at: bench.now) == true)
    #expect(bench.actions() == [.connect(address: 0, slot: 0)], "it was merely slower")
    bench.race.failed(slot: 0, code: 1)
    #expect(bench.actions() == [.connect(address: 2, slot: 0)])
    bench.race.connected(slot: 0)
    #expect(bench.race.resume(at: bench.now) == false)
    #expect(bench.race.deadline == .never)
  }

  @Test func withoutAddressesItIsLost() {
    var bench = Bench("")
    #expect(bench.race.state == .lost(code: 0) && bench.actions() == [])
  }

  @Test func addressesBeyondTheEighthAreLeftOut() {
    var bench = Bench("44444444")
    bench.race = AddressRace(count: 20, isV6: 0, patience: .seconds(1), start: bench.now)
    var tried = 0
    while bench.race.state == .racing {
      for case .connect(_, let slot) in bench.actions() {
        tried += 1
        bench.race.failed(slot: slot, code: 1)
      }
    }
    #expect(tried == 8)
  }

  /// Whatever happens in whatever order: no slot is used twice, no address tried twice without a win
  /// between, and it comes to an end.
  @Test(arguments: 1...200 as ClosedRange<UInt64>)
  func anyOrderOfEventsLeadsToAnEnd(seed: UInt64) {
    var generator = Generator(seed: seed)
    let count = Int(generator.next(below: 9))
    let isV6 = UInt8(truncatingIfNeeded: generator.next())
    var now = Instant.boot
    var race = AddressRace(count: count, isV6: isV6, patience: .seconds(1), start: now)
    var open: [Int: Int] = [:]
    var tried: Set<Int> = []
    for _ in 0..<400 {
      while let action = race.next(at: now) {
        switch action {
        case .connect(let address, let slot):
          #expect(open[slot] == nil && address < count && tried.insert(address).inserted)
          open[slot] = address
        case .close(let slot): #expect(open.removeValue(forKey: slot) != nil)
        }
      }
      guard race.state == .racing else { break }
      #expect(race.deadline > now)
      let slot = Int(generator.next(below: 4))
      switch generator.next(below: 4) {
      case 0 where open[slot] != nil:
        race.failed(slot: slot, code: 7)
        open[slot] = nil
      case 1 where open[slot] != nil && generator.next(below: 4) == 0:
        race.connected(slot: slot)
      default: now = now + .milliseconds(Int64(generator.next(below: 2000)))
      }
    }
    switch race.state {
    case .won(let slot): #expect(Array(open.keys) == [slot])
    case .lost: #expect(open.isEmpty && tried.count == count)
    case .racing: Issue.record("no end")
    }
  }
}
