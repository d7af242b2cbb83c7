import Core
import MQTT
import Testing

/// Subscriptions that are kept.
@Suite struct KeptSubscriptionTests {
  /// The filters of the SUBSCRIBEs that are to be sent, with their identifiers.
  private func subscribes(_ bench: ManagerBench) -> [UInt16] {
    bench.packets().compactMap { packet in
      if case .subscribe(let subscribe) = packet { subscribe.packetID } else { nil }
    }
  }

  private func grant(_ bench: ManagerBench, _ id: UInt16, _ code: UInt8 = 1) -> [Told] {
    bench.receive([0x90, 3, UInt8(id >> 8), UInt8(id & 0xFF), code])
  }

  @Test func wantedOfflineIsAskedForOnceOnline() throws {
    let bench = ManagerBench()
    try bench.keep("a/#", tag: 7)
    bench.manager.connect()
    bench.accept()
    let ids = subscribes(bench)
    #expect(ids.count == 1)
    #expect(grant(bench, ids[0]) == [.granted(7, code: 1)])
  }

  @Test func restoredOnlyWithoutTheServersSession() throws {
    let bench = ManagerBench.online(cleanSession: false)
    try bench.keep("a", tag: 1)
    #expect(grant(bench, try #require(subscribes(bench).first)) == [.granted(1, code: 1)])
    bench.lose()
    bench.accept(sessionPresent: true)
    #expect(subscribes(bench) == [])
    bench.lose()
    bench.accept(sessionPresent: false)
    #expect(subscribes(bench).count == 1)
  }

  @Test func unansweredIsAskedForAgain() throws {
    let bench = ManagerBench.online(cleanSession: false)
    try bench.keep("a", tag: 1)
    #expect(subscribes(bench).count == 1)
    bench.lose()
    bench.accept(sessionPresent: true)
    #expect(subscribes(bench).count == 1)
  }

  @Test func refusedIsToldAndNotKept() throws {
    let bench = ManagerBench.online()
    try bench.keep("a", tag: 1)
    #expect(grant(bench, try #require(subscribes(bench).first), 0x80) == [.granted(1, code: 0x80)])
    bench.lose()
    bench.accept()
    #expect(subscribes(bench) == [])
  }

  @Test func forgottenIsNotRestored() throws {
    let bench = ManagerBench.online()
    try bench.keep("a", tag: 1)
    _ = grant(bench, try #require(subscribes(bench).first))
    let filter = utf8("a")
    let wasKept = bench.manager.forgetSubscription(filter: filter.span)
    #expect(wasKept)
    bench.lose()
    bench.accept()
    #expect(subscribes(bench) == [])
  }

  @Test func moreThanThereIsRoomForIsRefused() throws {
    let bench = ManagerBench()
    for (index, filter) in ["a", "b", "c"].enumerated() {
      try bench.keep(filter, tag: UInt32(index))
    }
    #expect(throws: RequestError.windowFull) { try bench.keep("d", tag: 9) }
    try bench.keep("b", tag: 9)
  }

  /// What a server does not take is told, and holds up neither messages nor other subscriptions.
  @Test func unaskableIsToldAndHoldsNothingUp() throws {
    let bench = ManagerBench(level: .v50)
    try bench.keep("a/#", tag: 1)
    try bench.keep("b", tag: 2)
    try bench.publish("x", tag: 3)
    bench.manager.connect()
    bench.awaitAttempt()
    bench.manager.opened(at: bench.now)
    bench.turn()
    bench.output()
    // No wildcards.
    let told = bench.receive([0x20, 5, 0, 0, 2, 0x28, 0])
    #expect(
      told == [
        .connected(sessionPresent: false), .notAsked(1, .wildcardsNotSupported),
      ])
    let sent = bench.output()
    #expect(sent.first == 0x82 && sent.contains(0x32), "the other one, and the message")
  }

  /// More subscriptions than may be asked for at once follow as answers come.
  @Test func manyAreAskedForAsAnswersCome() throws {
    let bench = ManagerBench()
    for (index, filter) in ["a", "b", "c"].enumerated() {
      try bench.keep(filter, tag: UInt32(index))
    }
    bench.manager.connect()
    bench.accept()
    let first = subscribes(bench)
    #expect(first.count == 2)
    #expect(grant(bench, first[0]) == [.granted(0, code: 1)])
    #expect(subscribes(bench).count == 1)
  }
}
