import CLinux
import Core
import Dialing
import Glibc
import TestSupport
import Testing

@testable import Linux

/// Carries bytes both ways between two connections until either ends.
func relay(_ near: Peer.Connection, to port: UInt16) {
  let far = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
  defer { close(far) }
  var address = sockaddr_in()
  address.sin_family = sa_family_t(AF_INET)
  address.sin_port = port.bigEndian
  address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
  let connected = withUnsafePointer(to: &address) {
    $0.withMemoryRebound(to: sockaddr.self, capacity: 1) {
      connect(far, $0, socklen_t(MemoryLayout<sockaddr_in>.size))
    }
  }
  guard connected == 0 else { return }
  let other = Peer.Connection(descriptor: far)
  while true {
    var ends = [
      pollfd(fd: near.descriptor, events: Int16(POLLIN), revents: 0),
      pollfd(fd: far, events: Int16(POLLIN), revents: 0),
    ]
    guard poll(&ends, 2, 20_000) > 0 else { return }
    for (end, source, target) in [(0, near, other), (1, other, near)] where ends[end].revents != 0 {
      let bytes = source.read()
      if bytes.isEmpty { return }
      target.write(bytes)
    }
  }
}

/// A SOCKS proxy that leads to `port` whatever it is asked for, with a login if `login` says so.
func socks(
  to port: UInt16, login: String? = nil
) -> @Sendable (Peer.Connection, Peer) -> Void {
  { connection, peer in
    let methods = connection.readAll(2)
    guard methods.count == 2 else { return }
    _ = connection.readAll(Int(methods[1]))
    connection.write([5, login == nil ? 0 : 2])
    if let login {
      let user = connection.readAll(Int(connection.readAll(2)[1]))
      let password = connection.readAll(Int(connection.readAll(1)[0]))
      let given = String(decoding: user + [0x3A] + password, as: UTF8.self)
      connection.write([1, given == login ? 0 : 1])
      if given != login { return }
    }
    let request = connection.readAll(4)
    guard request.count == 4 else { return }
    let host: String
    if request[3] == 3 {
      let count = Int(connection.readAll(1)[0])
      host = String(decoding: connection.readAll(count), as: UTF8.self)
    } else {
      host = connection.readAll(4).map { "\($0)" }.joined(separator: ".")
    }
    let number = connection.readAll(2)
    peer.note("\(host):\(Int(number[0]) << 8 | Int(number[1]))")
    connection.write([5, 0, 0, 1, 0, 0, 0, 0, 0, 0])
    relay(connection, to: port)
  }
}

@Suite(.serialized) struct TransportProxyTests {
  private func isEcho(_ bench: TransportBench) -> Bool {
    bench.send("hello")
    return bench.receive(5) == utf8("hello")
  }

  @Test func anHTTPProxyOpensTheWay() throws {
    let broker = try Peer(echo)
    let proxy = try Peer { connection, peer in
      peer.note(connection.readHead())
      connection.write("HTTP/1.0 200 Connection established\r\nX: y\r\n\r\n")
      relay(connection, to: broker.port)
    }
    let bench = try TransportBench(
      "mqtt://broker.example:1884", proxy: "http://127.0.0.1:\(proxy.port)")
    #expect(bench.open() == .opened && isEcho(bench))
    #expect(
      proxy.waitForNotes(1) == [
        "CONNECT broker.example:1884 HTTP/1.1\r\nHost: broker.example:1884\r\n\r\n"
      ])
  }

  @Test func aLoginsPasswordComesFromItsFile() throws {
    let folder = try Scratch()
    try folder.write("open sesame\nsecond line\n", to: "password")
    let proxy = try Peer { connection, peer in
      peer.note(connection.readHead())
      connection.write("HTTP/1.1 407 Proxy Authentication Required\r\n\r\n")
    }
    func bench(_ file: String) throws -> TransportBench {
      try TransportBench("mqtt://b", proxy: "http://Aladdin@127.0.0.1:\(proxy.port)") {
        spec, add in spec.proxy?.passwordFile = add(folder.path + file)
      }
    }
    #expect(try bench("/password").open() == .failed(.proxy(.login)))
    #expect(proxy.waitForNotes(1)[0].contains("Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n"))
    #expect(try bench("/missing").open() == .failed(.proxy(.passwordFile(code: ENOENT))))
    try folder.write(String(repeating: "x", count: 256), to: "long")
    #expect(try bench("/long").open() == .failed(.proxy(.passwordFile(code: EFBIG))))
  }

  @Test func aSOCKSProxyOpensTheWay() throws {
    let broker = try Peer(echo)
    let proxy = try Peer(socks(to: broker.port))
    for host in ["broker.example", "192.0.2.7"] {
      let bench = try TransportBench("mqtt://\(host)", proxy: "socks5://127.0.0.1:\(proxy.port)")
      #expect(bench.open() == .opened && isEcho(bench))
    }
    #expect(proxy.waitForNotes(2) == ["broker.example:1883", "192.0.2.7:1883"])
  }

  @Test func aSOCKSLoginIsTakenOrRefused() throws {
    let folder = try Scratch()
    try folder.write("pw\n", to: "good")
    try folder.write("hunter2\n", to: "bad")
    let broker = try Peer(echo)
    let proxy = try Peer(socks(to: broker.port, login: "ann:pw"))
    func opened(_ file: String) throws -> Transport.Event? {
      try TransportBench("mqtt://b", proxy: "socks5://ann@127.0.0.1:\(proxy.port)") { spec, add in
        spec.proxy?.passwordFile = add(folder.path + file)
      }.open()
    }
    #expect(try opened("/good") == .opened)
    #expect(try opened("/bad") == .failed(.proxy(.login)))
  }

  @Test func aWebSocketGoesThroughAProxy() throws {
    let broker = try Peer { connection, peer in
      peer.note(accept(connection))
      connection.write([0x82, 2, 0x68, 0x69])
      _ = connection.readToEnd()
    }
    let proxy = try Peer(socks(to: broker.port))
    let bench = try TransportBench(
      "ws://broker.example", proxy: "socks5://127.0.0.1:\(proxy.port)")
    #expect(bench.open() == .opened)
    #expect(bench.receive(2) == utf8("hi"))
    #expect(broker.waitForNotes(1)[0].contains("\r\nHost: broker.example\r\n"))
  }

  @Test func whatFollowsTheProxysLastWordIsTheBrokers() throws {
    let proxy = try Peer { connection, _ in
      _ = connection.readHead()
      connection.write("HTTP/1.1 200 OK\r\n\r\nhello")
      _ = connection.readToEnd()
    }
    let bench = try TransportBench("mqtt://b", proxy: "http://127.0.0.1:\(proxy.port)")
    #expect(bench.open() == .opened)
    #expect(bench.receive(5, room: 2) == utf8("hello"), "piece by piece")
  }

  @Test(
    arguments: [
      ("http", "HTTP/1.1 403 Forbidden\r\n\r\n", .status(403)), ("http", "SSH-2.0\r\n", .malformed),
      ("http", "", .closed), ("socks5", "\u{5}\u{0}\u{5}\u{5}", .refused(.connectionRefused)),
      ("socks5", "HTTP/1.1 400 Bad\r\n", .malformed), ("socks5", "", .closed),
      ("socks5", "\u{5}\u{0}", .closed),
    ] as [(String, String, ProxyFault)])
  func aRefusalHasItsName(kind: String, answer: String, fault: ProxyFault) throws {
    let proxy = try Peer { connection, _ in
      _ = connection.read()
      connection.write(answer)
      shutdown(connection.descriptor, Int32(SHUT_WR))
      _ = connection.readToEnd()
    }
    let bench = try TransportBench("mqtt://b", proxy: "\(kind)://127.0.0.1:\(proxy.port)")
    #expect(bench.open() == .failed(.proxy(fault)))
  }

  @Test func aProxyThatIsNotThereIsNamed() throws {
    let port = try Listener(at: .loopback(port: 0)).address.port
    let refused = try TransportBench("mqtt://b", proxy: "http://127.0.0.1:\(port)")
    #expect(refused.open() == .failed(.proxy(.connectFailed(code: ECONNREFUSED))))
    let nameless = try TransportBench("mqtt://b", proxy: "socks5://no-such-host.invalid")
    guard case .failed(.proxy(.nameNotResolved))? = nameless.open() else {
      Issue.record("it resolves")
      return
    }
  }

  @Test func aProxyThatSaysNothingHasADeadline() throws {
    let proxy = try Peer { connection, _ in _ = connection.readToEnd() }
    for kind in ["http", "socks5"] {
      let bench = try TransportBench("mqtt://b", proxy: "\(kind)://127.0.0.1:\(proxy.port)") {
        spec, _ in spec.proxyTimeout = .milliseconds(200)
      }
      #expect(bench.open() == .failed(.timedOut(.proxy)))
    }
    let hole = try BlackHole()
    let bench = try TransportBench("mqtt://b", proxy: "http://127.0.0.1:\(hole.port)") {
      spec, _ in spec.connectTimeout = .milliseconds(200)
    }
    #expect(bench.open() == .failed(.timedOut(.proxy)))
  }
}
