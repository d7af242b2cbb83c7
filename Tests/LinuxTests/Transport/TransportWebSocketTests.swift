import CLinux
import Core
import Dialing
import Glibc
import TestSupport
import Testing
import WebSocket

@testable import Linux

/// Reads a request for a WebSocket, and accepts it; `more` goes out with the answer. Returns the
/// request.
@discardableResult
func accept(_ connection: Peer.Connection, more: [UInt8] = []) -> String {
  let request = connection.readHead()
  var handshake = ServerHandshake()
  _ = handshake.receive(utf8(request).span)
  guard handshake.state == .requested else { return request }
  let answer = written(capacity: ServerHandshake.answerBytesMax) {
    handshake.writeAcceptance(into: &$0)
  }
  connection.write(answer + more)
  return request
}

/// The next frame of a client: its first byte and its payload.
func readFrame(_ connection: Peer.Connection) -> (first: UInt8, payload: [UInt8])? {
  let start = connection.readAll(2)
  guard start.count == 2, start[1] & 0x80 != 0 else { return nil }
  var count = Int(start[1] & 0x7F)
  if count == 126 {
    let length = connection.readAll(2)
    count = Int(length[0]) << 8 | Int(length[1])
  }
  let mask = connection.readAll(4)
  let payload = connection.readAll(count)
  guard payload.count == count else { return nil }
  return (start[0], payload.enumerated().map { $0.element ^ mask[$0.offset & 3] })
}

@Suite(.serialized) struct TransportWebSocketTests {
  @Test func bytesGoInFrames() throws {
    let peer = try Peer { connection, peer in
      peer.note(accept(connection))
      while let frame = readFrame(connection), frame.first == 0x82 {
        connection.write([0x82, UInt8(frame.payload.count)] + frame.payload)
      }
    }
    let bench = try TransportBench(
      "ws://127.0.0.1:\(peer.port)/x?y", fields: "X-Key: 1\r\nCookie: c\r\n")
    #expect(bench.open() == .opened)
    bench.send("hello")
    #expect(bench.receive(5) == utf8("hello"))
    let request = peer.waitForNotes(1)[0]
    #expect(request.hasPrefix("GET /x?y HTTP/1.1\r\nHost: 127.0.0.1:\(peer.port)\r\n"))
    #expect(request.hasSuffix("\r\nX-Key: 1\r\nCookie: c\r\n\r\n"))
  }

  @Test func withoutAPathItIsLookedForAtMqtt() throws {
    let peer = try Peer { connection, peer in
      peer.note(accept(connection))
      _ = connection.readToEnd()
    }
    #expect(try TransportBench("ws://127.0.0.1:\(peer.port)").open() == .opened)
    #expect(peer.waitForNotes(1)[0].hasPrefix("GET /mqtt HTTP/1.1\r\n"))
  }

  /// What is handed over together leaves together.
  @Test(arguments: [1, 125, 126, 4096])
  func whatIsWrittenAtOnceIsOneFrame(count: Int) throws {
    let peer = try Peer { connection, peer in
      accept(connection)
      while let frame = readFrame(connection) {
        peer.note("\(frame.first) \(frame.payload.count)")
      }
    }
    let bench = try TransportBench("ws://127.0.0.1:\(peer.port)") { spec, _ in
      spec.writeBytes = 4096
    }
    #expect(bench.open() == .opened)
    bench.send([UInt8](repeating: 7, count: count))
    #expect(peer.waitForNotes(1) == ["130 \(count)"])
  }

  @Test func framesBehindTheAnswerAreRead() throws {
    let peer = try Peer { connection, peer in
      accept(connection, more: [0x82, 5] + utf8("hello") + [0x89, 1, 0x70])
      peer.note("\(readFrame(connection)?.first ?? 0)")
      _ = connection.readToEnd()
    }
    let bench = try TransportBench("ws://127.0.0.1:\(peer.port)")
    #expect(bench.open() == .opened)
    #expect(bench.receive(5) == utf8("hello"))
    #expect(peer.waitForNotes(1) == ["138"], "a pong")
  }

  @Test func closingSaysSo() throws {
    let peer = try Peer { connection, peer in
      accept(connection)
      while let frame = readFrame(connection) { peer.note("\(frame.first) \(frame.payload)") }
    }
    for ends in [{ $0.close() }, { $0.finish() }] as [(TransportBench) -> Void] {
      let bench = try TransportBench("ws://127.0.0.1:\(peer.port)")
      #expect(bench.open() == .opened)
      bench.send("x")
      ends(bench)
      bench.close()
    }
    #expect(peer.waitForNotes(4) == ["130 [120]", "136 [3, 232]", "130 [120]", "136 [3, 232]"])
  }

  @Test func theServersCloseIsReported() throws {
    let peer = try Peer { connection, peer in
      accept(connection)
      connection.write([0x88, 2, 3, 0xE9])
      peer.note("\(readFrame(connection)?.payload ?? [])")
    }
    let bench = try TransportBench("ws://127.0.0.1:\(peer.port)")
    #expect(bench.open() == .opened)
    #expect(bench.end() == .webSocket(.closed(code: 1001)))
    #expect(peer.waitForNotes(1) == ["[3, 233]"])
  }

  @Test func anUpgradeHasADeadline() throws {
    let peer = try Peer { connection, _ in _ = connection.readToEnd() }
    let bench = try TransportBench("ws://127.0.0.1:\(peer.port)") { spec, _ in
      spec.webSocketTimeout = .milliseconds(200)
    }
    #expect(bench.open() == .failed(.timedOut(.webSocket)))
    #expect(
      text { DialFault.timedOut(.webSocket).describe(into: &$0) }
        == "upgrade-timed-out (no answer to the request for a WebSocket)")
  }

  @Test func anEndInsteadOfAnAnswerIsReported() throws {
    let peer = try Peer { connection, _ in _ = connection.readHead() }
    let bench = try TransportBench("ws://127.0.0.1:\(peer.port)")
    #expect(bench.open() == .failed(.upgradeFailed(.closed)))
  }
}
