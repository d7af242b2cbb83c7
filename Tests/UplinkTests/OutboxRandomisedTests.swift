import Core
import Testing
import Uplink

/// The ring against a list of records in an ordinary array.
@Suite struct OutboxRandomisedTests {
  @Test(arguments: 1...30 as ClosedRange<UInt64>)
  func agreesWithAnArray(seed: UInt64) {
    let model = OutboxModel(seed: seed, bytes: 200 + Int(seed), inflight: 3)
    for _ in 0..<2_000 { model.step() }
    // Enough has happened to say so.
    #expect(model.bench.dropped > 20 && model.settled > 100 && model.packs > 20)
  }
}

private final class OutboxModel {
  private enum State: Equatable { case waiting, underWay(UInt32), done }

  private struct Record {
    var text: String
    var state = State.waiting
    var isHistorical = false
    var bytes: Int { text.utf8.count + OutboxBench.headerBytes }
  }

  let bench: OutboxBench
  private(set) var settled = 0
  private(set) var packs = 0
  private var generator: Generator
  private var records: [Record] = []
  private var number = 0
  private let inflight: UInt32
  private static let bytesMax = 44

  init(seed: UInt64, bytes: Int, inflight: Int) {
    generator = Generator(seed: seed)
    bench = OutboxBench(bytes: bytes, inflight: inflight)
    self.inflight = UInt32(inflight)
  }

  func step() {
    switch generator.next(below: 100) {
    case 0..<40: append()
    case 40..<55: sendLive()
    case 55..<70: sendPack()
    case 70..<94: acknowledge()
    case 94..<96: discard()
    default: open(resuming: generator.next(below: 2) == 0)
    }
    compare()
  }

  private func append() {
    number += 1
    let padding = Int(generator.next(below: UInt64(Self.bytesMax - 9)))
    let text = "\(number)".padded(to: 5) + String(repeating: ".", count: padding)
    let before = bench.dropped
    #expect(bench.append(text))
    let record = Record(text: text)
    let dropped = bench.dropped - before
    if dropped > 0 {
      let wanted = records.reduce(record.bytes) { $0 + $1.bytes }
      #expect(wanted > bench.capacity - Self.bytesMax, "nothing goes while there is room")
    }
    // Settled records go without a word, the others in order.
    for _ in 0..<dropped {
      while records.first?.state == .done { records.removeFirst() }
      records.removeFirst()
    }
    records.append(record)
  }

  private func sendLive() {
    let index = records.firstIndex { $0.state == .waiting && !$0.isHistorical }
    guard isTokenFree, let index else {
      #expect(bench.sendLive() == nil)
      return
    }
    guard let (text, token) = bench.sendLive() else {
      Issue.record("\(records[index].text) does not leave")
      return
    }
    #expect(records[index].text == text)
    records[index].state = .underWay(token)
  }

  private func sendPack() {
    let countMax = 1 + Int(generator.next(below: 4))
    let index = records.firstIndex { $0.state == .waiting && $0.isHistorical }
    guard isTokenFree, let index else {
      #expect(bench.sendPack(of: countMax) == nil)
      return
    }
    guard let (texts, token) = bench.sendPack(of: countMax) else {
      Issue.record("\(records[index].text) does not leave")
      return
    }
    packs += 1
    // A record that is done ends a pack, unless the ring has moved the others together over it.
    let behind = records.indices[index...].filter { records[$0].state != .done }
    let fitting = behind.prefix { records[$0].state == .waiting && records[$0].isHistorical }
    let neighbours = fitting.enumerated().prefix { $0.element == index + $0.offset }
    #expect(texts == fitting.prefix(texts.count).map { records[$0].text })
    #expect(texts.count >= min(countMax, neighbours.count))
    for place in fitting.prefix(texts.count) { records[place].state = .underWay(token) }
  }

  private func acknowledge() {
    let token = UInt32(generator.next(below: UInt64(inflight)))
    let indices = records.indices.filter { records[$0].state == .underWay(token) }
    #expect(bench.acknowledge(token) == indices.count)
    for index in indices { records[index].state = .done }
    settled += indices.count
  }

  private func discard() {
    guard let text = bench.discardNext() else { return }
    let index = records.firstIndex { $0.text == text }
    #expect(index != nil)
    if let index { records[index].state = .done }
  }

  private func open(resuming: Bool) {
    bench.open(resuming: resuming)
    for index in records.indices {
      if case .underWay = records[index].state, !resuming { records[index].state = .waiting }
      if records[index].state == .waiting { records[index].isHistorical = true }
    }
  }

  private var isTokenFree: Bool { bench.hasToken }

  private func compare() {
    while records.first?.state == .done { records.removeFirst() }
    #expect(bench.unacknowledged == records.count { $0.state != .done })
    #expect(bench.count >= bench.unacknowledged)
    let waiting = records.filter { $0.state == .waiting }
    #expect(bench.nextLive == waiting.first { !$0.isHistorical }?.text)
    #expect(bench.nextHistorical == waiting.first { $0.isHistorical }?.text)
    for token in 0..<inflight {
      let expected = records.filter { $0.state == .underWay(token) }.map(\.text)
      #expect(bench.texts(of: token) == expected)
    }
    #expect(bench.bytesUsed <= bench.capacity)
  }
}

extension String {
  fileprivate func padded(to count: Int) -> String {
    String(repeating: "0", count: max(0, count - self.count)) + self
  }
}
