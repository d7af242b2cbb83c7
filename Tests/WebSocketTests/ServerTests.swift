import Core
import TestSupport
import Testing
import WebSocket

/// The server's side: requests, and what they are answered.
@Suite struct ServerTests {
  private let key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="

  private func request(
    first: String = "GET /mqtt?x=1 HTTP/1.1", without: String? = nil, and more: String...
  ) -> [UInt8] {
    let fields = [
      "Host: broker", "Upgrade: websocket", "Connection: keep-alive, Upgrade", key,
      "Sec-WebSocket-Version: 13", "Sec-WebSocket-Protocol: mqttv3.1, mqtt",
    ]
    let lines = [first] + fields.filter { $0 != without } + more
    return utf8(lines.joined(separator: "\r\n") + "\r\n\r\n")
  }

  @Test func properRequestIsAccepted() {
    var handshake = ServerHandshake()
    let bytes = request()
    let taken = handshake.receive((bytes + [1, 2, 3]).span)
    #expect(taken == bytes.count && handshake.state == .requested)
    #expect(handshake.path.withBytes { text($0) } == "/mqtt?x=1")
    let answer = written(capacity: ServerHandshake.answerBytesMax) {
      handshake.writeAcceptance(into: &$0)
    }
    #expect(answer == properAnswer)
  }

  @Test func eachTruncationWaitsForMore() {
    let bytes = request()
    for count in 0..<bytes.count { #expect(requested(Array(bytes[..<count])) == .waiting) }
  }

  @Test func eachMissingFieldIsRefused() {
    #expect(requested(request(without: "Host: broker")) == .refused(400))
    #expect(requested(request(without: "Upgrade: websocket")) == .refused(426))
    #expect(requested(request(without: "Connection: keep-alive, Upgrade")) == .refused(426))
    #expect(requested(request(without: key)) == .refused(400))
    #expect(requested(request(without: "Sec-WebSocket-Version: 13")) == .refused(426))
    #expect(
      requested(request(without: "Sec-WebSocket-Protocol: mqttv3.1, mqtt")) == .refused(400))
  }

  @Test func contradictingFieldsAreRefused() {
    #expect(requested(request(and: "Host: other")) == .refused(400))
    #expect(requested(request(and: key)) == .refused(400))
    #expect(requested(request(and: "Sec-WebSocket-Version: 8")) == .refused(426))
    #expect(requested(request(and: "no field")) == .refused(400))
    #expect(
      requested(request(and: "X: " + String(repeating: "x", count: 9000))) == .refused(431))
  }

  @Test(
    arguments: [
      ("POST /mqtt HTTP/1.1", 405), ("GET", 405), ("GET mqtt HTTP/1.1", 400),
      ("GET /mqtt HTTP/1.0", 400), ("GET /mqtt", 400), ("GET /a b HTTP/1.1", 400),
      ("GET  /mqtt HTTP/1.1", 400), ("GET http://broker/mqtt HTTP/1.1", 400),
      ("GET /" + String(repeating: "x", count: 512) + " HTTP/1.1", 431), ("", 400),
    ] as [(String, UInt16)])
  func anotherFirstLineIsRefused(line: String, status: UInt16) {
    #expect(requested(request(first: line)) == .refused(status))
  }

  @Test(arguments: [400, 404, 405, 426, 431] as [UInt16])
  func refusalIsHTTPThatAClientUnderstands(status: UInt16) {
    let answer = written(capacity: ServerHandshake.answerBytesMax) {
      ServerHandshake.writeRefusal(status, into: &$0)
    }
    #expect(answered(answer).0 == .failed(.status(status)))
    let lines = String(decoding: answer, as: UTF8.self)
    #expect(lines.hasSuffix("\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"))
    #expect(lines.contains("Sec-WebSocket-Version: 13") == (status == 426))
  }

  @Test func clientAndServerAgree() {
    var generator = Generator(seed: 1)
    for _ in 0..<200 {
      var nonce = InlineArray<16, UInt8>(repeating: 0)
      for index in 0..<16 { nonce[index] = UInt8(truncatingIfNeeded: generator.next()) }
      var client = ClientHandshake(nonce: nonce)
      var server = ServerHandshake()
      let path = "/" + String(generator.next(), radix: 36)
      let request = written { out in
        client.writeRequest(
          host: utf8("broker").span, port: 80, path: utf8(path).span,
          fields: utf8("X-Key: 1\r\n").span, into: &out)
      }
      let requestTaken = server.receive(request.span)
      #expect(requestTaken == request.count && server.state == .requested)
      #expect(server.path.withBytes { text($0) } == path)
      let answer = written { server.writeAcceptance(into: &$0) }
      let answerTaken = client.receive(answer.span)
      #expect(answerTaken == answer.count && client.state == .open)
    }
  }
}
