import Core
import TestSupport
import Testing
import WebSocket

/// The client's request and the server's answers.
@Suite struct HandshakeTests {
  private func request(
    host: String, port: UInt16 = 80, path: String = "/mqtt", isSecure: Bool = false,
    fields: String = ""
  ) -> String {
    let bytes = written { out in
      ClientHandshake(nonce: sampleNonce).writeRequest(
        host: utf8(host).span, port: port, path: utf8(path).span, isSecure: isSecure,
        fields: utf8(fields).span, into: &out)
    }
    return String(decoding: bytes, as: UTF8.self)
  }

  @Test func requestHasWhatRFC6455AsksFor() {
    #expect(
      request(host: "broker.example", port: 9001)
        == """
        GET /mqtt HTTP/1.1\r
        Host: broker.example:9001\r
        Upgrade: websocket\r
        Connection: Upgrade\r
        Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r
        Sec-WebSocket-Version: 13\r
        Sec-WebSocket-Protocol: mqtt\r
        \r

        """)
  }

  @Test(
    arguments: [
      ("broker", 80, "broker"), ("192.0.2.1", 8080, "192.0.2.1:8080"), ("::1", 80, "[::1]"),
      ("fe80::1%eth0", 81, "[fe80::1]:81"),
    ] as [(String, UInt16, String)])
  func hostHasItsPortUnlessItIs80(host: String, port: UInt16, expected: String) {
    #expect(request(host: host, port: port).contains("\r\nHost: \(expected)\r\n"))
  }

  @Test func hostOverTLSHasItsPortUnlessItIs443() {
    #expect(request(host: "b", port: 443, isSecure: true).contains("\r\nHost: b\r\n"))
    #expect(request(host: "b", port: 80, isSecure: true).contains("\r\nHost: b:80\r\n"))
    #expect(request(host: "b", port: 443).contains("\r\nHost: b:443\r\n"))
  }

  @Test func ownFieldsStandAtTheEnd() {
    let fields = written { out in
      RequestField.write(name: utf8("X-Key").span, value: utf8("a b").span, into: &out)
      RequestField.write(name: utf8("Cookie").span, value: utf8("c").span, into: &out)
    }
    let text = request(host: "b", fields: String(decoding: fields, as: UTF8.self))
    #expect(text.hasSuffix("-Protocol: mqtt\r\nX-Key: a b\r\nCookie: c\r\n\r\n"))
  }

  @Test(
    arguments: [
      ("X-Key", "a b", nil), ("x_y.z~", "", nil), ("Authorization", "Bearer \u{E4}", nil),
      ("X", "a\tb", .value), ("", "a", .name), ("X Y", "a", .name), ("X:", "a", .name),
      ("X\r\nY", "a", .name), ("\u{E4}", "a", .name), ("X", "a\r\nY: b", .value),
      ("X", "\0", .value),
      ("X", " a", .value), ("X", "a ", .value), ("X", "\u{7F}", .value), ("HOST", "a", .reserved),
      ("Upgrade", "a", .reserved), ("connection", "a", .reserved),
      ("Sec-WebSocket-Protocol", "a", .reserved), ("sec-websocket-x", "a", .reserved),
      ("Content-Length", "1", .reserved), ("Transfer-Encoding", "chunked", .reserved),
      ("Expect", "100-continue", .reserved),
    ] as [(String, String, RequestFieldFault?)])
  func ownFieldsAreCheckedBeforehand(name: String, value: String, expected: RequestFieldFault?) {
    var fault: RequestFieldFault?
    do throws(RequestFieldFault) {
      try RequestField.check(name: utf8(name).span, value: utf8(value).span)
    } catch {
      fault = error
    }
    #expect(fault == expected)
  }

  @Test func longestRequestFits() {
    let path = "/" + String(repeating: "x", count: ClientHandshake.pathBytesMax - 1)
    let longest = request(host: String(repeating: "a", count: 253), port: 65_535, path: path)
    #expect(longest.utf8.count <= ClientHandshake.requestBytesMax)
    let address = request(host: String(repeating: ":", count: 253), port: 65_535, path: path)
    #expect(address.utf8.count <= ClientHandshake.requestBytesMax)
  }

  @Test func properAnswerOpensAndWhatFollowsIsLeft() {
    #expect(answered(properAnswer) == (.open, taken: properAnswer.count))
    #expect(answered(properAnswer + [0x82, 0x00]) == (.open, taken: properAnswer.count))
  }

  @Test func eachSplitOfTheAnswerLeadsToTheSame() {
    for step in 1...properAnswer.count {
      #expect(answered(properAnswer, step: step) == (.open, taken: properAnswer.count))
    }
  }

  @Test func eachTruncationWaitsForMore() {
    for count in 0..<properAnswer.count {
      #expect(answered(Array(properAnswer[..<count])) == (.waiting, taken: count))
    }
  }

  @Test func fieldsAreReadAsHTTPWritesThem() {
    let answer = head(
      "HTTP/1.1 101", "server: lighttpd", "UPGRADE:\tWebSocket ", "Set-Cookie: a=b",
      "connection: keep-alive , upgrade", "sec-websocket-accept:\(sampleAccept)",
      "Sec-Websocket-Protocol:mqtt", "Sec-WebSocket-Extensions:",
      "Content-Security-Policy: " + String(repeating: "x", count: 4000))
    #expect(answered(answer) == (.open, taken: answer.count))
  }

  @Test(arguments: [200, 301, 400, 403, 404, 426, 500, 503] as [UInt16])
  func anotherStatusIsReportedAtOnce(status: UInt16) {
    #expect(answered(utf8("HTTP/1.1 \(status) Words\r\n")).0 == .failed(.status(status)))
    #expect(answered(utf8("HTTP/1.1 \(status)\r\n")).0 == .failed(.status(status)))
  }

  @Test(arguments: [
    "\r\n", "\n", "HTTP/1.1 101 OK\n", "HTTP/1.0 101 OK\r\n", "HTTP/2 101\r\n", "HTTP/1.1 1010\r\n",
    "HTTP/1.1  101\r\n", "HTTP/1.1 10x Y\r\n", "http/1.1 101 OK\r\n", " HTTP/1.1 101 OK\r\n",
    "HTTP/1.1 101 O\u{1B}K\r\n", "HTTP/1.1 101 OK\rX", "SSH-2.0-OpenSSH_9.2\r\n", "\u{20}\u{2}\0",
  ])
  func whatIsNoStatusLineIsRefused(line: String) {
    #expect(answered(utf8(line)).0 == .failed(.malformed))
  }

  @Test(arguments: [
    "Upgrade", ": websocket", "Upgrade : websocket", " Upgrade: websocket", "Up grade: websocket",
    "\tfolded", "Upgräde: x", "Upgrade: web\0socket",
  ])
  func whatIsNoFieldIsRefused(field: String) {
    #expect(
      answered(utf8("HTTP/1.1 101 OK\r\n\(field)\r\n")).0 == .failed(.malformed), "\(field)")
  }

  @Test func eachFieldIsNeeded() {
    let fields = [
      "Upgrade: websocket", "Connection: Upgrade", "Sec-WebSocket-Accept: \(sampleAccept)",
      "Sec-WebSocket-Protocol: mqtt",
    ]
    let faults: [HandshakeFault] = [.noUpgrade, .noUpgrade, .wrongAccept, .wrongProtocol]
    for (missing, fault) in faults.enumerated() {
      var lines = fields
      lines.remove(at: missing)
      let answer = "HTTP/1.1 101 OK\r\n" + lines.joined(separator: "\r\n") + "\r\n\r\n"
      #expect(answered(utf8(answer)).0 == .failed(fault))
    }
  }

  @Test(
    arguments: [
      ("Upgrade: websocket", "Upgrade: h2c", .noUpgrade),
      ("Connection: Upgrade", "Connection: close", .noUpgrade),
      (sampleAccept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOp=", .wrongAccept),
      (sampleAccept, "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Accept: x", .wrongAccept),
      (sampleAccept, sampleAccept.lowercased(), .wrongAccept),
      ("Protocol: mqtt", "Protocol: mqttv3.1", .wrongProtocol),
      ("Protocol: mqtt", "Protocol: mqtt, chat", .wrongProtocol),
      ("Protocol: mqtt", "Protocol: mqtt\r\nSec-WebSocket-Protocol: mqtt", .wrongProtocol),
      ("Protocol: mqtt", "Extensions: permessage-deflate", .unwantedExtension),
    ] as [(String, String, HandshakeFault)])
  func fieldWithAnotherValueIsRefused(old: String, new: String, fault: HandshakeFault) {
    let answer = String(decoding: properAnswer, as: UTF8.self).replacing(old, with: new)
    #expect(answered(utf8(answer)).0 == .failed(fault))
  }

  @Test func headWithoutEndIsRefused() {
    let line = utf8("X: " + String(repeating: "x", count: 100) + "\r\n")
    var answer = utf8("HTTP/1.1 101 OK\r\n")
    while answer.count < 10_000 { answer += line }
    #expect(answered(answer) == (.failed(.tooLong), taken: 8193))
    #expect(
      answered(utf8(String(repeating: "x", count: 10_000))) == (.failed(.tooLong), taken: 8193))
    let long = "HTTP/1.1 101 OK\r\nConnection: Upgrade, " + String(repeating: "x", count: 640)
    #expect(answered(utf8(long + "\r\n")).0 == .failed(.tooLong))
  }

  @Test func closingInsteadIsAFailure() {
    var handshake = ClientHandshake(nonce: sampleNonce)
    handshake.closed()
    #expect(handshake.state == .failed(.closed))
    var open = ClientHandshake(nonce: sampleNonce)
    let answer = properAnswer
    _ = open.receive(answer.span)
    open.closed()
    #expect(open.state == .open)
  }

  /// Any change of one byte is refused, waits, or does not matter; nothing traps.
  @Test func eachByteChanged() {
    for index in properAnswer.indices {
      for change in [0x01, 0x0A, 0x20, 0x5F, 0x80] as [UInt8] {
        var answer = properAnswer
        answer[index] ^= change
        let (state, taken) = answered(answer)
        #expect(taken <= answer.count && (state != .open || taken == answer.count))
      }
    }
  }
}
