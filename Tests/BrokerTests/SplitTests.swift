import Broker
import Core
import MQTT
import Testing

/// However a transport cuts the bytes up, the broker does the same.
@Suite struct SplitTests {
  /// All that a client can say, to itself, in one piece. `end` is how it goes.
  private static func life(level: ProtocolLevel, end: [UInt8]) -> [UInt8] {
    var bytes = connectBytes(
      "a", level: level, cleanSession: false, keepAlive: 30,
      will: TestWill(topic: "t/will", qos: .atLeastOnce, retain: true))
    bytes += subscribeBytes([("t/#", .exactlyOnce), ("u", .atLeastOnce)], level: level)
    bytes += publishBytes("t/0", "zero", level: level)
    bytes += publishBytes("t/1", "one", .atLeastOnce, id: 1, retain: true, level: level)
    bytes += publishBytes("t/2", "two", .exactlyOnce, id: 2, level: level)
    bytes += publishBytes("t/2", "two", .exactlyOnce, id: 2, dup: true, level: level)
    bytes += answerBytes(.publishRelease, 2, level: level)
    bytes += answerBytes(.publishAck, 1, level: level)
    bytes += answerBytes(.publishReceived, 2, level: level)
    bytes += publishBytes("u", String(repeating: "long", count: 100), level: level)
    bytes += answerBytes(.publishComplete, 2, level: level)
    bytes += [0xC0, 0] + unsubscribeBytes("u")
    return bytes + end
  }

  private static let ends: [[UInt8]] = [
    [0xE0, 0],  // DISCONNECT
    [0xE0, 0, 0xC0, 0],  // and something behind it
    [0x30, 3, 0, 1],  // a packet that is not whole
    [0x30, 4, 0, 1, 0x2B, 0],  // a wildcard to publish under
    [0x36, 4],  // QoS 3
    [0x30, 0x80, 0x80, 0x80, 0x80],  // a length of five bytes
    [0xC0, 0, 0x00],  // type 0
    connectBytes("a"),  // once more
  ]

  private struct Outcome: Equatable {
    var output: [UInt8]
    var events: [BrokerEvent]
    var isFinished: Bool
    var deadline: Instant
  }

  private func outcome(_ pieces: [ArraySlice<UInt8>]) -> Outcome {
    let bench = Bench()
    let client = bench.open()
    for piece in pieces { client.send(Array(piece)) }
    return Outcome(
      output: bench.output(of: client.id), events: bench.takeEvents(),
      isFinished: client.isClosed, deadline: bench.deadline)
  }

  @Test(arguments: [ProtocolLevel.v31, .v311], 0..<ends.count)
  func oneByteAtATimeIsAsAllAtOnce(level: ProtocolLevel, end: Int) {
    let bytes = Self.life(level: level, end: Self.ends[end])
    let whole = outcome([bytes[...]])
    #expect(whole.output.count > 100 && whole.events.count > 6)
    #expect(outcome(bytes.indices.map { bytes[$0...$0] }) == whole)
  }

  @Test(arguments: 1...50 as ClosedRange<UInt64>)
  func randomPiecesAreAsAllAtOnce(seed: UInt64) {
    var chance = Generator(seed: seed)
    let end = Int(chance.next(below: UInt64(Self.ends.count)))
    let bytes = Self.life(level: .v311, end: Self.ends[end])
    var pieces: [ArraySlice<UInt8>] = []
    var start = 0
    while start < bytes.count {
      let count = Int(chance.next(below: 40))
      pieces.append(bytes[start..<min(start + count, bytes.count)])
      start += count
    }
    #expect(outcome(pieces) == outcome([bytes[...]]))
  }
}
