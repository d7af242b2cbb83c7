import Core
import Dialing
import TestSupport
import Testing

/// A handshake with a proxy, and what it sends.
private struct Dialogue {
  var handshake: ProxyHandshake
  var sent: [[UInt8]] = []
  var host = "broker.example"
  var address: NumericAddress?
  var user = ""
  var password = ""
  /// What came behind the proxy's last word.
  var rest: [UInt8] = []

  init(_ kind: Proxy.Kind, user: String = "", password: String = "") {
    var proxy = Proxy(kind, host: .empty, port: 1)
    if !user.isEmpty { proxy.user = Text(0..<user.utf8.count) }
    self.user = user
    self.password = password
    handshake = ProxyHandshake(proxy)
  }

  var state: ProxyHandshake.State { handshake.state }

  /// Takes the message that is due, if any.
  mutating func send() {
    let (host, user, password) = (utf8(host), utf8(user), utf8(password))
    let message = written(capacity: ProxyHandshake.messageBytesMax) { out in
      handshake.writeMessage(
        ProxyTarget(
          host: host.span, port: 1883, address: address, user: user.span,
          password: password.span),
        into: &out)
    }
    if !message.isEmpty { sent.append(message) }
  }

  /// Brings bytes, `step` at a time, and sends whatever is due between.
  mutating func receive(_ bytes: [UInt8], step: Int = .max) {
    send()
    var taken = 0
    while taken < bytes.count, state == .waiting {
      let end = step < bytes.count - taken ? taken + step : bytes.count
      let count = handshake.receive(bytes.span.extracting(taken..<end))
      taken += count
      send()
      if count == 0, state == .waiting {
        Issue.record("nothing moves")
        return
      }
    }
    rest = Array(bytes[taken...])
  }
}

private func answered(_ kind: Proxy.Kind, _ bytes: [UInt8], step: Int = .max) -> Dialogue {
  var dialogue = Dialogue(kind)
  dialogue.receive(bytes, step: step)
  return dialogue
}

/// RFC 9110, section 9.3.6.
@Suite struct HTTPConnectTests {
  private func request(_ dialogue: Dialogue) -> String {
    var dialogue = dialogue
    dialogue.send()
    dialogue.send()
    #expect(dialogue.sent.count == 1)
    return String(decoding: dialogue.sent[0], as: UTF8.self)
  }

  @Test func requestNamesTheBroker() {
    #expect(
      request(Dialogue(.http))
        == "CONNECT broker.example:1883 HTTP/1.1\r\nHost: broker.example:1883\r\n\r\n")
    var v6 = Dialogue(.http)
    v6.host = "fe80::1%eth0"
    #expect(request(v6).hasPrefix("CONNECT [fe80::1]:1883 HTTP/1.1\r\n"))
  }

  /// RFC 7617, section 2.
  @Test func loginIsBasic() {
    let text = request(Dialogue(.http, user: "Aladdin", password: "open sesame"))
    #expect(
      text.hasSuffix("\r\nProxy-Authorization: Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==\r\n\r\n"))
  }

  @Test func longestRequestFits() {
    let x = { String(repeating: "x", count: $0) }
    var longest = Dialogue(.http, user: x(255), password: x(255))
    longest.host = String(repeating: ":", count: 253)
    #expect(request(longest).utf8.count <= HTTPConnect.requestBytesMax)
  }

  @Test(arguments: [
    "HTTP/1.1 200 OK\r\n\r\n", "HTTP/1.0 200 Connection established\r\n\r\n",
    "HTTP/1.1 299\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 103 Early\r\nX: y\r\n\r\nHTTP/1.1 200 OK\r\n\r\n",
  ])
  func each2xxOpensTheWayAndWhatFollowsIsTheBrokers(answer: String) {
    for step in [1, 2, 7, .max] {
      let dialogue = answered(.http, utf8(answer) + [0x20, 2, 0, 0], step: step)
      #expect(dialogue.state == .open && dialogue.rest == [0x20, 2, 0, 0])
    }
    for count in 0..<utf8(answer).count {
      #expect(answered(.http, Array(utf8(answer)[..<count])).state == .waiting)
    }
  }

  @Test(
    arguments: [
      ("HTTP/1.1 407 Proxy Authentication Required\r\n", .login),
      ("HTTP/1.0 401 Unauthorized\r\n", .login),
      ("HTTP/1.1 403 Forbidden\r\n", .status(403)), ("HTTP/1.1 502\r\n", .status(502)),
      ("HTTP/1.1 301 Moved\r\n", .status(301)), ("HTTP/1.1 101 Switching\r\n", .status(101)),
      ("HTTP/1.1 000 X\r\n", .status(0)), ("\r\n", .malformed), ("\n", .malformed),
      ("HTTP/2 200\r\n", .malformed), ("HTTP/1.1 2000 OK\r\n", .malformed),
      ("HTTP/1.1 20x OK\r\n", .malformed), ("SSH-2.0-OpenSSH\r\n", .malformed),
      ("HTTP/1.1 200 OK\r\n no field\r\n", .malformed), ("HTTP/1.1 200 OK\n", .malformed),
      ("HTTP/1.1 200 OK\r\nX: a\0b\r\n", .malformed), ("\u{5}\u{0}", .malformed),
    ] as [(String, ProxyFault)])
  func anythingElseIsRefused(answer: String, fault: ProxyFault) {
    for step in [1, .max] {
      #expect(answered(.http, utf8(answer), step: step).state == .failed(fault), "\(answer)")
    }
  }

  @Test func headWithoutEndIsRefused() {
    let fields = String(repeating: "X: y\r\n", count: 2000)
    #expect(answered(.http, utf8("HTTP/1.1 200 OK\r\n" + fields)).state == .failed(.tooLong))
    #expect(answered(.http, [UInt8](repeating: 0x41, count: 9000)).state == .failed(.tooLong))
    let interim = String(repeating: "HTTP/1.1 100 Go on\r\n\r\n", count: 500)
    #expect(answered(.http, utf8(interim)).state == .failed(.tooLong))
  }

  @Test func closingInsteadIsAFailure() {
    for kind in [.http, .socks5] as [Proxy.Kind] {
      var handshake = Dialogue(kind).handshake
      handshake.closed()
      #expect(handshake.state == .failed(.closed))
    }
    var open = answered(.http, utf8("HTTP/1.1 200 OK\r\n\r\n")).handshake
    open.closed()
    #expect(open.state == .open)
  }
}

/// RFC 1928 and RFC 1929.
@Suite struct SOCKS5Tests {
  /// A reply that all is well, with an IPv4, a name, an IPv6 address.
  static let replies: [[UInt8]] = [
    [5, 0, 0, 1, 0, 0, 0, 0, 0, 0], [5, 0, 0, 3, 2, 0x61, 0x62, 0, 1], [5, 0, 0, 3, 0, 0, 1],
    [5, 0, 0, 4] + [UInt8](repeating: 0, count: 18),
    [5, 0, 0, 3, 255] + [UInt8](repeating: 0x61, count: 257),
  ]

  @Test(arguments: replies)
  func nameIsLeftToTheProxyAndWhatFollowsIsTheBrokers(reply: [UInt8]) {
    for step in [1, 2, 3, .max] {
      let dialogue = answered(.socks5, [5, 0] + reply + [0x20, 2], step: step)
      #expect(dialogue.state == .open && dialogue.rest == [0x20, 2])
      #expect(
        dialogue.sent == [[5, 1, 0], [5, 1, 0, 3, 14] + utf8("broker.example") + [0x07, 0x5B]])
    }
    for count in 0..<reply.count {
      #expect(answered(.socks5, [5, 0] + reply[..<count]).state == .waiting)
    }
  }

  @Test func addressInNumbersIsSentAsOne() {
    var bytes = InlineArray<16, UInt8>(repeating: 0)
    for (index, byte) in ([192, 0, 2, 1] as [UInt8]).enumerated() { bytes[index] = byte }
    var v4 = Dialogue(.socks5)
    v4.address = NumericAddress(bytes: bytes, isV6: false)
    v4.receive([5, 0])
    #expect(v4.sent.last == [5, 1, 0, 1, 192, 0, 2, 1, 0x07, 0x5B])
    var v6 = Dialogue(.socks5)
    v6.address = NumericAddress(bytes: bytes, isV6: true)
    v6.receive([5, 0])
    #expect(
      v6.sent.last == [5, 1, 0, 4, 192, 0, 2, 1] + [UInt8](repeating: 0, count: 12) + [0x07, 0x5B])
  }

  @Test func userLogsInWhereTheProxyAsksForIt() {
    for step in [1, .max] {
      var dialogue = Dialogue(.socks5, user: "ann", password: "pw")
      dialogue.receive([5, 2, 1, 0] + Self.replies[0], step: step)
      #expect(dialogue.state == .open)
      #expect(dialogue.sent.count == 3)
      #expect(dialogue.sent[0] == [5, 2, 0, 2])
      #expect(dialogue.sent[1] == [1, 3] + utf8("ann") + [2] + utf8("pw"))
    }
    var unasked = Dialogue(.socks5, user: "ann", password: "pw")
    unasked.receive([5, 0] + Self.replies[0])
    #expect(unasked.state == .open && unasked.sent.count == 2)
  }

  @Test func longestMessageFits() {
    let x = String(repeating: "x", count: 255)
    var dialogue = Dialogue(.socks5, user: x, password: x)
    dialogue.receive([5, 2])
    #expect(dialogue.sent[1].count == SOCKS5.messageBytesMax)
  }

  @Test(
    arguments: [
      ([4], .malformed), ([0x48], .malformed), ([5, 0xFF], .login), ([5, 2], .malformed),
      ([5, 1], .malformed), ([5, 0, 4], .malformed), ([5, 0, 5, 0, 0, 2, 0], .malformed),
      ([5, 0, 5, 0, 0, 0, 0], .malformed), ([5, 0, 5, 1], .refused(.generalFailure)),
      ([5, 0, 5, 2], .refused(.notAllowed)), ([5, 0, 5, 3], .refused(.networkUnreachable)),
      ([5, 0, 5, 4], .refused(.hostUnreachable)), ([5, 0, 5, 5], .refused(.connectionRefused)),
      ([5, 0, 5, 6], .refused(.timeToLiveExpired)),
      ([5, 0, 5, 7], .refused(.commandNotSupported)),
      ([5, 0, 5, 8], .refused(.addressTypeNotSupported)), ([5, 0, 5, 9], .refused(.unassigned)),
      ([5, 0, 5, 255], .refused(.unassigned)),
    ] as [([UInt8], ProxyFault)])
  func eachRefusalHasItsName(answer: [UInt8], fault: ProxyFault) {
    for step in [1, .max] {
      #expect(answered(.socks5, answer, step: step).state == .failed(fault))
    }
  }

  @Test(
    arguments: [([5, 2, 1, 1], .login), ([5, 2, 5, 0], .malformed)] as [([UInt8], ProxyFault)])
  func loginThatIsNotTaken(answer: [UInt8], fault: ProxyFault) {
    var dialogue = Dialogue(.socks5, user: "ann", password: "wrong")
    dialogue.receive(answer)
    #expect(dialogue.state == .failed(fault))
  }

  /// The words of each fault differ from the next one's: a reader can tell them apart.
  @Test func eachRefusalHasItsWords() {
    let words = (1...9).compactMap { SOCKSRefusal(rawValue: $0).map { "\($0.words)" } }
    #expect(Set(words).count == 9)
  }
}
