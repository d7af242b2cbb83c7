import Core
import MQTT
import Testing

@testable import MQTTClient

/// What is written of a message, and when it expires whatever the clocks do (facts 15 and 22).
@Suite struct KeptMessageTests {
  private static func moment(
    _ instant: Int64, wall: Int64, _ quality: TimeQuality = .synced
  ) -> Moment {
    Moment(
      instant: .boot + .seconds(instant), wall: WallTime(milliseconds: wall * 1_000),
      quality: quality)
  }

  private func record(_ message: KeptMessage) -> [UInt8] {
    [UInt8](writing: message.recordBytes) { message.write(to: &$0) }
  }

  private func message(
    properties: [UInt8] = [], lifetime: Interval? = nil, payload: [UInt8] = [1, 2]
  ) throws -> KeptMessage {
    try KeptMessage(
      topic: Array("a/b".utf8), properties: properties, payload: payload, qos: .exactlyOnce,
      retain: true, lifetime: lifetime, at: Self.moment(100, wall: 1_800_000_000))
  }

  @Test func recordGivesTheMessageBack() throws {
    for payload in [[], [7], [UInt8](repeating: 9, count: 5_000)] {
      for lifetime in [nil, Interval.seconds(5)] {
        for properties in [[], [1, 1], [2, 0, 0, 0, 9, 3, 0, 1, 65]] as [[UInt8]] {
          let kept = try message(
            properties: properties, lifetime: lifetime, payload: payload)
          let bytes = record(kept)
          #expect(bytes.count == kept.recordBytes)
          #expect(KeptMessage(record: bytes.span) == kept)
        }
      }
    }
  }

  @Test func bytesThatAreNoRecordAreRefused() throws {
    let bytes = record(try message(properties: [1, 1], lifetime: .seconds(5), payload: []))
    for count in 0..<bytes.count {
      #expect(KeptMessage(record: bytes.span.extracting(0..<count)) == nil)
    }
    // Another version; QoS 0 and 3; a topic longer than all.
    for (index, value) in [(0, 2), (1, 8), (1, 11), (3, 255)] as [(Int, UInt8)] {
      var wrong = bytes
      wrong[index] = value
      #expect(KeptMessage(record: wrong.span) == nil)
    }
  }

  @Test func aliasIsLeftOutAndExpiryWorkedOutAnew() throws {
    // Text; alias 5; 100 seconds; content type "A".
    let kept = try message(
      properties: [1, 1, 0x23, 0, 5, 2, 0, 0, 0, 100, 3, 0, 1, 65], lifetime: .seconds(500))
    #expect(kept.properties == [1, 1, 3, 0, 1, 65])
    #expect(kept.expiry?.lifetime == .seconds(100))
    #expect(
      kept.properties(left: .milliseconds(41_001)) == [1, 1, 3, 0, 1, 65, 2, 0, 0, 0, 42])
    #expect(kept.properties(left: .zero).suffix(4) == [0, 0, 0, 1])
    // One that is for us alone is not told.
    #expect(try message(lifetime: .seconds(5)).properties(left: .seconds(5)) == [])
  }

  @Test func propertiesOfAnotherPacketAreRefused() {
    #expect(throws: PublishError.invalidProperties) {
      _ = try message(properties: [0x21, 0, 5])
    }
  }

  /// Within a boot the wall clock does not count, however it steps.
  @Test func wallClockThatStepsChangesNothingWithinABoot() {
    let expiry = KeptExpiry(in: .seconds(60), at: Self.moment(100, wall: 1_800_000_000))
    for wall in [0, 1_700_000_000, 2_000_000_000] as [Int64] {
      let (due, awaitsClock) = expiry.due(isSameBoot: true, at: Self.moment(130, wall: wall))
      #expect(due == .boot + .seconds(160) && !awaitsClock)
    }
  }

  @Test func afterAnotherBootTheTimeOfDayCounts() {
    let expiry = KeptExpiry(in: .seconds(60), at: Self.moment(100, wall: 1_800_000_000))
    let (due, awaitsClock) = expiry.due(
      isSameBoot: false, at: Self.moment(5, wall: 1_800_000_020))
    #expect(due == .boot + .seconds(45) && !awaitsClock)
    // One that has expired meanwhile has expired.
    let (past, _) = expiry.due(isSameBoot: false, at: Self.moment(5, wall: 1_800_000_100))
    #expect(past == .boot + .seconds(-35))
    // A clock that was set back gives no more than the whole lifetime.
    let (early, _) = expiry.due(isSameBoot: false, at: Self.moment(5, wall: 1_700_000_000))
    #expect(early == .boot + .seconds(65))
  }

  @Test func clockThatIsNotSetExpiresNothingAtOnce() {
    let set = KeptExpiry(in: .seconds(60), at: Self.moment(100, wall: 1_800_000_000))
    let (due, awaitsClock) = set.due(isSameBoot: false, at: Self.moment(5, wall: 0, .none))
    #expect(due == .boot + .seconds(65) && awaitsClock)
    let unset = KeptExpiry(in: .seconds(60), at: Self.moment(100, wall: 0, .none))
    let (later, awaits) = unset.due(
      isSameBoot: false, at: Self.moment(5, wall: 1_800_000_000))
    #expect(later == .boot + .seconds(65) && !awaits)
  }
}
