import CLinux
import Core
import Dialing
import Glibc
import TestSupport
import Testing

@testable import Linux

/// Sends back what comes, until there is no more.
@Sendable func echo(_ connection: Peer.Connection, _ peer: Peer) {
  while true {
    let bytes = connection.read()
    if bytes.isEmpty { return }
    connection.write(bytes)
  }
}

@Suite(.serialized) struct TransportTests {
  private func isEcho(_ bench: TransportBench) -> Bool {
    bench.send("hello")
    return bench.receive(5) == utf8("hello")
  }

  @Test func aNameLeadsToAStreamOfBytes() throws {
    let peer = try Peer(echo)
    for host in ["127.0.0.1", "localhost"] {
      let bench = try TransportBench("mqtt://\(host):\(peer.port)")
      #expect(!bench.isOpen)
      #expect(bench.open() == .opened)
      #expect(bench.isOpen && isEcho(bench))
      bench.close()
      #expect(!bench.isOpen)
    }
    #expect(peer.connections == 2)
  }

  @Test func aUnixSocketIsOpenAtOnce() throws {
    let folder = try Scratch()
    let peer = try Peer(path: folder.path + "/b.sock", echo)
    let bench = try TransportBench("unix://\(folder.path)/b.sock")
    #expect(bench.open() == .opened && isEcho(bench))
    let missing = try TransportBench("unix://\(folder.path)/c.sock")
    #expect(missing.open() == .failed(.connectFailed(code: ENOENT)))
    #expect(peer.connections == 1)
  }

  @Test func plainTCPTakesNoBuffer() throws {
    #expect(try TransportBench("mqtt://b").rows == ["strings of the way to the broker"])
    #expect(try TransportBench("ws://b").rows.last == "WebSocket send buffer")
    #expect(try TransportBench("mqtt://b", proxy: "http://p:1").rows.last == "proxy send buffer")
  }

  @Test func aNameThatDoesNotResolveIsReported() throws {
    let bench = try TransportBench("mqtt://no-such-host.invalid")
    guard case .failed(.nameNotResolved(let code))? = bench.open() else {
      Issue.record("it resolves")
      return
    }
    #expect(code != 0)
    let words = text { DialFault.nameNotResolved(code: code).describe(into: &$0) }
    #expect(words.hasPrefix("name-not-resolved (") && words.count > 25)
  }

  @Test func withoutNameServersTheLastGoodAddressServes() throws {
    let peer = try Peer(echo)
    let bench = try TransportBench("mqtt://localhost:\(peer.port)")
    let fault = Transport.Event.failed(.nameNotResolved(code: EAI_AGAIN))
    #expect(bench.open(resolverError: EAI_AGAIN) == fault, "none is known")
    #expect(bench.open() == .opened && isEcho(bench))
    #expect(bench.open(resolverError: EAI_AGAIN) == .opened && isEcho(bench))
    #expect(bench.open(resolverError: EAI_FAIL) == .opened && isEcho(bench))
    #expect(peer.connections == 3)
  }

  @Test func aNameThatIsNoMoreIsNotReachedAtItsLastAddress() throws {
    let peer = try Peer(echo)
    let bench = try TransportBench("mqtt://localhost:\(peer.port)")
    #expect(bench.open() == .opened && isEcho(bench))
    for code in [EAI_NONAME, -5 as Int32] {  // EAI_NODATA is the GNU C library's own.
      #expect(bench.open(resolverError: code) == .failed(.nameNotResolved(code: code)))
    }
    #expect(peer.connections == 1)
  }

  @Test func aLastAddressThatIsDeadTellsOfTheName() throws {
    let bench: TransportBench
    do {
      let listener = try Listener(at: .loopback(port: 0))
      bench = try TransportBench("mqtt://localhost:\(try listener.address.port)")
      #expect(bench.open() == .opened)
      bench.close()
      _ = try listener.address
    }
    #expect(
      bench.open(resolverError: EAI_AGAIN) == .failed(.nameNotResolved(code: EAI_AGAIN)))
  }

  @Test func eachBrokerHasALastAddressOfItsOwn() throws {
    let peer = try Peer(echo)
    let bench = try TransportBench("mqtt://localhost:\(peer.port)") { spec, add in
      _ = spec.others.append(Endpoint(.tcp, host: add("b"), port: peer.port))
    }
    #expect(bench.open() == .opened)
    bench.transport.turn(to: 1)
    #expect(
      bench.open(resolverError: EAI_AGAIN) == .failed(.nameNotResolved(code: EAI_AGAIN)))
    bench.transport.turn(to: 0)
    #expect(bench.open(resolverError: EAI_AGAIN) == .opened)
  }

  @Test func aRefusalIsReported() throws {
    let port = try Listener(at: .loopback(port: 0)).address.port
    let bench = try TransportBench("mqtt://127.0.0.1:\(port)")
    #expect(bench.open() == .failed(.connectFailed(code: ECONNREFUSED)))
    #expect(
      text { DialFault.connectFailed(code: ECONNREFUSED).describe(into: &$0) }
        == "connect-failed (Connection refused)")
  }

  @Test func anEndIsReportedBehindAllThatCame() throws {
    let peer = try Peer { connection, _ in connection.write("last words") }
    let bench = try TransportBench("mqtt://127.0.0.1:\(peer.port)")
    #expect(bench.open() == .opened)
    #expect(bench.end() == .closedByPeer)
    #expect(bench.received == utf8("last words"))
  }

  @Test func itCanBeOpenedAgain() throws {
    let peer = try Peer { connection, peer in
      connection.write("\(peer.connections)")
      _ = connection.readToEnd()
    }
    let bench = try TransportBench("mqtt://127.0.0.1:\(peer.port)")
    for number in 1...5 {
      #expect(bench.open() == .opened)
      #expect(bench.receive(1) == utf8("\(number)"))
    }
  }

  // MARK: Addresses

  @Test func anAddressThatSwallowsEverythingCostsAQuarterOfASecond() throws {
    let hole = try BlackHole()
    let peer = try Peer(echo)
    let bench = try TransportBench("mqtt://broker.example")
    let start = Clock.now()
    #expect(
      bench.open(addresses: [.loopback(port: hole.port), .loopback(port: peer.port)]) == .opened)
    let took = Clock.now() - start
    #expect(took >= .milliseconds(240) && took < .seconds(5))
    #expect(isEcho(bench))
  }

  @Test func anAddressThatRefusesCostsNothing() throws {
    let refusing = try Listener(at: .loopback(port: 0)).address
    let peer = try Peer(echo)
    let bench = try TransportBench("mqtt://broker.example")
    let start = Clock.now()
    #expect(bench.open(addresses: [refusing, refusing, .loopback(port: peer.port)]) == .opened)
    #expect(Clock.now() - start < .milliseconds(240))
  }

  @Test func bothFamiliesRace() throws {
    let hole = try BlackHole()
    let peer = try Peer(v6: true, echo)
    let v6 = try #require(bytes("::1") { SocketAddress(numeric: $0, port: peer.port) })
    let bench = try TransportBench("mqtt://broker.example")
    let silent = SocketAddress.loopback(port: hole.port)
    let start = Clock.now()
    // The second to be tried, though the last of the list.
    #expect(bench.open(addresses: [silent, silent, silent, v6]) == .opened)
    #expect(Clock.now() - start < .milliseconds(490))
    #expect(isEcho(bench))
  }

  /// Each address takes the connection and says nothing.
  @Test func allStepsTogetherHaveADeadlineHoweverManyAddressesThereAre() throws {
    let peer = try Peer { connection, _ in _ = connection.readToEnd() }
    let bench = try TransportBench("ws://broker.example") { spec, _ in
      spec.webSocketTimeout = .milliseconds(200)
    }
    let start = Clock.now()
    bench.transport.openBy = start + .milliseconds(500)
    let address = SocketAddress.loopback(port: peer.port)
    #expect(
      bench.open(addresses: Array(repeating: address, count: 8)) == .failed(.timedOut(.webSocket)))
    let took = Clock.now() - start
    #expect(took >= .milliseconds(490) && took < .milliseconds(1_200))
    #expect(bench.deadline == .never && bench.socketCount == 0)
  }

  @Test func theDeadlineForAllIsThatOfEachStepOnce() throws {
    let plain = try TransportBench("mqtt://b").transport.spec.totalTimeout
    #expect(plain == .seconds(30))
    let whole = try TransportBench("wss://b", proxy: "http://p:1").transport.spec.totalTimeout
    #expect(whole == .seconds(75))
  }

  @Test func theWayCanTurnToAnotherBroker() throws {
    let first = try Peer(echo)
    let second = try Peer(echo)
    let bench = try TransportBench("mqtt://127.0.0.1:\(first.port)") { spec, add in
      _ = spec.others.append(Endpoint(.tcp, host: add("127.0.0.1"), port: second.port))
    }
    for (broker, firsts, seconds) in [(0, 1, 0), (1, 1, 1), (1, 1, 2), (0, 2, 2)] {
      bench.transport.turn(to: broker)
      #expect(bench.open() == .opened && isEcho(bench))
      #expect(first.connections == firsts && second.connections == seconds)
    }
  }

  @Test func theWayCanLeadWhereABrokerSendsUs() throws {
    let first = try Peer(echo)
    let other = try Peer(echo)
    let bench = try TransportBench("mqtt://localhost:\(first.port)")
    let place = "127.0.0.1:\(other.port)"
    for (place, firsts, others) in [(place, 0, 1), (nil, 1, 1), (place, 1, 2)] {
      bench.turn(to: place)
      #expect(bench.open() == .opened && isEcho(bench))
      #expect(first.connections == firsts && other.connections == others)
    }
    // Where the other was, the broker itself is not.
    bench.transport.turn(to: 0)
    #expect(bench.open(resolverError: EAI_AGAIN) == .opened && isEcho(bench))
    #expect(first.connections == 2)
  }

  @Test func resolvingHasADeadline() throws {
    let bench = try TransportBench("mqtt://broker.example")
    let start = Clock.now()
    #expect(bench.waitForAName(until: start + .milliseconds(100)) == .failed(.timedOut(.name)))
    #expect(Clock.now() - start >= .milliseconds(90))
    #expect(text { DialFault.timedOut(.name).describe(into: &$0) } == "name-timed-out")
  }

  @Test func connectingHasADeadline() throws {
    let hole = try BlackHole()
    let bench = try TransportBench("mqtt://127.0.0.1:\(hole.port)") { spec, _ in
      spec.connectTimeout = .milliseconds(300)
    }
    let start = Clock.now()
    #expect(bench.open() == .failed(.timedOut(.connect)))
    #expect(Clock.now() - start >= .milliseconds(290))
    #expect(bench.deadline == .never && bench.socketCount == 0)
  }

  @Test func aWebSocketIsLookedForAtEachAddress() throws {
    let none = try Peer { connection, _ in
      _ = connection.readHead()
      connection.write("HTTP/1.1 404 Not Found\r\n\r\n")
    }
    let good = try Peer { connection, peer in
      accept(connection)
      peer.note("accepted")
      _ = connection.readToEnd()
    }
    let refusing = try Listener(at: .loopback(port: 0)).address
    let bench = try TransportBench("ws://broker.example")
    let other = SocketAddress.loopback(port: none.port)
    #expect(bench.open(addresses: [other, .loopback(port: good.port)]) == .opened)
    #expect(good.waitForNotes(1) == ["accepted"])
    // What an address that did connect had to say tells more than a refusal.
    #expect(
      bench.open(addresses: [other, refusing]) == .failed(.upgradeFailed(.status(404))))
  }

  // MARK: The end

  /// The other side is still sending when we have said our last word: it hears that word all the
  /// same, and an orderly end behind it.
  @Test func theLastWordIsHeard() throws {
    let peer = try Peer { connection, peer in
      connection.write([UInt8](repeating: 0x55, count: 300_000))
      peer.note(String(decoding: connection.readToEnd(), as: UTF8.self))
    }
    let bench = try TransportBench("mqtt://127.0.0.1:\(peer.port)")
    #expect(bench.open() == .opened)
    bench.send("DISCONNECT")
    bench.finish()
    #expect(bench.write("more") == 0)
    #expect(bench.end() == .closedByPeer)
    #expect(peer.waitForNotes(1) == ["DISCONNECT"])
    #expect(bench.received.count == 300_000)
  }

  @Test func aResetIsReported() throws {
    let peer = try Peer { connection, _ in
      _ = connection.read(1)
      var linger = linger(l_onoff: 1, l_linger: 0)
      setsockopt(
        connection.descriptor, SOL_SOCKET, SO_LINGER, &linger,
        socklen_t(MemoryLayout<linger>.size))
    }
    let bench = try TransportBench("mqtt://127.0.0.1:\(peer.port)")
    #expect(bench.open() == .opened)
    bench.send("x")
    #expect(bench.end() == .broken(code: ECONNRESET))
  }

  @Test func whatIsSaidOfAnEarlierSocketIsIgnored() throws {
    let peer = try Peer(echo)
    let bench = try TransportBench("mqtt://127.0.0.1:\(peer.port)")
    #expect(bench.open() == .opened)
    let old = bench.token
    #expect(bench.open() == .opened)
    let new = bench.token
    #expect(old != new)
    bench.readOnce()
    #expect(!bench.hasInput)
    bench.note(old)
    #expect(!bench.hasInput)
    bench.note(new)
    #expect(bench.hasInput)
  }

  @Test func closingInTheMiddleLeavesNothing() throws {
    let hole = try BlackHole()
    let bench = try TransportBench("mqtt://127.0.0.1:\(hole.port)")
    for _ in 0..<20 {
      #expect(bench.begin() == nil)
      #expect(bench.socketCount == 1)
      bench.close()
      #expect(bench.socketCount == 0 && bench.deadline == .never)
    }
  }
}
