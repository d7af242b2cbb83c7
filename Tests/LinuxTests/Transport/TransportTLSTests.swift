import CLinux
import Core
import Dialing
import TestSupport
import Testing

@testable import Linux

/// TLS as a layer of the way; what TLS itself takes and refuses has tests of its own.
@Suite(.serialized) struct TransportTLSTests {
  private func bench(
    _ url: String, proxy: String? = nil, _ change: (inout DialSpec) -> Void = { _ in }
  ) throws -> TransportBench {
    try TransportBench(url, proxy: proxy) { spec, add in
      spec.tls.authorityFile = add(TestAuthority.shared.path("ca.pem"))
      spec.tls.host = add("localhost")
      change(&spec)
    }
  }

  private func isMirror(_ bench: TransportBench) -> Bool {
    bench.send("hello\n")
    return bench.receive(6) == utf8("olleh\n")
  }

  @Test func bytesGoBothWaysAndASessionIsResumed() throws {
    let server = try TLSServer("server.pem", ["-rev"])
    let bench = try bench("mqtts://127.0.0.1:\(server.port)")
    for isResumed in [false, true] {
      #expect(bench.open() == .opened)
      #expect(isMirror(bench))
      #expect(bench.isResumed == isResumed)
      #expect(bench.serverCertificateEnds != nil)
      #expect(bench.protection.hasPrefix("TLSv1.3, TLS_"))
      bench.close()
    }
  }

  @Test func theHostIsTheURLsUnlessAnotherIsNamed() throws {
    let server = try TLSServer("wrong-host.pem", ["-rev"])
    let other = try TransportBench("mqtts://127.0.0.1:\(server.port)") { spec, add in
      spec.tls.authorityFile = add(TestAuthority.shared.path("ca.pem"))
    }
    #expect(other.open() == .failed(.tls(.hostMismatch)))
    let named = try TransportBench("mqtts://127.0.0.1:\(server.port)") { spec, add in
      spec.tls.authorityFile = add(TestAuthority.shared.path("ca.pem"))
      spec.tls.host = add("broker.example")
    }
    #expect(named.open() == .opened)
  }

  @Test func itGoesThroughProxies() throws {
    let server = try TLSServer("server.pem", ["-rev"])
    let socks = try Peer(socks(to: server.port))
    let http = try Peer { connection, _ in
      _ = connection.readHead()
      connection.write("HTTP/1.1 200 OK\r\n\r\n")
      relay(connection, to: server.port)
    }
    for proxy in ["socks5://127.0.0.1:\(socks.port)", "http://127.0.0.1:\(http.port)"] {
      let bench = try bench("mqtts://broker.example", proxy: proxy)
      #expect(bench.open() == .opened && isMirror(bench))
    }
  }

  /// What TLS has taken from the socket, and the session had no room for, is not left lying.
  @Test func littleRoomGetsAllOfIt() throws {
    let server = try TLSServer("server.pem", ["-rev"])
    let bench = try bench("mqtts://127.0.0.1:\(server.port)")
    #expect(bench.open() == .opened)
    let line = [UInt8](repeating: 0x61, count: 12_000)
    bench.send(line + [10])
    #expect(bench.receive(12_001, room: 100) == line + [10])
  }

  @Test func theLastWordIsHeardAndTheEndIsTold() throws {
    let server = try TLSServer()
    let bench = try bench("mqtts://127.0.0.1:\(server.port)")
    #expect(bench.open() == .opened)
    bench.send("DISCONNECT\n")
    bench.finish()
    #expect(bench.end() == .closedByPeer)
    #expect(server.hasPrinted("DISCONNECT"))
  }

  @Test func whatIsNotTLSIsNamed() throws {
    let peer = try Peer { connection, _ in
      _ = connection.read()
      connection.write("HTTP/1.1 400 Bad Request\r\n\r\n")
      _ = connection.readToEnd()
    }
    #expect(try bench("mqtts://127.0.0.1:\(peer.port)").open() == .failed(.tls(.notTLS)))
    #expect(
      text { DialFault.tls(.notTLS).describe(into: &$0) }
        == "not-tls (what answers is not TLS: is this the port for plain connections?)")
  }

  /// A session of one broker must not open another: its certificate was never looked at.
  @Test func aBrokersSessionIsNotResumedAtAnother() throws {
    let good = try TLSServer("server.pem", ["-rev"])
    let stranger = try TLSServer("wrong-host.pem", ["-rev"])
    let bench = try TransportBench("mqtts://localhost:\(good.port)") { spec, add in
      spec.tls.authorityFile = add(TestAuthority.shared.path("ca.pem"))
      _ = spec.others.append(Endpoint(.tls, host: add("localhost"), port: stranger.port))
    }
    for isResumed in [false, true] {
      #expect(bench.open() == .opened && isMirror(bench))
      #expect(bench.isResumed == isResumed)
      bench.close()
    }
    bench.transport.turn(to: 1)
    #expect(bench.open() == .failed(.tls(.hostMismatch)))
    bench.turn(to: "localhost:\(stranger.port)")
    #expect(bench.open() == .failed(.tls(.hostMismatch)), "nor where a broker sends us")
    bench.transport.turn(to: 0)
    #expect(bench.open() == .opened && isMirror(bench) && !bench.isResumed)
  }

  @Test func theHandshakeHasADeadline() throws {
    let peer = try Peer { connection, _ in _ = connection.readToEnd() }
    let bench = try bench("wss://127.0.0.1:\(peer.port)") { $0.tlsTimeout = .milliseconds(200) }
    #expect(bench.open() == .failed(.timedOut(.tls)))
  }

  @Test func bytesBeforeWeHaveSaidAnythingAreNobodys() throws {
    let proxy = try Peer { connection, _ in
      _ = connection.readHead()
      connection.write("HTTP/1.1 200 OK\r\n\r\nhello")
      _ = connection.readToEnd()
    }
    let bench = try bench("mqtts://b", proxy: "http://127.0.0.1:\(proxy.port)")
    #expect(bench.open() == .failed(.proxy(.malformed)))
  }

  @Test func eachAddressIsTriedUntilOneIsTheBroker() throws {
    let stranger = try TLSServer("wrong-host.pem")
    let server = try TLSServer("server.pem", ["-rev"])
    let bench = try bench("mqtts://localhost")
    #expect(
      bench.open(addresses: [.loopback(port: stranger.port), .loopback(port: server.port)])
        == .opened)
    #expect(isMirror(bench))
  }
}
