import Core
import Dialing
import Glibc
import Testing

@testable import Linux

extension TLSTests {
  /// Peers that do not do as they should in the handshake.
  @Suite struct TLSStrangerTests {
    /// A client whose peer is the test itself; `step` is called whenever the client waits.
    private func handshake(_ step: (borrowing TCPLink, Int) -> Bool) throws -> TLSProgress {
      let pair = try LinkPair()
      let far = TCPLink(descriptor: dup(pair.far.descriptor))
      let near = TCPLink(descriptor: dup(pair.near.descriptor))
      _ = consume pair
      let context = try TLSSettings().context()
      var client = try TLSClient(context, over: near)
      var round = 0
      while true {
        let progress = client.channel.handshake()
        guard case .wantsRead = progress else { return progress }
        guard step(far, round) else { return progress }
        round += 1
        try waitReady(client.link.descriptor)
      }
    }

    @Test(arguments: [
      "HTTP/1.1 400 Bad Request\r\n\r\n", "\u{20}\u{02}\u{00}\u{05}", "SSH-2.0-OpenSSH_9.2\r\n",
      "\0\0\0\0\0\0\0\0",
    ])
    func answerThatIsNoTLSIsCalledThat(_ answer: String) throws {
      let progress = try handshake { far, _ in
        bytes(answer) { _ = far.write($0) }
        bytes(String(repeating: " ", count: 100)) { _ = far.write($0) }
        return true
      }
      #expect(progress.fault == .notTLS)
    }

    @Test func garbageInRecordsIsAFault() throws {
      for seed in 0..<50 {
        var generator = Generator(seed: UInt64(seed))
        var garbage: [UInt8] = [22, 3, 3, 0, 60]
        for _ in 0..<60 { garbage.append(UInt8(truncatingIfNeeded: generator.next())) }
        let progress = try handshake { far, round in
          _ = far.write(garbage.span)
          if round > 3 { shutdown(far.descriptor, Int32(SHUT_WR)) }
          return round < 10
        }
        #expect(progress.fault != nil)
        #expect(progress.fault != .truncated)
      }
    }

    @Test func closeAtOnceIsAFault() throws {
      let progress = try handshake { far, _ in shutdown(far.descriptor, Int32(SHUT_WR)) == 0 }
      #expect(progress.fault == .closedInHandshake)
    }

    @Test func closeInTheMiddleIsAFault() throws {
      let progress = try handshake { far, round in
        let half: [UInt8] = [22, 3, 3, 0, 60, 2, 0, 0]
        if round == 0 { _ = far.write(half.span) }
        return round == 0 || shutdown(far.descriptor, Int32(SHUT_WR)) == 0
      }
      #expect(progress.fault == .closedInHandshake)
    }

    @Test func resetIsTheSystemsError() throws {
      let progress = try handshake { far, _ in
        var now = linger(l_onoff: 1, l_linger: 0)
        setsockopt(
          far.descriptor, SOL_SOCKET, SO_LINGER, &now, socklen_t(MemoryLayout<linger>.size))
        // The last of the test's descriptors for it.
        let sink = open("/dev/null", O_RDONLY)
        dup2(sink, far.descriptor)
        close(sink)
        return true
      }
      if case .failed(let error) = progress {
        #expect(error.code == ECONNRESET)
      } else {
        Issue.record("not reset, but \(progress)")
      }
    }

    @Test func silenceIsWaitedFor() throws {
      let progress = try handshake { _, _ in false }
      if case .wantsRead = progress {} else { Issue.record("\(progress)") }
    }

    @Test(arguments: [40, 42, 70, 80, 112, 255])
    func alertIsToldByItsNumber(_ number: UInt8) throws {
      let progress = try handshake { far, _ in
        let alert: [UInt8] = [21, 3, 3, 0, 2, 2, number]
        _ = far.write(alert.span)
        return true
      }
      let fault: TLSFault =
        switch number {
        case 40: .noCommonCipher
        case 42: .certificateRefused(alert: 42)
        case 70: .protocolVersion
        default: .alert(number)
        }
      #expect(progress.fault == fault)
    }

    /// Both ways through a relay that passes one byte at a time.
    @Test(arguments: ["-tls1_2", "-tls1_3"])
    func trickleOfBytesIsEnough(_ option: String) throws {
      let server = try TLSServer("server.pem", [option])
      let relayed = try TCPLink.open(to: .loopback(port: server.port))
      try waitReady(relayed.descriptor, write: true)
      let pair = try LinkPair()
      let far = TCPLink(descriptor: dup(pair.far.descriptor))
      let near = TCPLink(descriptor: dup(pair.near.descriptor))
      _ = consume pair
      let context = try TLSSettings().context()
      var client = try TLSClient(context, over: near)
      func relay(_ from: borrowing TCPLink, _ to: borrowing TCPLink) {
        let byte = read(from, capacity: 1).bytes
        if !byte.isEmpty { _ = to.write(byte.span) }
      }
      var isDone = false
      var rounds = 0
      while !isDone {
        switch client.channel.handshake() {
        case .done: isDone = true
        case .wantsRead, .wantsWrite: break
        case .fault(let fault): throw fault
        case .failed(let error): throw error
        }
        relay(far, relayed)
        relay(relayed, far)
        rounds += 1
        try #require(rounds < 1_000_000)
      }
      #expect(rounds > 500)
      try client.write(Array("whole\n".utf8))
      while !server.hasAlreadyPrinted("whole\n") { relay(far, relayed) }
    }
  }
}

extension TLSProgress {
  var fault: TLSFault? { if case .fault(let fault) = self { fault } else { nil } }
}
