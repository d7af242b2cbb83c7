import Core
import Device
import TestSupport
import Testing

/// Which commands are carried out, and what is said to the others.
@Suite struct CommandTests {
  @Test(arguments: [
    "true", "1", "1.0", "10e-1", "on", "ON", "On", "oN", "TRUE", #""on""#, #""ON""#, #""true""#,
    " true ", #"{"v":true}"#, #"{"v":1}"#, #"{"v":"On"}"#, #" { "v" : true } "#,
    #"{"\u0076":true}"#, #"{"id":"7","v":true}"#,
  ])
  func on(payload: String) {
    let bench = DeviceBench(.output("pump"))
    #expect(bench.command(payload) == "done on")
    #expect(bench.driven() == ["pump false", "pump true"])
  }

  @Test(arguments: [
    "false", "0", "0.0", "-0", "off", "OFF", #""off""#, #"{"v":false}"#, #"{"v":0}"#,
    #"{"v":"OFF"}"#,
  ])
  func off(payload: String) {
    let bench = DeviceBench(.output("pump") { $0.output.start = true })
    #expect(bench.command(payload) == "done off")
    #expect(bench.driven() == ["pump true", "pump false"])
  }

  @Test(arguments: [
    "2", "-1", "0.5", "null", #""""#, #""yes""#, #""1""#, #"{"v":2}"#, #"{"v":null}"#,
    #"{"v":"perhaps"}"#,
  ])
  func valueThatIsNeitherOnNorOffIsRefused(payload: String) {
    expectRefusal(payload, "bad-value")
  }

  @Test(arguments: [
    "", " ", "yes", "onn", "tru", "{", "}", "[", "[]", "[true]", "{}", #"{"v"}"#, #"{"v":}"#,
    #"{"v":true"#, #"{"v":true,}"#, #"{"v":true}x"#, #"{"v":true}{"v":true}"#, "true true",
    #"{v:true}"#, "{'v':true}", #"{"V":true}"#, #"{"id":"7"}"#, #"{"v":[]}"#, #"{"v":[true]}"#,
    #"{"v":{}}"#, #"{"v":{"v":true}}"#, "\u{FEFF}true", "//true", "1e400",
    #"{"v":true,"unknown":"x"}"#,
    #"{"v":true,"unknown":{"v":false}}"#,
  ])
  func payloadThatIsNoCommandIsRefused(payload: String) {
    expectRefusal(payload, "malformed")
  }

  @Test(arguments: [
    #""id":7"#, #""id":null"#, #""id":["x"]"#, #""for":5"#, #""for":"""#, #""for":"5"#,
    #""for":"5 m""#, #""for":"5M""#, #""for":"0s""#, #""for":"-5s""#, #""for":"1e3s""#,
    #""for":"101y""#, #""for":"40000d""#, #""for":"5\u006d""#, #""maxAge":10"#,
    #""maxAge":"soon""#, #""maxAge":true"#, #""t":1795409400"#, #""t":"yesterday""#,
    #""t":"2026-11-23""#, #""t":"2026-11-23T04:50:00""#, #""t":"2026-02-29T04:50:00Z""#,
  ])
  func memberOfTheWrongTypeIsRefused(member: String) {
    expectRefusal(#"{"v":true,"# + member + "}", "malformed")
    expectRefusal("{" + member + #","v":true}"#, "malformed")
  }

  @Test func depthAndLengthAreBounded() {
    expectRefusal(String(repeating: "[", count: 10_000), "malformed")
    expectRefusal(String(repeating: #"{"v":"#, count: 10_000), "malformed")
    expectRefusal(String(repeating: "1", count: 10_000), "malformed")
    expectRefusal("\"" + String(repeating: "on", count: 10_000) + "\"", "bad-value")
    expectRefusal(String(repeating: " ", count: 10_000), "malformed")
  }

  @Test(
    arguments: [
      [0xFF], [0x00], [0x22, 0xC0, 0xAF, 0x22], [0x22, 0x80, 0x22], [0x7B, 0x22, 0xFF, 0x22, 0x3A],
      [0x22, 0xED, 0xA0, 0x80, 0x22],
    ] as [[UInt8]])
  func bytesThatAreNoTextAreRefused(payload: [UInt8]) {
    let bench = DeviceBench(.output("pump"))
    let answer = bench.answer(payload)
    #expect(answer?.members?.result == "refused")
    #expect(bench.driven() == ["pump false"])
  }

  @Test(arguments: 1...20 as ClosedRange<UInt64>)
  func mutilatedCommandsAreAnswered(seed: UInt64) {
    var chance = Generator(seed: seed)
    let bench = DeviceBench(.output("pump"))
    let whole = utf8(
      #"{"v":true,"id":"\u00e4-\n7","for":"5m","maxAge":"10s","t":"2026-11-23T04:50:00.5Z"}"#)
    for _ in 0..<300 {
      var payload = whole
      for _ in 0...chance.next(below: 3) {
        let place = Int(chance.next(below: UInt64(payload.count)))
        switch chance.next(below: 3) {
        case 0: payload[place] = UInt8(truncatingIfNeeded: chance.next())
        case 1: payload.insert(whole[Int(chance.next(below: UInt64(whole.count)))], at: place)
        default: payload.remove(at: place)
        }
      }
      #expect(bench.answer(payload)?.members?.result != nil)
    }
    #expect(bench.command("off") == "done off")
  }

  // MARK: The point

  @Test func onlyOutputsTakeCommands() {
    let bench = DeviceBench(.output("pump"), .input("door"), .sensor("air"))
    #expect(bench.command("on", to: "door") == "refused not-an-output")
    #expect(bench.command("on", to: "air") == "refused not-an-output")
    for name in ["pum", "pumps", "PUMP", "", "pump/x"] {
      #expect(bench.command("on", to: name) == "refused unknown-point")
    }
    #expect(bench.driven() == ["pump false"])
  }

  @Test func retainedCommandIsRefusedWhateverItSays() {
    let bench = DeviceBench(.output("pump"))
    for payload in ["on", "perhaps", ""] {
      #expect(bench.command(payload, isRetained: true) == "refused retained")
    }
    #expect(bench.driven() == ["pump false"])
  }

  @Test func lineThatReadsBackOtherwiseHasFailed() {
    let bench = DeviceBench(.output("pump"))
    bench.readBack = { _ in false }
    #expect(bench.command("on") == "failed off")
  }

  // MARK: The answer

  @Test func answerCarriesTheIdentifier() {
    let bench = DeviceBench(.output("pump"))
    let answer = bench.answer(utf8(#"{"v":true,"id":"job \"7\"\n\u00e4"}"#))
    #expect(answer?.members?.id == "job \"7\"\nä")
    #expect(answer?.members?.point == "pump" && answer?.isRetained == false)
    #expect(answer?.members?.t == "2026-11-23T04:50:00.000Z" && answer?.members?.tq == "synced")
  }

  @Test func refusalCarriesTheIdentifierThatWasReadBeforeTheMistake() {
    let bench = DeviceBench(.output("pump"))
    let answer = bench.answer(utf8(#"{"id":"7","v":true,"for":"5x"}"#))
    #expect(answer?.members?.id == "7" && answer?.members?.reason == "malformed")
  }

  @Test func identifierHas64BytesAtMost() {
    let longest = String(repeating: "x", count: 64)
    let bench = DeviceBench(.output("pump"))
    #expect(bench.answer(utf8(#"{"v":1,"id":"\#(longest)"}"#))?.members?.id == longest)
    expectRefusal(#"{"v":1,"id":"\#(longest)x"}"#, "malformed")
  }

  @Test func longNameIsAnsweredByItsBeginning() {
    let bench = DeviceBench(.output("pump"))
    let answer = bench.answer(utf8("on"), to: String(repeating: "ä", count: 100))
    #expect(answer?.members?.reason == "unknown-point")
    #expect(answer?.members?.point == String(repeating: "ä", count: 32))
    let cut = bench.answer(utf8("on"), to: "x" + String(repeating: "ä", count: 100))
    #expect(cut?.members?.point?.hasPrefix("xää") == true, "a character cut in two is still JSON")
  }

  // MARK: Age

  @Test(arguments: [
    ("2026-11-23T04:49:50Z", "done on"), ("2026-11-23T04:49:49.999Z", "refused too-old"),
    ("2026-11-23T05:49:55+01:00", "done on"), ("2026-11-23T04:50:05Z", "done on"),
    ("2025-11-23T04:50:00Z", "refused too-old"), ("0000-01-01T00:00:00Z", "refused too-old"),
    ("0001-01-01T00:00:00+23:59", "refused too-old"),
    ("2026-11-23T04:50:10Z", "done on"), ("2026-11-23T04:50:10.001Z", "refused age-unknown"),
    ("9999-12-31T23:59:59Z", "refused age-unknown"),
  ])
  func ageIsReckonedFromTheSendersTime(time: String, expected: String) {
    let bench = DeviceBench(.output("pump"))
    #expect(bench.command(#"{"v":true,"maxAge":"10s","t":"\#(time)"}"#) == expected)
  }

  @Test func timeWithoutALimitIsNoMatter() {
    let bench = DeviceBench(.output("pump"))
    #expect(bench.command(#"{"v":true,"t":"2001-01-01T00:00:00Z"}"#) == "done on")
  }

  @Test func ageIsUnknownWithoutAClock() {
    let bench = DeviceBench(.output("pump"))
    bench.quality = .none
    let payload = #"{"v":true,"maxAge":"10s","t":"2026-11-23T04:50:00Z"}"#
    #expect(bench.command(payload) == "refused age-unknown")
    bench.quality = .estimated
    #expect(bench.command(payload) == "done on")
  }

  @Test func commandWithoutATimeIsAsYoungAsItsArrival() {
    let bench = DeviceBench(.output("pump"))
    let payload = #"{"v":true,"maxAge":"10s"}"#
    #expect(bench.command(payload) == "done on")
    #expect(bench.command(payload, brokerKeepsCommands: true) == "refused age-unknown")
    #expect(bench.command("on", brokerKeepsCommands: true) == "refused age-unknown")
    let dated = #"{"v":true,"maxAge":"10s","t":"2026-11-23T04:49:55Z"}"#
    #expect(bench.command(dated, brokerKeepsCommands: true) == "done on")
  }

  private func expectRefusal(
    _ payload: String, _ reason: String, sourceLocation: SourceLocation = #_sourceLocation
  ) {
    let bench = DeviceBench(.output("pump"))
    #expect(
      bench.command(payload) == "refused \(reason)", "\(payload.prefix(60))",
      sourceLocation: sourceLocation)
    #expect(bench.driven() == ["pump false"], sourceLocation: sourceLocation)
  }
}
