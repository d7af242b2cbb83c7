import Core
import Device
import TestSupport
import Testing

/// What goes to the broker, byte for byte.
@Suite struct RenderingTests {
  @Test func stateSaysValueUnitTimeAndQuality() {
    let bench = DeviceBench(.sensor("air", unit: "Cel"))
    bench.pass(.milliseconds(123))
    bench.sample(21.4)
    let message = bench.messages().first
    #expect(message?.topic == "base/dev/state/air" && message?.isRetained == true)
    #expect(
      message?.payload
        == #"{"v":21.4,"u":"Cel","t":"2026-11-23T04:50:00.123Z","tq":"synced","q":"good","seq":1}"#)
  }

  @Test func eventIsNotRetained() {
    let bench = DeviceBench(.input("door") { $0.report.event = true })
    bench.level(false)
    bench.edge(true)
    let message = bench.messages().last
    #expect(message?.topic == "base/dev/event/door" && message?.isRetained == false)
    #expect(
      message?.payload
        == #"{"v":true,"t":"2026-11-23T04:50:00.000Z","tq":"synced","q":"good","seq":1}"#)
  }

  @Test func badReadingSaysWhy() {
    let bench = DeviceBench(.sensor("air", unit: "%"))
    bench.fail(.unreadable)
    #expect(
      bench.messages().first?.payload
        == #"{"v":null,"u":"%","t":"2026-11-23T04:50:00.000Z","tq":"synced","#
        + #""q":"bad","why":"unreadable","seq":1}"#)
  }

  @Test(arguments: [
    (PointFault.missing, "missing"), (.timedOut, "timed-out"), (.unreadable, "unreadable"),
    (.outOfRange, "out-of-range"),
  ])
  func eachFaultHasItsWord(fault: PointFault, word: String) {
    let bench = DeviceBench(.sensor("air"))
    bench.fail(fault)
    let members = bench.messages().first?.members
    #expect(members?.q == "bad" && members?.why == word)
  }

  @Test(
    arguments: [(0, "22"), (1, "21.5"), (2, "21.46"), (9, "21.456789012")] as [(UInt8, String)])
  func decimalsAreThoseOfTheProfile(decimals: UInt8, text: String) {
    let bench = DeviceBench(.sensor("air") { $0.decimals = decimals })
    bench.sample(decimals == 0 ? 21.6 : 21.456_789_012)
    #expect(bench.messages().first?.payload.hasPrefix(#"{"v":\#(text),"#) == true)
  }

  // MARK: Time

  /// The clock was set while the reading waited: its time of day is reckoned back.
  @Test func timeOfDayIsThatOfTheReading() {
    let bench = DeviceBench(.sensor("air"))
    bench.wallAtBoot = 0
    bench.pass(.seconds(10))
    bench.sample(20)
    bench.pass(.seconds(50))
    bench.wallAtBoot = 1_795_409_400_000
    #expect(bench.messages().first?.members?.t == "2026-11-23T04:50:10.000Z")
  }

  @Test func withoutAClockThereIsNoTimeOfDay() {
    let bench = DeviceBench(.sensor("air"))
    bench.quality = .none
    bench.sample(20)
    let payload = bench.messages().first?.payload
    #expect(payload == #"{"v":20,"t":null,"tq":"none","q":"good","seq":1}"#)
  }

  @Test func clockThatNobodyKeepsIsAnEstimate() {
    let bench = DeviceBench(.sensor("air"))
    bench.quality = .estimated
    bench.sample(20)
    let members = bench.messages().first?.members
    #expect(members?.t == "2026-11-23T04:50:00.000Z" && members?.tq == "estimated")
  }

  // MARK: Results

  @Test func resultsSayWhatBecameOfTheCommand() {
    let bench = DeviceBench(.output("pump"))
    #expect(
      bench.answer(utf8(#"{"v":true,"id":"42"}"#))?.payload
        == #"{"id":"42","point":"pump","result":"done","v":true,"#
        + #""t":"2026-11-23T04:50:00.000Z","tq":"synced"}"#)
    #expect(
      bench.answer(utf8("perhaps"))?.payload
        == #"{"point":"pump","result":"refused","reason":"malformed","#
        + #""t":"2026-11-23T04:50:00.000Z","tq":"synced"}"#)
    bench.readBack = { _ in nil }
    #expect(
      bench.answer(utf8("on"))?.payload
        == #"{"point":"pump","result":"failed","v":false,"#
        + #""t":"2026-11-23T04:50:00.000Z","tq":"synced"}"#)
  }

  @Test func longestResultIsShorterThanTheSmallestPacket() throws {
    let bench = DeviceBench(.output("pump"))
    let id = String(repeating: #"\""#, count: 32)
    let name = String(repeating: "\u{01}", count: 100)
    let answer = try #require(bench.answer(utf8(#"{"v":true,"id":"\#(id)"}"#), to: name))
    #expect(answer.members?.point == String(repeating: "\u{01}", count: 64))
    #expect(answer.members?.id == String(repeating: "\"", count: 32))
    #expect(answer.payload.utf8.count < 900)
  }

  // MARK: History

  @Test func packHoldsReadingsInTheirOrder() throws {
    let bench = DeviceBench(
      .sensor("air", unit: "Cel"), .input("door") { $0.report.event = true })
    bench.sample(20.5)
    bench.level(false, point: 1)
    bench.pass(.seconds(1))
    bench.edge(true, point: 1)
    bench.fail(.timedOut)
    let message = bench.pack()
    #expect(message.topic == "base/dev/history")
    let pack = try #require(message.pack)
    #expect(pack.historical)
    #expect(pack.readings.map(\.p) == ["air", "door", "door", "door", "air"])
    #expect(pack.readings.map(\.k) == [nil, nil, nil, "event", nil])
    #expect(pack.readings.map(\.seq) == [1, 1, 2, 1, 2])
    #expect(
      pack.readings.map(\.v) == [.number(20.5), .bool(false), .bool(true), .bool(true), nil])
    #expect(pack.readings.map(\.u) == ["Cel", nil, nil, nil, "Cel"])
    #expect(pack.readings.map(\.why) == [nil, nil, nil, nil, "timed-out"])
    #expect(pack.readings[2].t == "2026-11-23T04:50:01.000Z")
  }

  @Test func emptyPackIsJSONToo() {
    let bench = DeviceBench(.sensor("air"))
    #expect(bench.pack().payload == #"{"historical":true,"readings":[]}"#)
  }

  @Test func resultsDoNotGoIntoPacks() {
    let bench = DeviceBench(.output("pump"))
    bench.drive()
    let payload = utf8("perhaps")
    let name = utf8("pump")
    let command = Command(
      name: name.span, payload: payload.span, isRetained: false, points: bench.points)
    _ = bench.points.carryOut(
      command, at: bench.moment, brokerKeepsCommands: false, outbox: &bench.outbox)
    var isPackable: [Bool] = []
    while let place = bench.outbox.nextLive() {
      isPackable.append(
        bench.outbox.withBody(place) { record in bench.points.isPackable(record) })
      bench.outbox.discard(place)
    }
    #expect(isPackable == [true, false])
  }

  /// The longest name and unit, of bytes that are escaped at their longest, and all numbers too.
  @Test func itemOfAPackIsNoLongerThanAnnounced() {
    let bench = DeviceBench(
      .sensor(
        String(repeating: "\u{7F}", count: 32), unit: String(repeating: "\u{01}", count: 48)
      ) {
        $0.decimals = 9
        $0.sensor.low = 0
      })
    bench.quality = .estimated
    let reading = ReadingRecord(
      kind: .event, point: 0, quality: .outOfRange, sequence: .max, instant: .boot,
      value: -9_223_372_036_854_773_760.125)
    let record = written { reading.encode(into: &$0) }
    let item = written { payload in
      bench.points.appendToPack(
        record.span, isFirst: false, at: bench.moment, payload: &payload)
    }
    #expect(item.count <= bench.points.packItemBytesMax)
    #expect(item.count > 600, "and the bound is not far off")
  }

  // MARK: Topics and records

  @Test func topicsOfOthersAreForeign() {
    let bench = DeviceBench(.input("door"))
    func prefix(_ topic: String) -> Int? {
      let bytes = utf8(topic)
      return bench.points.topicPrefixCount(in: bytes.span)
    }
    #expect(prefix("base/dev/cmd/door") == 9 && prefix("base/dev/x") == 9)
    for topic in ["", "base", "base/dev", "base/dev2/x", "base/deV/x", "Base/dev/x", "basexdev/x"] {
      #expect(prefix(topic) == nil, "\(topic)")
    }
    #expect(written { bench.points.appendTopicPrefix(to: &$0) } == utf8("base/dev/"))
  }

  @Test func readingRecordsReadBack() {
    for (quality, sequence) in [(Quality.good, UInt32(1)), (.outOfRange, .max)] {
      for value in [0, -1.5, .greatestFiniteMagnitude, .infinity] {
        let reading = ReadingRecord(
          kind: .event, point: 65_535, quality: quality, sequence: sequence,
          instant: Instant(nanoseconds: .max - 1), value: value)
        let bytes = written { reading.encode(into: &$0) }
        let back = ReadingRecord(bytes.span)
        #expect(bytes.count == ReadingRecord.size)
        #expect(back?.kind == .event && back?.point == 65_535 && back?.quality == quality)
        #expect(back?.sequence == sequence && back?.value == value)
        #expect(back?.instant == Instant(nanoseconds: .max - 1))
      }
    }
  }

  @Test func otherBytesAreNoReading() {
    let reading = ReadingRecord(
      kind: .state, point: 0, quality: .good, sequence: 1, instant: .boot, value: 0)
    let bytes = written { reading.encode(into: &$0) }
    func isReading(_ bytes: [UInt8]) -> Bool { ReadingRecord(bytes.span) != nil }
    #expect(isReading(bytes))
    #expect(!isReading([]) && !isReading(Array(bytes.dropLast())) && !isReading(bytes + [0]))
    for (place, value) in [(0, 0), (0, 3), (0, 4), (3, 5)] as [(Int, UInt8)] {
      var other = bytes
      other[place] = value
      #expect(!isReading(other))
    }
  }

  @Test func answersPushNoReadingOutAndAreCountedWhereThereIsNoRoom() {
    let bench = DeviceBench(.output("pump"), outboxBytes: 280)
    bench.drive()
    let name = utf8("pump")
    let payload = utf8("perhaps")
    for _ in 0..<20 {
      let command = Command(
        name: name.span, payload: payload.span, isRetained: false, points: bench.points)
      _ = bench.points.carryOut(
        command, at: bench.moment, brokerKeepsCommands: false, outbox: &bench.outbox)
    }
    #expect(bench.droppedInAll == 0 && bench.resultsDropped == 18)
    // The pump's state, and two answers.
    #expect(bench.said().count == 3)
  }
}
