import Core
import Dialing
import Foundation
import Testing

@testable import Linux

extension TLSTests {
  /// Bytes through a connection that stands.
  @Suite struct TLSTransferTests {
    private func connect(
      _ server: TLSServer, _ change: (inout TLSSettings) -> Void = { _ in }
    ) throws -> TLSClient {
      var settings = TLSSettings()
      change(&settings)
      var client = try TLSClient(try settings.context(), to: server.port)
      #expect(try client.handshake() == nil)
      return client
    }

    @Test(arguments: ["-tls1_2", "-tls1_3"])
    func megabytesArriveWhileTheSocketTakesThemInParts(_ option: String) throws {
      let server = try TLSServer("server.pem", [option])
      var client = try connect(server)
      // A byte that s_server prints nowhere else.
      let bytes = [UInt8](repeating: 0xE9, count: 4 << 20)
      server.pause()
      var sent = 0
      var waits = false
      while !waits {
        switch client.channel.write(bytes.span.extracting(sent..<bytes.count)) {
        case .bytes(let count):
          #expect(count <= 16_384)
          sent += count
        case .wouldBlock: waits = true
        default: Issue.record("the write failed")
        }
      }
      #expect(sent > 0 && sent < bytes.count)
      #expect(client.channel.wantsWrite == true)
      server.goOn()
      // Fewer bytes than last time are offered, from another place: what was taken is taken.
      try client.write([UInt8](repeating: 0xE9, count: 1))
      try client.write(Array(bytes[(sent + 1)...]))
      #expect(client.channel.wantsWrite == false)
      #expect(server.count(of: 0xE9, reaching: bytes.count) == bytes.count)
    }

    private static let content: [UInt8] = {
      var generator = Generator(seed: 7)
      var bytes: [UInt8] = []
      for _ in 0..<(1 << 18) {
        withUnsafeBytes(of: generator.next()) { bytes += $0 }
      }
      return bytes
    }()

    @Test(arguments: ["-tls1_2", "-tls1_3"], [1, 1000, 100_000])
    func megabytesAreReadInAnyRoom(_ option: String, _ room: Int) throws {
      let content = Self.content.prefix(room == 1 ? 20_000 : .max)
      let name = "content\(option)-\(room)"
      let path = TestAuthority.shared.path(name)
      try Data(content).write(to: URL(fileURLWithPath: path))
      defer { try? FileManager.default.removeItem(atPath: path) }
      let server = try TLSServer("server.pem", [option, "-WWW"])
      var client = try connect(server)
      try client.write(Array("GET /\(name) HTTP/1.0\r\n\r\n".utf8))
      let (result, bytes) = try client.readToEnd(capacity: room)
      #expect(result.isEnd)
      #expect(bytes.suffix(content.count) == content)
    }

    /// One record with more bytes than there is room: the socket has nothing left to announce.
    @Test func bytesLeftInARecordArePending() throws {
      let server = try TLSServer()
      var client = try connect(server)
      server.type(String(repeating: "x", count: 1000) + "\n")
      var all: [UInt8] = []
      while all.count < 900 {
        let (_, bytes) = try client.read(capacity: 100)
        all += bytes
        #expect(client.channel.hasPending == (all.count > 0))
      }
      while client.channel.hasPending { all += try client.read(capacity: 100).bytes }
      #expect(all.count == 1001)
      let nothing = [UInt8](capacity: 100) { out in
        let isOver = client.channel.read(into: &out).wouldBlock
        #expect(isOver)
      }
      #expect(nothing.isEmpty)
    }

    @Test func noRoomReadsNothing() throws {
      let server = try TLSServer()
      var client = try connect(server)
      _ = [UInt8](capacity: 0) { out in
        if case .bytes(0) = client.channel.read(into: &out) {} else { Issue.record("no bytes") }
      }
    }

    @Test func orderlyEndOfTheServersIsNoFault() throws {
      let server = try TLSServer("server.pem", ["-WWW"])
      var client = try connect(server)
      try client.write(Array("GET /passphrase HTTP/1.0\r\n\r\n".utf8))
      let (result, bytes) = try client.readToEnd()
      #expect(result.isEnd)
      #expect(String(decoding: bytes, as: UTF8.self).hasSuffix("\r\n\r\na passphrase\n"))
      let next = try client.read().result
      #expect(next.isEnd)
    }

    @Test func closeIsSaidOnce() throws {
      let server = try TLSServer("server.pem", ["-naccept", "1"])
      var client = try connect(server)
      let before = client.channel.bytesOut
      client.channel.close()
      client.channel.close()
      // One record: an alert of two bytes.
      #expect(client.channel.bytesOut > before && client.channel.bytesOut < before + 40)
      #expect(server.hasPrinted("DONE"))
    }

    @Test(arguments: ["-tls1_2", "-tls1_3"])
    func endWithoutCloseNotifyIsTruncation(_ option: String) throws {
      let server = try TLSServer("server.pem", [option])
      let context = try TLSSettings().context()
      var client = try TLSClient(context, to: server.port)
      #expect(try client.handshake() == nil)
      server.type("half of it\n")
      while try client.read().bytes.isEmpty {}
      server.kill()
      #expect(try client.readToEnd().result.fault == .truncated)
      #expect(try client.read().result.fault == .truncated)
      // The link was at fault, not the session.
      #expect(context.hasSession == true)
    }

    /// Nobody has told this process to ignore SIGPIPE.
    @Test func writingToAnEndedConnectionFailsAndKillsNobody() throws {
      let server = try TLSServer()
      var client = try connect(server)
      server.kill()
      let bytes = [UInt8](repeating: 1, count: 1000)
      var code: Int32?
      var fault: TLSFault?
      while code == nil && fault == nil {
        switch client.channel.write(bytes.span) {
        case .failed(let error): code = error.code
        case .fault(let found): fault = found
        case .bytes: break
        case .wouldBlock: try waitReady(client.link.descriptor, write: true)
        }
      }
      #expect(code == EPIPE || code == ECONNRESET || fault == .truncated)
    }

    /// The server's last word came before the socket broke, and is what counts.
    @Test func alertIsFoundWhenWritingFails() throws {
      let server = try TLSServer("server.pem", ["-tls1_3", "-Verify", "1"])
      var client = try connect(server)
      let bytes = [UInt8](repeating: 1, count: 1000)
      // The alert is here, unread; and bytes that the server has not read turn its end into a reset.
      server.pause()
      try client.write(bytes)
      server.goOn()
      try waitReady(client.link.descriptor)
      server.pause()
      try client.write(bytes)
      server.kill()
      var end: TLSFault?
      while end == nil {
        switch client.channel.write(bytes.span) {
        case .failed: end = try client.readToEnd().result.fault
        case .fault(let fault): end = fault
        case .bytes: break
        case .wouldBlock: try waitReady(client.link.descriptor, write: true)
        }
      }
      #expect(end == .certificateRequired)
    }

    @Test func newKeysAreTaken() throws {
      let server = try TLSServer("server.pem", ["-tls1_3"])
      var client = try connect(server)
      // The tickets behind the handshake come before it.
      server.type("hello\n")
      while try client.read().bytes.isEmpty {}
      for round in 0..<3 {
        // s_server: new keys, and a request for ours.
        try react(to: "K\n", server, &client)
        server.type("round \(round)\n")
        var text = ""
        while !text.hasSuffix("round \(round)\n") {
          text += String(decoding: try client.read().bytes, as: UTF8.self)
        }
        try client.write(Array("answer \(round)\n".utf8))
        #expect(server.hasPrinted("answer \(round)\n"))
      }
    }

    @Test func renegotiationIsRefused() throws {
      let server = try TLSServer("server.pem", ["-tls1_2"])
      var client = try connect(server)
      try react(to: "r\n", server, &client)
      server.type("after\n")
      // OpenSSL's server does not go on without; what it had sent before it knew may still come.
      #expect(try client.readToEnd().result.fault == .alert(40))
    }

    /// Types a command of s_server's and takes what it makes it send, which is no data. What is typed
    /// next is then a line of its own.
    private func react(
      to command: String, _ server: TLSServer, _ client: inout TLSClient
    ) throws {
      let before = client.channel.bytesIn
      server.type(command)
      while client.channel.bytesIn == before {
        try waitReady(client.link.descriptor)
        let nothing = [UInt8](capacity: 100) { out in _ = client.channel.read(into: &out) }
        #expect(nothing.isEmpty)
      }
    }

    @Test func smallWritesAreOneRecordEach() throws {
      let server = try TLSServer("server.pem", ["-tls1_3"])
      var client = try connect(server)
      let before = client.channel.bytesOut
      try client.write([UInt8](repeating: 65, count: 1000))
      // RFC 8446, section 5.2: a header of five bytes, the type, and 16 bytes of the cipher's.
      #expect(client.channel.bytesOut - before == 1022)
    }
  }
}
