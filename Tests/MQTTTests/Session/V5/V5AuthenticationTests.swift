import Core
import MQTT
import Testing

/// Enhanced authentication (section 4.12): the server asks, the client answers, over CONNECT and
/// again later.
@Suite struct V5AuthenticationTests {
  private let method = prop(.authenticationMethod, "SCRAM")
  private let other = prop(.authenticationMethod, "OTHER")

  private func opened() -> Bench {
    let bench = Bench.newV5(method)
    bench.open()
    _ = bench.output()
    return bench
  }

  private func online() -> Bench { .onlineV5(method, connack: method) }

  private func auth(_ code: UInt8, _ properties: [UInt8]) -> [UInt8] {
    packet(0xF0, [code] + sized(properties))
  }

  private func data(_ text: String) -> [UInt8] { method + prop(.authenticationData, text) }

  @Test func stepsUpToConnack() throws {
    let bench = opened()
    for step in ["1", "2"] {
      bench.now = bench.now + .seconds(4)
      #expect(
        bench.tell(auth(0x18, data(step))) == [
          "authenticate 0x18 authenticationMethod=SCRAM authenticationData=\(step)"
        ])
      try bench.authenticate(data("reply"))
      #expect(bench.output() == auth(0x18, data("reply")))
    }
    // The server has another `replyTimeout` for each step.
    bench.now = bench.now + .seconds(4)
    #expect(
      bench.tell(connectAckV5(0, data("final"))) == [
        "connected authenticationMethod=SCRAM authenticationData=final"
      ])
  }

  @Test func stepThatDoesNotComeTimesOut() throws {
    let bench = opened()
    bench.now = .boot + .seconds(4)
    bench.tell(auth(0x18, method))
    #expect(bench.deadline == .boot + .seconds(9))
    bench.now = .boot + .seconds(9)
    #expect(bench.events() == ["failed connectTimedOut"] && bench.output() == [])
  }

  @Test func serverCanRefuseOrAcceptAtOnce() {
    #expect(opened().tell(connectAckV5(0, method)).count == 1)
    #expect(opened().tell(connectAckV5(0x8C)) == ["refused 0x8c"])
  }

  /// [MQTT-4.12.0-5] and [MQTT-4.12.0-6]: the server names no method but that of CONNECT. One that
  /// does not repeat it is let pass.
  @Test func connackOfAnotherMethodIsAProtocolError() {
    let bench = opened()
    #expect(bench.tell(connectAckV5(0, other)) == ["failed protocolViolation"])
    #expect(bench.output() == [])
    let none = Bench.newV5()
    none.open()
    _ = none.output()
    #expect(none.tell(connectAckV5(0, method)) == ["failed protocolViolation"])
    #expect(opened().tell(connectAckV5()) == ["connected"])
  }

  @Test func stepsThatHaveNoPlaceBeforeConnack() {
    // Another method, a success, two steps in a row.
    let wrong = [
      auth(0x18, other), auth(0, method), [0xF0, 0], auth(0x18, method) + auth(0x18, method),
    ]
    for bytes in wrong {
      let bench = opened()
      #expect(bench.tell(bytes).last == "failed protocolViolation")
      #expect(bench.output() == [])
    }
    let bench = opened()
    #expect(bench.tell(auth(0x19, method)) == ["failed malformed invalidReturnCode"])
  }

  @Test func clientSpeaksWhenItIsAsked() throws {
    let bench = opened()
    #expect(throws: RequestError.windowFull) { try bench.authenticate(method) }
    bench.tell(auth(0x18, method))
    for wrong in [other, [], prop(.authenticationData, "x"), method + prop(.receiveMaximum, 1)] {
      #expect(throws: RequestError.invalidProperties) { try bench.authenticate(wrong) }
    }
    #expect(bench.output() == [])
    try bench.authenticate(method)
    #expect(throws: RequestError.windowFull) { try bench.authenticate(method) }
    #expect(bench.output() == auth(0x18, method))
  }

  @Test func authenticationAnew() throws {
    let bench = online()
    for _ in 0..<2 {
      try bench.authenticate(data("1"))
      #expect(bench.output() == auth(0x19, data("1")))
      // Messages go on meanwhile.
      try bench.send("x")
      #expect(bench.output() == publishV5("x"))
      #expect(throws: RequestError.windowFull) { try bench.authenticate(data("2")) }
      #expect(bench.tell(auth(0x18, method)) == ["authenticate 0x18 authenticationMethod=SCRAM"])
      try bench.authenticate(data("2"))
      #expect(bench.output() == auth(0x18, data("2")))
      #expect(bench.tell(auth(0, method)) == ["authenticate 0x0 authenticationMethod=SCRAM"])
    }
    // A success may go without a body.
    try bench.authenticate(method)
    #expect(bench.tell([0xF0, 0]) == ["authenticate 0x0"])
    try bench.authenticate(method)
    #expect(bench.tell([0xE0, 1, 0x87]) == ["disconnected 0x87"])
  }

  /// Only the client begins.
  @Test(arguments: [0x18 as UInt8, 0])
  func serverThatBeginsIsAProtocolError(code: UInt8) {
    let bench = online()
    #expect(bench.tell(auth(code, method)) == ["failed protocolViolation"])
    #expect(bench.output() == [0xE0, 1, 0x82])
  }

  @Test func anotherMethodInTheMiddleIsAProtocolError() throws {
    let bench = online()
    try bench.authenticate(method)
    _ = bench.output()
    #expect(bench.tell(auth(0x18, other)) == ["failed protocolViolation"])
    #expect(bench.output() == [0xE0, 1, 0x82])
  }

  @Test func authWithoutAMethodInConnectIsAProtocolError() {
    let bench = Bench.onlineV5()
    #expect(bench.tell(auth(0x18, method)) == ["failed protocolViolation"])
    #expect(bench.output() == [0xE0, 1, 0x82])
    let client = Bench.onlineV5()
    #expect(throws: RequestError.invalidProperties) { try client.authenticate(method) }
    client.session.closed()
    #expect(throws: RequestError.notConnected) { try client.authenticate(method) }
  }

  @Test func authenticationEndsWithItsConnection() throws {
    let bench = online()
    try bench.authenticate(method)
    bench.reconnectV5(sessionPresent: false, connack: method)
    try bench.authenticate(method)
    #expect(bench.output() == auth(0x19, method))
  }
}
