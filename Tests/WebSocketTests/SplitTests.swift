import Core
import TestSupport
import Testing
import WebSocket

/// Frames in any pieces, and from a seed.
@Suite struct SplitTests {
  /// A bit of everything, as a client would send it.
  private func stream(_ mask: MaskKey?) -> [UInt8] {
    let parts: [[UInt8]] = [
      frame(.binary, [1, 2, 3, 4, 5], mask: mask), frame(.ping, [6, 7], mask: mask),
      frame(.binary, [], mask: mask),
      frame(.binary, [UInt8](repeating: 8, count: 126), mask: mask),
      frame(.binary, [9], mask: mask), frame(.close, [0x03, 0xE8], mask: mask),
    ]
    return Array(parts.joined())
  }

  private var payload: [UInt8] { [1, 2, 3, 4, 5] + [UInt8](repeating: 8, count: 126) + [9] }

  @Test(arguments: [0, 1, 100])
  func eachSplitLeadsToTheSame(before: Int) {
    for (side, mask) in [(Side.client, nil), (.server, MaskKey(0x0102_0304))]
      as [(Side, MaskKey?)]
    {
      let stream = stream(mask)
      for cut in 0...stream.count {
        var result = Unwrapped(side: side)
        result.take(Array(stream[..<cut]), behind: before)
        result.take(Array(stream[cut...]), behind: before)
        #expect(result.bytes == payload && result.pings == [[6, 7]])
        #expect(result.reader.end == .closed(code: 1000))
      }
      for size in 1...20 {
        var result = Unwrapped(side: side)
        for start in stride(from: 0, to: stream.count, by: size) {
          result.take(Array(stream[start..<min(start + size, stream.count)]), behind: before)
        }
        #expect(result.bytes == payload && result.pings == [[6, 7]])
        #expect(result.reader.end == .closed(code: 1000))
      }
    }
  }

  @Test func eachTruncationHasTheBeginning() {
    let stream = stream(nil)
    for count in 0..<stream.count {
      let result = unwrapped(Array(stream[..<count]))
      #expect(result.reader.end == nil && payload.starts(with: result.bytes))
    }
  }

  /// Either side sends messages in parts of any size, with control frames between, and the bytes
  /// come in pieces of any size.
  @Test(arguments: 0..<50 as Range<UInt64>)
  func whatOneSideSendsTheOtherReads(seed: UInt64) {
    var chance = Generator(seed: seed)
    let side: Side = seed & 1 == 0 ? .client : .server
    var sent: [UInt8] = []
    var pings: [[UInt8]] = []
    var stream: [UInt8] = []
    for _ in 0..<40 {
      let mask = side == .server ? MaskKey(UInt32(truncatingIfNeeded: chance.next())) : nil
      var parts = Int(chance.next(below: 4))
      var isFirst = true
      repeat {
        let longest: UInt64 = chance.next(below: 8) == 0 ? 70_000 : 200
        let bytes = (0..<chance.next(below: longest)).map { UInt8(truncatingIfNeeded: $0 &* seed) }
        let header = FrameHeader(
          isFinal: parts == 0, opcode: isFirst ? .binary : .continuation, mask: mask,
          payloadBytes: UInt64(bytes.count))
        stream += written { header.encode(into: &$0) }
        stream += bytes.enumerated().map { $1 ^ (mask?[$0] ?? 0) }
        sent += bytes
        if chance.next(below: 3) == 0 {
          let ping = (0..<chance.next(below: 126)).map { UInt8(truncatingIfNeeded: $0) }
          stream += frame(.ping, ping, mask: mask)
          pings.append(ping)
        }
        isFirst = false
        parts -= 1
      } while parts >= 0
    }
    var result = Unwrapped(side: side)
    var start = 0
    while start < stream.count {
      let size = Int(chance.next(below: chance.next(below: 2) == 0 ? 4 : 3000))
      result.take(Array(stream[start..<min(start + size, stream.count)]), behind: size % 7)
      start += size
    }
    #expect(result.bytes == sent && result.reader.end == nil)
    #expect(result.pings.last == pings.last && result.pings.allSatisfy { pings.contains($0) })
  }

  /// Random bytes end the reader or are taken; nothing traps, and nothing is made up.
  @Test(arguments: 0..<200 as Range<UInt64>)
  func noiseIsSurvived(seed: UInt64) {
    var chance = Generator(seed: seed)
    var result = Unwrapped(side: seed & 1 == 0 ? .client : .server)
    var count = 0
    for _ in 0..<20 {
      let noise = (0..<chance.next(below: 60)).map { _ in
        UInt8(truncatingIfNeeded: chance.next(below: 4) == 0 ? chance.next() : 0x82)
      }
      result.take(noise)
      count += noise.count
    }
    #expect(result.bytes.count < max(count, 1))
  }
}
