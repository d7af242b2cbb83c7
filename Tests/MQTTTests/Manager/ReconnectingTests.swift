import Core
import MQTT
import Testing

/// When a manager connects, and when it does not (mqtt-complaints: "Reconnecting").
@Suite struct ReconnectingTests {
  @Test func nothingHappensBeforeConnect() {
    let bench = ManagerBench()
    #expect(bench.pass(.seconds(3600)) == [])
    #expect(bench.actions == [] && bench.isIdle && bench.deadline == .never)
  }

  @Test func connectOpensAtOnce() {
    let bench = ManagerBench()
    bench.manager.connect()
    bench.manager.connect()
    #expect(bench.turn() == [] && bench.actions == [.open], "once")
    #expect(bench.accept() == [.connected(sessionPresent: false)])
    #expect(bench.isOnline)
  }

  /// Ways in which a connection, or an attempt, comes to its end.
  enum Loss: CaseIterable {
    case notOpened, closedBeforeConnectAck, noConnectAck, refusedForNow, refusedForGood
    case garbageForConnectAck, closed, garbage, noPingResponse, trickle, disconnected

    /// What ends, and whether it was online.
    var told: (ConnectionEnd, Bool) {
      switch self {
      case .notOpened, .closedBeforeConnectAck: (.transport, false)
      case .noConnectAck: (.session(.connectTimedOut), false)
      case .refusedForNow: (.refused(.reason(.serverUnavailable)), false)
      case .refusedForGood: (.refused(.reason(.badUserNameOrPassword)), false)
      case .garbageForConnectAck: (.session(.malformed(.reservedType)), false)
      case .closed: (.transport, true)
      case .garbage: (.session(.malformed(.reservedType)), true)
      case .noPingResponse: (.session(.pingTimedOut), true)
      case .trickle: (.session(.packetTimedOut), true)
      case .disconnected: (.disconnected(.serverShuttingDown), true)
      }
    }

    func happen(to bench: ManagerBench) -> [Told] {
      guard self != .notOpened else { return bench.lose() }
      guard told.1 else {
        bench.manager.opened(at: bench.now)
        bench.turn()
        bench.output()
        switch self {
        case .noConnectAck: return bench.pass(.seconds(5))
        case .refusedForNow: return bench.receive([0x20, 3, 0, 0x88, 0])
        case .refusedForGood: return bench.receive([0x20, 3, 0, 0x86, 0])
        case .garbageForConnectAck: return bench.receive([0x00, 0])
        default: return bench.lose()
        }
      }
      bench.accept()
      switch self {
      case .garbage: return bench.receive([0x00, 0])
      case .noPingResponse: return bench.pass(.seconds(66))
      case .trickle: return bench.receive([0x30]) + bench.pass(.seconds(16))
      case .disconnected: return bench.receive([0xE0, 1, 0x8B])
      default: return bench.lose()
      }
    }
  }

  /// Complaint 4: one state machine, and every reason goes through it.
  @Test(arguments: Loss.allCases)
  func everyLossGoesThroughTheBackoff(loss: Loss) {
    let bench = ManagerBench(level: .v50) { $0.backoffMinimum = .seconds(8) }
    bench.manager.connect()
    bench.awaitAttempt()
    var told = loss.happen(to: bench)
    // A last DISCONNECT leaves first.
    bench.output()
    told += bench.turn()
    #expect(
      told.filter { $0 != .connected(sessionPresent: false) }
        == [.ended(loss.told.0, wasOnline: loss.told.1), .retrying(attempt: 1)])
    #expect(bench.actions.last == .close && bench.opens == 1, "never two sockets at a time")
    let wait = bench.waits.last ?? .zero
    #expect(wait >= Backoff.floor)
    #expect(bench.deadline == bench.now + wait)
    #expect(bench.pass(wait - .milliseconds(1)) == [] && bench.opens == 1)
    bench.pass(.milliseconds(1))
    #expect(bench.opens == 2)
  }

  /// Complaint 1: a refusal that will not pass by itself leads to the longest waits.
  @Test func permanentRefusalWaitsLong() {
    let bench = ManagerBench()
    bench.manager.connect()
    bench.awaitAttempt()
    bench.manager.opened(at: bench.now)
    bench.turn()
    bench.output()
    bench.receive([0x20, 2, 0, 4])
    #expect(bench.waits.last.map { $0 >= .seconds(60) } == true)
  }

  /// Who says so has one back-off for all causes.
  @Test func permanentRefusalCanWaitAsAnyLoss() {
    let bench = ManagerBench {
      $0.backoffJitter = .none
      $0.slowsAfterRefusal = false
    }
    bench.manager.connect()
    bench.awaitAttempt()
    bench.manager.opened(at: bench.now)
    bench.turn()
    bench.output()
    bench.receive([0x20, 2, 0, 4])
    #expect(bench.waits.last == .seconds(1))
  }

  /// A connection that has only lasted counts, whether the broker had anything to say or not.
  @Test func silentConnectionIsStableToo() {
    let bench = ManagerBench {
      $0.backoffJitter = .none
      $0.stableAfter = .seconds(10)
    }
    bench.manager.connect()
    for _ in 0..<3 {
      bench.accept()
      bench.pass(.seconds(11))
      bench.lose()
    }
    #expect(bench.waits.map(\.seconds) == [1, 1, 1])
  }

  /// Complaint 3: never bypass the back-off because of a publish.
  @Test func publishDoesNotBypassTheBackoff() throws {
    let bench = ManagerBench.online { $0.backoffMinimum = .seconds(100) }
    bench.lose()
    let deadline = bench.deadline
    for tag in 0..<3 as Range<UInt64> { try bench.publish("x", tag: tag) }
    bench.turn()
    #expect(bench.deadline == deadline && bench.opens == 1)
  }

  /// Complaint 2: two clients with one name do not throw each other out as fast as they can.
  @Test func shortConnectionsDoNotResetTheBackoff() {
    let bench = ManagerBench {
      $0.backoffJitter = .none
      $0.stableAfter = .seconds(60)
    }
    bench.manager.connect()
    for _ in 0..<5 {
      bench.accept()
      bench.pass(.seconds(20))
      bench.lose()
    }
    #expect(bench.waits.map(\.seconds) == [1, 2, 4, 8, 16])
    #expect(bench.shortConnections == 5)
    bench.accept()
    bench.pass(.seconds(30))
    bench.receive([0xD0, 0])
    bench.pass(.seconds(31))
    bench.lose()
    #expect(bench.waits.last == .seconds(1) && bench.shortConnections == 0)
  }

  /// Complaint 11: attempts that fail at once never spin.
  @Test func failingAtOnceNeverSpins() {
    let bench = ManagerBench {
      $0.backoffMinimum = .zero
      $0.backoffMaximum = .zero
    }
    bench.manager.connect()
    for _ in 0..<50 {
      bench.awaitAttempt()
      bench.lose()
    }
    #expect(bench.waits.count == 50 && bench.waits.allSatisfy { $0 >= .milliseconds(5) })
  }

  /// Complaint 5: minimum, maximum and growth are the owner's.
  @Test func boundsOfTheBackoffAreTheOwners() {
    let bench = ManagerBench {
      $0.backoffMinimum = .milliseconds(500)
      $0.backoffMaximum = .seconds(9)
      $0.backoffGrowthPercent = 300
      $0.backoffJitter = .none
    }
    bench.manager.connect()
    for _ in 0..<5 {
      bench.awaitAttempt()
      bench.lose()
    }
    #expect(bench.waits.map(\.milliseconds) == [500, 1_500, 4_500, 9_000, 9_000])
  }

  @Test func withoutReconnectingALossIsTheEnd() {
    let bench = ManagerBench.online { $0.reconnects = false }
    #expect(bench.lose() == [.ended(.transport, wasOnline: true)])
    #expect(bench.pass(.seconds(3600)) == [] && bench.opens == 1 && bench.isIdle)
  }

  /// Complaint 10: credentials can change between attempts.
  @Test func identityCanChangeBeforeEachAttempt() {
    let bench = ManagerBench()
    bench.manager.connect()
    for password in ["old", "new"] {
      bench.awaitAttempt()
      let name = utf8("c")
      let user = utf8("u")
      let secret = utf8(password)
      let isTaken = bench.manager.identify(
        ConnectIdentity(clientID: name.span, userName: user.span, password: secret.span))
      #expect(isTaken)
      bench.manager.opened(at: bench.now)
      bench.turn()
      let sent = bench.output()
      guard case .packet(.connect(let connect), _) = decode(sent, from: .client) else {
        Issue.record("not CONNECT")
        return
      }
      #expect(connect.password.map { sent.text($0) } == password)
      bench.receive([0x20, 2, 0, 4])
    }
  }

  @Test func identityThatDoesNotFitChangesNothing() {
    let bench = ManagerBench()
    let name = [UInt8](repeating: UInt8(ascii: "n"), count: 65)
    let isTaken = bench.manager.identify(ConnectIdentity(clientID: name.span))
    #expect(!isTaken)
    bench.manager.connect()
    bench.awaitAttempt()
    bench.manager.opened(at: bench.now)
    bench.turn()
    let sent = bench.output()
    guard case .packet(.connect(let connect), _) = decode(sent, from: .client) else {
      Issue.record("not CONNECT")
      return
    }
    #expect(sent.text(connect.clientID) == "c")
  }

  /// An identity that cannot be written is told, and waits as long as any permanent refusal.
  @Test func identityThatCannotBeWrittenIsTold() {
    let bench = ManagerBench(level: .v311, cleanSession: false)
    _ = bench.manager.identify(ConnectIdentity(clientID: Span()))
    bench.manager.connect()
    bench.awaitAttempt()
    bench.manager.opened(at: bench.now)
    let told = bench.turn()
    #expect(told.first == .ended(.unopenable(.invalidClientID), wasOnline: false))
    #expect(bench.waits.last.map { $0 >= .seconds(60) } == true)
  }
}
