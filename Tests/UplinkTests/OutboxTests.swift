import Core
import Testing
import Uplink

@Suite struct OutboxTests {
  @Test func recordsLeaveInTheOrderTheyCame() {
    let bench = OutboxBench()
    bench.append("a", "b", "c")
    #expect(bench.unacknowledged == 3 && bench.count == 3)
    #expect(bench.drain() == ["a", "b", "c"])
    #expect(bench.unacknowledged == 0 && bench.count == 0 && bench.bytesUsed == 0)
  }

  @Test func liveRecordsLeaveBeforeThoseOfAnOutage() {
    let bench = OutboxBench()
    bench.append("old 1", "old 2")
    bench.open(resuming: false)
    bench.append("new 1", "new 2")
    #expect(bench.nextLive == "new 1" && bench.nextHistorical == "old 1")
    #expect(bench.drain() == ["new 1", "new 2", "old 1", "old 2"])
  }

  @Test func packHoldsLateRecordsOnly() {
    let bench = OutboxBench()
    bench.append("1", "2", "3")
    bench.open(resuming: false)
    bench.append("live")
    #expect(bench.sendPack(of: 9)?.texts == ["1", "2", "3"])
    #expect(bench.nextHistorical == nil && bench.nextLive == "live")
  }

  @Test func packIsSettledAsAWhole() throws {
    let bench = OutboxBench()
    bench.append("1", "2", "3", "4", "5")
    bench.open(resuming: false)
    let first = try #require(bench.sendPack(of: 2))
    let second = try #require(bench.sendPack(of: 2))
    #expect(first.texts == ["1", "2"] && second.texts == ["3", "4"])
    #expect(bench.acknowledge(second.token) == 2)
    #expect(bench.unacknowledged == 3)
    #expect(bench.count == 5, "the oldest still occupy the ring's end")
    #expect(bench.acknowledge(first.token) == 2)
    #expect(bench.count == 1 && bench.nextHistorical == "5")
  }

  @Test func acknowledgementOfNothingSettlesNothing() throws {
    let bench = OutboxBench(inflight: 2)
    bench.append("a")
    let (_, token) = try #require(bench.sendLive())
    #expect(bench.acknowledge(token + 1) == 0)
    #expect(bench.acknowledge(99) == 0)
    #expect(bench.acknowledge(token) == 1)
    #expect(bench.acknowledge(token) == 0)
    #expect(bench.unacknowledged == 0)
  }

  @Test func asManyPacketsAreUnderWayAsThereAreTokens() throws {
    let bench = OutboxBench(inflight: 2)
    bench.append("a", "b", "c")
    let (_, first) = try #require(bench.sendLive())
    _ = try #require(bench.sendLive())
    #expect(!bench.hasToken && bench.nextLive == "c")
    bench.acknowledge(first)
    #expect(bench.hasToken)
    #expect(bench.sendLive()?.token == first)
  }

  @Test func whatWasUnderWayWaitsAgainInANewSession() throws {
    let bench = OutboxBench()
    bench.append("a", "b", "c")
    let (_, token) = try #require(bench.sendLive())
    bench.open(resuming: false)
    #expect(bench.nextLive == nil && bench.nextHistorical == "a")
    #expect(bench.texts(of: token) == [])
    #expect(bench.drain() == ["a", "b", "c"])
  }

  @Test func whatWasUnderWayStaysSoInAKeptSession() throws {
    let bench = OutboxBench()
    bench.append("a", "b", "c")
    let (_, token) = try #require(bench.sendLive())
    bench.open(resuming: true)
    #expect(bench.texts(of: token) == ["a"])
    #expect(bench.nextHistorical == "b")
    #expect(bench.acknowledge(token) == 1)
    #expect(bench.drain() == ["b", "c"])
  }

  @Test func givenUpRecordIsSettled() {
    let bench = OutboxBench()
    bench.append("a", "b")
    #expect(bench.discardNext() == "a")
    #expect(bench.unacknowledged == 1 && bench.nextLive == "b")
  }

  // MARK: A full ring

  @Test func oldestRecordMakesRoomAndIsNamed() {
    let bench = OutboxBench(bytes: 64)
    let texts = (0..<20).map { "number \($0)" }
    for text in texts { #expect(bench.append(text)) }
    let kept = bench.unacknowledged
    #expect(bench.dropped == texts.count - kept)
    #expect(kept >= 3)
    #expect(bench.drain() == Array(texts.suffix(kept)))
  }

  @Test func settledRecordMakesRoomBeforeAnyOtherGoes() throws {
    let bench = OutboxBench(bytes: 60)
    bench.append("aaaa", "bbbb", "cccc")
    let (_, first) = try #require(bench.sendLive())
    let (_, second) = try #require(bench.sendLive())
    #expect(bench.acknowledge(second) == 1)
    bench.append("dddd", "eeee", "ffff")
    #expect(bench.dropped == 0, "b was acknowledged")
    #expect(bench.acknowledge(first) == 1)
    #expect(bench.drain() == ["cccc", "dddd", "eeee", "ffff"])
  }

  @Test func packUnderWayLosesItsOldestOnly() throws {
    let bench = OutboxBench(bytes: 72)
    bench.append("aaaa", "bbbb", "cccc")
    bench.open(resuming: false)
    let (_, token) = try #require(bench.sendPack(of: 3))
    bench.append("dddd", "eeee", "ffff", "gggg")
    #expect(bench.dropped == 2)
    #expect(bench.texts(of: token) == ["cccc"])
    #expect(bench.acknowledge(token) == 1)
    #expect(bench.drain() == ["dddd", "eeee", "ffff", "gggg"])
  }

  @Test func recordLargerThanHalfTheRingIsRefused() {
    let bench = OutboxBench(bytes: 64)
    let largest = String(repeating: "x", count: 32 - OutboxBench.headerBytes)
    bench.append("a")
    #expect(!bench.append(largest + "x"))
    #expect(bench.dropped == 0 && bench.unacknowledged == 1)
    for _ in 0..<5 { #expect(bench.append(largest)) }
    #expect(bench.nextLive == largest)
  }

  /// Every size of two kinds of records, hence the ring's end at every distance from a record.
  @Test(arguments: 0...28)
  func ringWrapsAtEveryFillLevel(firstBytes: Int) {
    let capacity = 72
    for secondBytes in 0...28 {
      for settled in 0...(capacity / (firstBytes + OutboxBench.headerBytes)) {
        let bench = OutboxBench(bytes: capacity, inflight: 1)
        var texts: [String] = []
        var number = 0
        func append(_ bytes: Int) {
          let letter = Character(Unicode.Scalar(UInt8(65 + number % 26)))
          number += 1
          texts.append(String(repeating: letter, count: bytes))
          #expect(bench.append(texts[texts.count - 1]))
        }
        while bench.bytesUsed + firstBytes + OutboxBench.headerBytes <= capacity {
          append(firstBytes)
        }
        #expect(bench.dropped == 0)
        for _ in 0..<min(settled, bench.unacknowledged) {
          guard let (text, token) = bench.sendLive() else { break }
          #expect(text == texts.removeFirst())
          #expect(bench.acknowledge(token) == 1)
        }
        for _ in 0..<8 { append(secondBytes) }
        #expect(bench.bytesUsed <= capacity)
        #expect(bench.drain() == Array(texts.dropFirst(bench.dropped)))
      }
    }
  }
}
