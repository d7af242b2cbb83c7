import Core
import MQTT
import Testing

@Suite struct ConnectTests {
  @Test func openingWritesConnect() {
    let bench = Bench(keepAlive: 60)
    bench.open()
    #expect(
      bench.output() == packet(0x10, prefixed("MQTT") + [4, 0x02, 0, 60] + prefixed("c")))
    #expect(!bench.isOnline)
    #expect(bench.receive([0x20, 2, 0, 0]) == .connected(sessionPresent: false))
    #expect(bench.isOnline)
  }

  @Test(arguments: 1...5 as ClosedRange<UInt8>)
  func refusalsAreTold(code: UInt8) throws {
    let bench = Bench()
    bench.open()
    let reason = try #require(ConnectReturnCode(rawValue: code))
    #expect(bench.receive([0x20, 2, 0, code]) == .refused(reason))
    #expect(bench.next() == nil && bench.deadline == .never)
    #expect(throws: PublishError.notConnected) { try bench.publish("a", .atMostOnce) }
    #expect(bench.reconnect(sessionPresent: false) == .connected(sessionPresent: false))
  }

  @Test func missingConnectAckFailsTheSession() {
    let bench = Bench(replyTimeout: .seconds(5))
    bench.open()
    #expect(bench.deadline == .boot + .seconds(5))
    bench.bring([0x20, 2, 0])
    #expect(bench.next(after: .milliseconds(4999)) == nil)
    #expect(bench.next(after: .milliseconds(1)) == .failed(.connectTimedOut))
    #expect(bench.next() == nil)
  }

  @Test func anyOtherFirstPacketFailsTheSession() {
    for bytes in [publishBytes("a", .atMostOnce), [0xD0, 0], answer(0x40, 1)] {
      let bench = Bench()
      bench.open()
      #expect(bench.receive(bytes) == .failed(.protocolViolation))
    }
  }

  @Test func aSecondConnectAckFailsTheSession() {
    #expect(Bench.online().receive([0x20, 2, 0, 0]) == .failed(.protocolViolation))
  }

  @Test func aSessionThatWasNotAskedForFailsTheSession() {
    let bench = Bench(cleanSession: true)
    bench.open()
    #expect(bench.receive([0x20, 2, 1, 0]) == .failed(.protocolViolation))
  }

  @Test func garbageFailsTheSession() {
    let bench = Bench.online()
    #expect(bench.receive(utf8("HTTP/1.1")) == .failed(.malformed(.invalidFlags)))
    #expect(bench.receive(utf8("more")) == nil)
    #expect(bench.deadline == .never)
  }

  @Test func connectThatDoesNotFitLeavesTheSessionClosed() {
    let bench = Bench()
    let long = [UInt8](repeating: 0x61, count: 600)
    #expect(throws: EncodeError.bufferFull) {
      try bench.session.open(bench.options, clientID: long.span, at: bench.now)
    }
    #expect(!bench.hasOutput)
    #expect(bench.connect() == .connected(sessionPresent: false))
  }

  @Test func disconnectIsTheLastPacket() throws {
    let bench = Bench.online()
    _ = try bench.publish("a", .atLeastOnce)
    bench.session.disconnect()
    bench.session.disconnect()
    #expect(bench.output() == publishBytes("a", .atLeastOnce, id: 1) + [0xE0, 0])
    #expect(throws: PublishError.notConnected) { try bench.publish("b", .atMostOnce) }
    #expect(bench.receive(publishBytes("x", .atLeastOnce, id: 7)) == nil)
    #expect(bench.receive(answer(0x40, 1)) == .acknowledged(token: 0x61))
    #expect(bench.output() == [])
    #expect(bench.receive([0xFF]) == nil)
  }

  @Test func messageHandledAfterDisconnectIsNotAcknowledged() {
    let bench = Bench.online()
    #expect(bench.text(bench.receive(publishBytes("x", .atLeastOnce, id: 7))) == "t x")
    bench.session.disconnect()
    #expect(bench.next() == nil)
    #expect(bench.output() == [0xE0, 0])
  }

  @Test func disconnectFitsBehindTheLongestConnect() throws {
    let bench = Bench()
    let longest = [UInt8](repeating: 0x61, count: 512 - 3 - 10 - 2 - 2)
    try bench.session.open(bench.options, clientID: longest.span, at: bench.now)
    bench.session.disconnect()
    #expect(bench.output().count == 512)
  }

  @Test func version31() {
    let bench = Bench(level: .v31, cleanSession: false)
    bench.open()
    #expect(
      bench.output() == packet(0x10, prefixed("MQIsdp") + [3, 0x00, 0, 60] + prefixed("c")))
    #expect(bench.receive([0x20, 2, 0, 0]) == .connected(sessionPresent: true))
  }
}
