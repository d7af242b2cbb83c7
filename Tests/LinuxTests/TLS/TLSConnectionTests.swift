import Core
import Dialing
import Testing

@testable import Linux

extension TLSTests {
  /// Connections that stand: what was agreed, and what a second one costs.
  @Suite struct TLSConnectionTests {
    @Test(arguments: [("-tls1_2", "TLSv1.2"), ("-tls1_3", "TLSv1.3")])
    func versionAndCipherAreKnown(_ option: String, _ version: String) throws {
      let server = try TLSServer("server.pem", [option])
      let context = try TLSSettings().context()
      var client = try TLSClient(context, to: server.port)
      #expect(text { client.channel.version(into: &$0) } == "")
      #expect(text { client.channel.cipher(into: &$0) } == "")
      #expect(try client.handshake() == nil)
      #expect(text { client.channel.version(into: &$0) } == version)
      let cipher = text { client.channel.cipher(into: &$0) }
      #expect(cipher.contains("AES_256_GCM") || cipher.contains("AES256-GCM"))
      #expect(text(capacity: 3) { client.channel.version(into: &$0) } == "TLS")
      #expect(client.channel.isResumed == false)
    }

    @Test(arguments: ["localhost", "LOCALHOST", "localhost.", "127.0.0.1", "::1", "::1%lo"])
    func certificateIsForNamesAndAddresses(_ host: String) throws {
      let server = try TLSServer()
      var settings = TLSSettings()
      settings.host = host
      let context = try settings.context()
      var client = try TLSClient(context, to: server.port)
      #expect(try client.handshake() == nil)
    }

    @Test func wildcardIsForOneLabel() throws {
      let server = try TLSServer("wildcard.pem")
      for (host, fault) in [
        ("broker.sandpiper.example", nil), ("sandpiper.example", TLSFault.hostMismatch),
        ("a.broker.sandpiper.example", .hostMismatch),
      ] {
        var settings = TLSSettings()
        settings.host = host
        let context = try settings.context()
        var client = try TLSClient(context, to: server.port)
        #expect(try client.handshake() == fault)
      }
    }

    /// The server has a certificate for another name, and the right one for who asks by name.
    @Test func serverIsAskedForByName() throws {
      let server = try TLSServer(
        "wrong-host.pem",
        ["-servername", "localhost", "-cert2", "server.pem", "-key2", "server.key"])
      let context = try TLSSettings().context()
      var client = try TLSClient(context, to: server.port)
      #expect(try client.handshake() == nil)
    }

    @Test func protocolIsAgreed() throws {
      let server = try TLSServer("server.pem", ["-alpn", "http/1.1,x-amzn-mqtt-ca,mqtt"])
      var settings = TLSSettings()
      settings.alpn = "mqtt,x-amzn-mqtt-ca"
      let context = try settings.context()
      var client = try TLSClient(context, to: server.port)
      #expect(try client.handshake() == nil)
      #expect(text { client.channel.agreedProtocol(into: &$0) } == "x-amzn-mqtt-ca")
    }

    @Test(arguments: ["-tls1_2", "-tls1_3"], ["client.pem", "client-both.pem"])
    func bothSidesShowCertificates(_ option: String, _ certificate: String) throws {
      let server = try TLSServer(
        "server.pem", [option, "-Verify", "1", "-verify_return_error", "-CAfile", "ca.pem"])
      var settings = TLSSettings()
      settings.certificateFile = certificate
      settings.key = certificate == "client.pem" ? "client-locked.key" : ""
      settings.passphraseFile = certificate == "client.pem" ? "passphrase" : ""
      let context = try settings.context()
      var client = try TLSClient(context, to: server.port)
      #expect(try client.handshake() == nil)
      try client.write(Array("hello\n".utf8))
      #expect(server.hasPrinted("hello\n"))
      #expect(server.hasPrinted("CN = greenhouse"))
    }

    @Test func endsOfCertificatesAreKnown() throws {
      let server = try TLSServer("expired.pem")
      var settings = TLSSettings()
      settings.certificateFile = "client.pem"
      settings.key = "client.key"
      let context = try settings.context()
      let in2020 = WallTime(milliseconds: 1_600_000_000_000)
      var client = try TLSClient(context, to: server.port, now: in2020, floor: in2020)
      #expect(client.channel.serverCertificateEnds == nil)
      #expect(try client.handshake() == nil)
      // 2021-01-01 and 2045-01-01.
      #expect(client.channel.serverCertificateEnds == WallTime(milliseconds: 1_609_459_200_000))
      #expect(client.channel.ownCertificateEnds == WallTime(milliseconds: 2_366_841_600_000))
      let without = try TLSSettings().context()
      let other = try TLSClient(without, to: server.port)
      #expect(other.channel.ownCertificateEnds == nil)
    }

    // MARK: Resuming

    /// Bytes that a handshake took, and what the channel says of it.
    private func connect(
      _ context: borrowing TLSContext, _ server: TLSServer, now: WallTime = testNow,
      orderly: Bool = true
    ) throws -> (fault: TLSFault?, isResumed: Bool, bytes: UInt64) {
      var client = try TLSClient(context, to: server.port, now: now, floor: now)
      let fault = try client.handshake()
      let bytes = client.channel.bytesIn + client.channel.bytesOut
      if fault == nil {
        server.type("tickets are in front of this\n")
        while try client.read().bytes.isEmpty {}
        if orderly { client.channel.close() }
      }
      return (fault, client.channel.isResumed, bytes)
    }

    @Test(arguments: ["-tls1_2", "-tls1_3"], [true, false])
    func secondConnectionCostsFewerBytes(_ option: String, _ orderly: Bool) throws {
      let server = try TLSServer("server.pem", [option])
      let context = try TLSSettings().context()
      #expect(context.hasSession == false)
      let first = try connect(context, server, orderly: orderly)
      #expect(!first.isResumed)
      #expect(context.hasSession == true)
      for _ in 0..<3 {
        let next = try connect(context, server, orderly: orderly)
        #expect(next.isResumed)
        #expect(next.bytes < first.bytes - 300)
        print("handshake \(option): \(first.bytes) bytes, resumed \(next.bytes)")
      }
      context.forgetSession()
      #expect(try connect(context, server).isResumed == false)
    }

    @Test func serverThatKnowsNoSessionGetsAFullHandshake() throws {
      let context = try TLSSettings().context()
      let one = try TLSServer()
      let two = try TLSServer()
      #expect(try connect(context, one).fault == nil)
      let other = try connect(context, two)
      #expect(other.fault == nil)
      #expect(!other.isResumed)
      #expect(try connect(context, two).isResumed)
    }

    /// A resumed connection shows no certificate, so the one of the session is looked at again.
    @Test(arguments: ["-tls1_2", "-tls1_3"])
    func certificateThatHasExpiredSinceIsNotResumed(_ option: String) throws {
      let server = try TLSServer("expired.pem", [option])
      let context = try TLSSettings().context()
      let in2020 = WallTime(milliseconds: 1_600_000_000_000)
      #expect(try connect(context, server, now: in2020).fault == nil)
      #expect(try connect(context, server, now: in2020).isResumed)
      #expect(try connect(context, server).fault == .expired(depth: 0))
    }

    @Test(arguments: ["-tls1_2", "-tls1_3"])
    func certificateThatWasRevokedSinceIsNotResumed(_ option: String) throws {
      let scratch = try Scratch()
      let server = try TLSServer("revoked.pem", [option])
      var settings = TLSSettings()
      settings.revocationFile = scratch.path + "/list.crl"
      let context = try settings.context()
      try install("ca-before.crl", as: "list.crl", in: scratch)
      #expect(try connect(context, server).fault == nil)
      #expect(try connect(context, server).isResumed)
      try install("ca.crl", as: "list.crl", in: scratch)
      #expect(try connect(context, server).fault == .revoked(depth: 0))
    }

    @Test(arguments: ["-tls1_2", "-tls1_3"])
    func authorityThatIsTrustedNoMoreIsNotResumed(_ option: String) throws {
      let scratch = try Scratch()
      let server = try TLSServer("server.pem", [option])
      var settings = TLSSettings()
      settings.authorityFile = scratch.path + "/ca.pem"
      let context = try settings.context()
      try install("ca.pem", as: "ca.pem", in: scratch)
      #expect(try connect(context, server).fault == nil)
      #expect(try connect(context, server).isResumed)
      try install("other-ca.pem", as: "ca.pem", in: scratch)
      #expect(try connect(context, server).fault == .unknownAuthority(depth: 0))
    }

    private func install(_ name: String, as place: String, in scratch: Scratch) throws {
      let text = try String(contentsOfFile: TestAuthority.shared.path(name), encoding: .utf8)
      try scratch.write(text, to: place)
    }

    @Test func sessionOfAnotherCertificateOfOursIsNotResumed() throws {
      let scratch = try Scratch()
      func install(_ name: String) throws {
        let folder = TestAuthority.shared
        let text =
          try String(contentsOfFile: folder.path(name), encoding: .utf8)
          + String(contentsOfFile: folder.path("client.key"), encoding: .utf8)
        try scratch.write(text, to: "client.pem")
      }
      let server = try TLSServer("server.pem", ["-verify", "1", "-CAfile", "ca.pem"])
      var settings = TLSSettings()
      settings.certificateFile = scratch.path + "/client.pem"
      let context = try settings.context()
      try install("client.pem")
      #expect(try connect(context, server).fault == nil)
      #expect(try connect(context, server).isResumed)
      try install("client-expired.pem")
      #expect(try connect(context, server).isResumed == false)
    }
  }
}
