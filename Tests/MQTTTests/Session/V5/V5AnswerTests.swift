import Core
import MQTT
import Testing

/// What the server says to messages of ours, with all its reasons and properties, and what it says
/// without having been asked (sections 3.4 to 3.7 and 4.3).
@Suite struct V5AnswerTests {
  private let why = prop(.reasonString, "why") + prop(user: "k", "v")

  @Test(arguments: [UInt8(0x10), 0x80, 0x83, 0x87, 0x90, 0x91, 0x97, 0x99])
  func reasonOfPubackIsReported(code: UInt8) throws {
    let bench = Bench.onlineV5()
    try bench.send("a", .atLeastOnce)
    try bench.send("b", .atLeastOnce)
    #expect(bench.tell(answerV5(0x40, 1, code)) == ["acknowledged 97 \(hex(code))"])
    #expect(
      bench.tell(answerV5(0x40, 2, code, why)) == [
        "acknowledged 98 \(hex(code)) reasonString=why k:v"
      ])
    #expect(bench.inflightCount == 0)
  }

  @Test func pubackInEachOfItsForms() throws {
    let bench = Bench.onlineV5()
    for id in 1...4 as ClosedRange<UInt16> { #expect(try bench.send("a", .atLeastOnce) == id) }
    #expect(bench.tell([0x40, 2, 0, 1]) == ["acknowledged 97 0x0"])
    #expect(bench.tell([0x40, 3, 0, 2, 0]) == ["acknowledged 97 0x0"])
    #expect(bench.tell([0x40, 4, 0, 3, 0, 0]) == ["acknowledged 97 0x0"])
    #expect(bench.tell(answerV5(0x40, 4, 0, why)) == ["acknowledged 97 0x0 reasonString=why k:v"])
  }

  /// A PUBREC of 0x80 or more is the last word: no PUBREL follows (section 4.3.3).
  @Test(arguments: [UInt8(0x80), 0x83, 0x87, 0x90, 0x91, 0x97, 0x99])
  func refusingPubrecEndsTheMessage(code: UInt8) throws {
    let bench = Bench.onlineV5()
    try bench.send("a", .exactlyOnce)
    _ = bench.output()
    #expect(
      bench.tell(answerV5(0x50, 1, code, why)) == [
        "acknowledged 97 \(hex(code)) reasonString=why k:v"
      ])
    #expect(bench.output() == [] && bench.inflightCount == 0)
  }

  @Test func pubrecThatHasMoreToSayIsReportedBeforePubcomp() throws {
    let bench = Bench.onlineV5()
    for payload in ["a", "b", "c"] { try bench.send(payload, .exactlyOnce) }
    _ = bench.output()
    #expect(bench.tell(answerV5(0x50, 1, 0x10)) == ["received 97 0x10"])
    #expect(bench.tell(answerV5(0x50, 2, 0, why)) == ["received 98 0x0 reasonString=why k:v"])
    #expect(bench.tell(answerV5(0x50, 3, 0)) == [])
    #expect(bench.output() == answer(0x62, 1) + answer(0x62, 2) + answer(0x62, 3))
    #expect(
      bench.tell(answerV5(0x70, 1, 0, why)) == ["acknowledged 97 0x0 reasonString=why k:v"])
    // The server has lost it: nobody can do more.
    #expect(bench.tell(answerV5(0x70, 2, 0x92)) == ["acknowledged 98 0x92"])
    #expect(bench.tell(answer(0x70, 3)) == ["acknowledged 99 0x0"])
  }

  @Test func pubrecOfTheSameMessageAgainIsAnsweredAgain() throws {
    let bench = Bench.onlineV5()
    try bench.send("a", .exactlyOnce)
    _ = bench.output()
    bench.tell(answer(0x50, 1) + answer(0x50, 1))
    // A refusal after it was taken changes nothing.
    #expect(bench.tell(answerV5(0x50, 1, 0x80)) == [])
    #expect(bench.output() == answer(0x62, 1) + answer(0x62, 1))
    #expect(bench.tell(answer(0x70, 1)) == ["acknowledged 97 0x0"])
  }

  /// Rule 3 of the driver: what was not asked for changes nothing, and is answered where the server
  /// waits for it.
  @Test func unsolicitedAnswers() throws {
    let bench = Bench.onlineV5()
    let nothing = [
      answer(0x40, 5), answerV5(0x40, 5, 0x80, why), answer(0x70, 5), answerV5(0x70, 5, 0x92),
      [0x90, 4, 0, 5, 0, 0], [0xB0, 4, 0, 5, 0, 0], [0xD0, 0], answerV5(0x50, 5, 0x80),
    ]
    for bytes in nothing {
      #expect(bench.tell(bytes) == [])
      #expect(bench.output() == [])
    }
    #expect(bench.counters.unsolicited == 7)
    #expect(bench.tell(answer(0x50, 5)) == [])
    #expect(bench.output() == answerV5(0x62, 5, 0x92))
    #expect(bench.tell(answerV5(0x50, 6, 0x10, why)) == [])
    #expect(bench.output() == answerV5(0x62, 6, 0x92))
    #expect(bench.tell(answer(0x62, 5)) == [])
    #expect(bench.output() == answerV5(0x70, 5, 0x92))
    #expect(bench.tell(answerV5(0x62, 5, 0x92, why)) == [])
    #expect(bench.output() == answerV5(0x70, 5, 0x92))
    #expect(bench.counters.unsolicited == 11 && bench.isOnline)
    // None took an identifier or a place.
    #expect(try bench.send("a", .exactlyOnce) == 1)
  }

  /// PUBREC for a QoS 1 message, an answer to a request of the other kind.
  @Test func answersOfTheWrongKind() throws {
    let bench = Bench.onlineV5()
    try bench.send("a", .atLeastOnce)
    #expect(try bench.subscribe("f", .atMostOnce) == 2)
    #expect(try bench.unsubscribe("f") == 3)
    _ = bench.output()
    #expect(bench.tell(answer(0x50, 1)) == [])
    #expect(bench.output() == answerV5(0x62, 1, 0x92))
    #expect(bench.tell([0xB0, 4, 0, 2, 0, 0] + [0x90, 4, 0, 3, 0, 0] + answer(0x40, 2)) == [])
    #expect(bench.tell([0x90, 4, 0, 2, 0, 0]) == ["subscribed 2 [0x0]"])
    #expect(bench.tell([0xB0, 4, 0, 3, 0, 0]) == ["unsubscribed 3 [0x0]"])
    #expect(bench.tell(answer(0x40, 1)) == ["acknowledged 97 0x0"])
  }

  @Test func repeatedPubrelIsAnsweredWithNotFoundTheSecondTime() {
    let bench = Bench.onlineV5()
    bench.tell(publishV5("a", .exactlyOnce, id: 7))
    _ = bench.output()
    bench.tell(answer(0x62, 7) + answer(0x62, 7))
    #expect(bench.output() == answer(0x70, 7) + answerV5(0x70, 7, 0x92))
  }

  /// An identifier is in use for one message at a time (section 2.2.1).
  @Test func identifierOfAMessageAtAnotherQoSIsAViolation() {
    let bench = Bench.onlineV5()
    bench.tell(publishV5("a", .exactlyOnce, id: 7))
    _ = bench.output()
    #expect(bench.tell(publishV5("b", .atLeastOnce, id: 7)) == ["failed protocolViolation"])
    #expect(bench.output() == [0xE0, 1, 0x82])
  }

  @Test func clientThatWantsNoReasonsHoldsTheServerToIt() throws {
    let bench = Bench.onlineV5(prop(.requestProblemInformation, 0))
    try bench.send("a", .atLeastOnce)
    #expect(bench.tell(publishV5("x", with: prop(user: "k", "v"))) == ["message t 'x' k:v"])
    _ = bench.output()
    #expect(
      bench.tell(answerV5(0x40, 1, 0x80, why)) == ["failed malformed unwantedProperty"])
    #expect(bench.output() == [0xE0, 1, 0x82])
  }
}
