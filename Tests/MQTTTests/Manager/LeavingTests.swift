import Core
import MQTT
import Testing

/// How a connection is left: what was published goes first, DISCONNECT is flushed, and the owner's
/// wish decides what comes next.
@Suite struct LeavingTests {
  private let disconnect: [UInt8] = [0xE0, 0]

  @Test func disconnectWaitsForAcknowledgements() throws {
    let bench = ManagerBench.online()
    let id = try bench.publish("a", tag: 1).packetID
    bench.output()
    bench.manager.disconnect(drain: .seconds(10), at: bench.now)
    bench.turn()
    #expect(bench.output() == [])
    #expect(bench.publishError("b", tag: 2) == .notConnected)
    #expect(bench.publishError("b", .atMostOnce, tag: 2) == .notConnected)
    #expect(bench.receive(answer(0x40, id)) == [.published(1, code: 0)])
    #expect(bench.output() == disconnect)
    #expect(bench.lose() == [.ended(.asked, wasOnline: true)])
    #expect(bench.isIdle && bench.actions.last == .close)
  }

  @Test func drainHasADeadlineAndLosesNothing() throws {
    let bench = ManagerBench.online()
    try bench.publish("a", tag: 1)
    bench.output()
    bench.manager.disconnect(drain: .seconds(10), at: bench.now)
    bench.turn()
    bench.pass(.seconds(10))
    #expect(bench.output() == disconnect)
    // The server does not close.
    #expect(bench.pass(.seconds(2)) == [.ended(.asked, wasOnline: true)])
    #expect(bench.isIdle && bench.owed == 1)
    bench.manager.connect()
    bench.accept()
    #expect(payloads(bench.output()) == ["a"])
  }

  /// Complaint 43: the DISCONNECT leaves before the transport is let go of.
  @Test func disconnectLeavesBeforeTheTransportIsLetGo() {
    let bench = ManagerBench.online()
    bench.manager.disconnect(at: bench.now)
    #expect(bench.turn() == [] && bench.actions == [.open])
    #expect(bench.output() == disconnect)
    #expect(bench.turn() == [] && bench.actions == [.open], "until the server closes")
  }

  /// A fault of the server's is told to it before the transport is let go of.
  @Test func lastWordLeavesFirst() {
    let bench = ManagerBench.online(level: .v50)
    #expect(
      bench.receive([0x00, 0]).last
        == .ended(
          .session(.malformed(.reservedType)), wasOnline: true))
    #expect(bench.actions == [.open])
    #expect(bench.output() == [0xE0, 1, 0x81])
    #expect(bench.turn() == [.retrying(attempt: 1)] && bench.actions == [.open, .close])
  }

  @Test func lastWordThatDoesNotLeaveHoldsNobodyUp() {
    let bench = ManagerBench.online(level: .v50)
    bench.receive([0x00, 0])
    #expect(bench.pass(.milliseconds(1_999)) == [])
    #expect(bench.pass(.milliseconds(1)) == [.retrying(attempt: 1)])
  }

  /// Complaint 7: what the owner wants and what there is are two things.
  @Test func disconnectIsForGood() {
    for (name, prepare) in Self.states {
      let bench = ManagerBench(level: .v50)
      prepare(bench)
      bench.manager.disconnect(at: bench.now)
      bench.turn()
      bench.output()
      bench.lose()
      let opens = bench.opens
      bench.pass(.seconds(3600))
      #expect(bench.isIdle && bench.opens == opens, "\(name)")
    }
  }

  /// Complaint 7, the reverse: a manual disconnect and connect leads to a connection that is kept.
  @Test func connectAfterDisconnectIsKept() {
    for (name, prepare) in Self.states {
      let bench = ManagerBench(level: .v50)
      prepare(bench)
      let opens = bench.opens
      bench.manager.disconnect(at: bench.now)
      bench.manager.connect()
      bench.turn()
      bench.output()
      if bench.opens == opens { bench.lose() }
      bench.accept()
      #expect(bench.isOnline, "\(name)")
      bench.lose()
      bench.accept()
      #expect(bench.isOnline, "\(name)")
    }
  }

  @Test func lastWishCounts() {
    for (name, prepare) in Self.states {
      let bench = ManagerBench(level: .v50)
      prepare(bench)
      bench.manager.disconnect(at: bench.now)
      bench.manager.connect()
      bench.manager.disconnect(at: bench.now)
      bench.turn()
      bench.output()
      bench.lose()
      let opens = bench.opens
      bench.pass(.seconds(3600))
      #expect(bench.isIdle && bench.opens == opens, "\(name)")
    }
  }

  /// The states that a manager can be in when the owner changes its mind.
  static let states: [(String, @Sendable (ManagerBench) -> Void)] = [
    ("idle", { _ in }),
    (
      "opening",
      {
        $0.manager.connect(); $0.awaitAttempt()
      }
    ),
    (
      "connecting",
      {
        $0.manager.connect(); $0.awaitAttempt(); $0.manager.opened(at: $0.now)
      }
    ),
    (
      "online",
      {
        $0.manager.connect(); $0.accept()
      }
    ),
    (
      "waiting",
      {
        $0.manager.connect(); $0.accept(); $0.lose()
      }
    ),
    (
      "ended",
      {
        $0.manager.connect(); $0.accept(); $0.manager.transportFailed(at: $0.now)
      }
    ),
    (
      "flushing",
      {
        $0.manager.connect(); $0.accept(); $0.receive([0x00, 0])
      }
    ),
    (
      "draining",
      {
        $0.manager.connect()
        $0.accept()
        _ = try? $0.publish("a", tag: 1)
        $0.manager.disconnect(drain: .seconds(10), at: $0.now)
        $0.turn()
      }
    ),
    (
      "leaving",
      {
        $0.manager.connect(); $0.accept(); $0.manager.disconnect(at: $0.now); $0.turn()
      }
    ),
  ]

  /// Without DISCONNECT the server publishes the will.
  @Test func abortSaysNothing() {
    for (name, prepare) in Self.states {
      let bench = ManagerBench(level: .v50)
      prepare(bench)
      bench.output()
      bench.manager.abort(at: bench.now)
      bench.turn()
      #expect(bench.output() == [] && bench.isIdle, "\(name)")
      let opens = bench.opens
      bench.pass(.seconds(3600))
      #expect(bench.isIdle && bench.opens == opens, "\(name)")
    }
  }

  @Test func disconnectWithReasonKeepsTheWill() throws {
    let bench = ManagerBench.online(level: .v50)
    try bench.manager.disconnect(
      reason: .disconnectWithWill, properties: Span(), at: bench.now)
    bench.turn()
    #expect(bench.output() == [0xE0, 1, 4])
    #expect(bench.lose() == [.ended(.asked, wasOnline: true)])
  }
}
