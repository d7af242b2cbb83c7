import Core
import Dialing
import Testing

@testable import Linux

extension TLSTests {
  /// Servers that must be refused, and refusals of servers: each for a reason of its own.
  @Suite struct TLSRefusalTests {
    struct Case: Sendable, CustomTestStringConvertible {
      var name: String
      var certificate = "server.pem"
      var options: [String] = []
      var settings: @Sendable (inout TLSSettings) -> Void = { _ in }
      var fault: TLSFault?
      var testDescription: String { name }
    }

    static let certificates: [Case] = [
      Case(name: "good", fault: nil),
      Case(name: "expired", certificate: "expired.pem", fault: .expired(depth: 0)),
      Case(
        name: "not yet valid", certificate: "not-yet-valid.pem", fault: .notYetValid(depth: 0)),
      Case(name: "other host", certificate: "wrong-host.pem", fault: .hostMismatch),
      Case(
        name: "other address", settings: { $0.host = "127.0.0.2" }, fault: .hostMismatch),
      Case(
        name: "a name that is only a part", settings: { $0.host = "local" }, fault: .hostMismatch),
      Case(
        name: "other authority", certificate: "other-server.pem",
        fault: .unknownAuthority(depth: 0)),
      Case(
        name: "authority not trusted, but sent", certificate: "other-server.pem",
        options: ["-cert_chain", "other-ca.pem"], fault: .selfSignedAuthority(depth: 1)),
      Case(
        name: "intermediate authority not sent", certificate: "chain-alone.pem",
        fault: .unknownAuthority(depth: 0)),
      Case(name: "self-signed", certificate: "self-signed.pem", fault: .selfSigned),
      Case(
        name: "self-signed and named", certificate: "self-signed.pem",
        settings: { $0.authorityFile = "self-signed.pem" }, fault: nil),
      Case(
        name: "revoked", certificate: "revoked.pem", settings: { $0.revocationFile = "ca.crl" },
        fault: .revoked(depth: 0)),
      Case(name: "not on the list", settings: { $0.revocationFile = "ca.crl" }, fault: nil),
      Case(
        name: "list of another authority", settings: { $0.revocationFile = "other-ca.crl" },
        fault: .revocationListMissing(depth: 0)),
      Case(
        name: "old list", settings: { $0.revocationFile = "ca-expired.crl" },
        fault: .revocationListExpired(depth: 0)),
      Case(
        name: "list of the chain", certificate: "chain.pem",
        settings: {
          $0.revocationFile = "chain.crl"
          $0.change = { $0.revocationOfChain = true }
        }, fault: nil),
      Case(
        name: "no list for the authority of the authority", certificate: "chain.pem",
        settings: {
          $0.revocationFile = "intermediate.crl"
          $0.change = { $0.revocationOfChain = true }
        }, fault: .revocationListMissing(depth: 1)),
      Case(
        name: "list for the server alone", certificate: "chain.pem",
        settings: { $0.revocationFile = "intermediate.crl" }, fault: nil),
      Case(name: "weak key", certificate: "weak.pem", fault: .certificateWeak(depth: 0)),
      Case(name: "weak digest", certificate: "weak-digest.pem", fault: .certificateWeak(depth: 0)),
      Case(name: "for clients", certificate: "wrong-purpose.pem", fault: .wrongPurpose(depth: 0)),
      Case(
        name: "insecure takes it", certificate: "other-server.pem",
        settings: {
          $0.host = "somewhere.example"
          $0.change = { $0.insecure = true }
        }, fault: nil),
    ]

    static let conversations: [Case] = [
      Case(
        name: "1.2 for one that wants 1.3", options: ["-tls1_2"],
        settings: { $0.change = { $0.onlyVersion13 = true } }, fault: .protocolVersion),
      Case(name: "1.1", options: ["-tls1_1"], fault: .protocolVersion),
      Case(
        name: "no cipher in common", options: ["-tls1_2", "-cipher", "PSK@SECLEVEL=0"],
        fault: .noCommonCipher),
      Case(
        name: "no group in common", options: ["-tls1_3", "-groups", "brainpoolP256r1"],
        fault: .noCommonCipher),
      Case(
        name: "no protocol in common", options: ["-alpn", "http/1.1"],
        settings: { $0.alpn = "mqtt,x-amzn-mqtt-ca" }, fault: .alpnNotAgreed),
      Case(name: "no answer to ALPN", settings: { $0.alpn = "mqtt" }, fault: nil),
      Case(
        name: "no answer to ALPN, but needed",
        settings: {
          $0.alpn = "mqtt"
          $0.change = { $0.alpnRequired = true }
        }, fault: .alpnNotAgreed),
      Case(
        name: "1.2 without a certificate", options: ["-tls1_2", "-Verify", "1"],
        fault: .certificateRequired),
      Case(
        name: "1.2 with another authority's",
        options: ["-tls1_2", "-Verify", "1", "-verify_return_error", "-CAfile", "ca.pem"],
        settings: {
          $0.certificateFile = "other-client.pem"
          $0.key = "client.key"
        }, fault: .certificateRefused(alert: 48)),
    ]

    @Test(arguments: certificates) func certificateIsTakenOrRefusedForWhatItIs(_ test: Case) throws
    {
      try check(test)
    }

    @Test(arguments: conversations) func conversationEndsForWhatItIs(_ test: Case) throws {
      try check(test)
    }

    private func check(_ test: Case) throws {
      let server = try TLSServer(test.certificate, test.options)
      var settings = TLSSettings()
      test.settings(&settings)
      let context = try settings.context()
      var client = try TLSClient(context, to: server.port)
      let fault = try client.handshake()
      #expect(fault == test.fault)
      #expect(context.hasSession == false || fault == nil)
      // It says so again, and nothing was sent that was not encrypted.
      if let fault {
        #expect(try client.handshake() == fault)
        let isSame = try client.read().result.fault == fault
        #expect(isSame)
      }
    }

    struct Refusal: Sendable {
      var certificate = ""
      var options: [String] = []
      var fault: TLSFault
    }

    static let refusals: [Refusal] = [
      Refusal(fault: .certificateRequired),
      Refusal(certificate: "other-client.pem", fault: .certificateRefused(alert: 48)),
      Refusal(certificate: "client-expired.pem", fault: .certificateRefused(alert: 45)),
    ]

    /// In TLS 1.3 the client is done before the server has seen its certificate.
    @Test(arguments: refusals) func version13RefusesAtTheFirstRead(_ test: Refusal) throws {
      let server = try TLSServer(
        "server.pem",
        ["-tls1_3", "-Verify", "1", "-verify_return_error", "-CAfile", "ca.pem"])
      var settings = TLSSettings()
      settings.certificateFile = test.certificate
      settings.key = test.certificate.isEmpty ? "" : "client.key"
      let context = try settings.context()
      var client = try TLSClient(context, to: server.port)
      #expect(try client.handshake() == nil)
      let fault = try client.readToEnd().result.fault
      #expect(fault == test.fault)
      #expect(context.hasSession == false)
    }

    @Test func boardWithoutAClockTrustsFromTheFloorOn() throws {
      func attempt(_ server: TLSServer, now: WallTime, floor: WallTime) throws -> TLSFault? {
        let context = try TLSSettings().context()
        var client = try TLSClient(context, to: server.port, now: now, floor: floor)
        return try client.handshake()
      }
      let unset = WallTime(milliseconds: 0)
      let in2041 = WallTime(milliseconds: 2_240_524_800_000)
      let in2046 = WallTime(milliseconds: 2_398_291_200_000)
      let later = try TLSServer("not-yet-valid.pem")
      #expect(try attempt(later, now: unset, floor: unset) != nil)
      #expect(try attempt(later, now: unset, floor: in2041) == nil)
      let good = try TLSServer()
      #expect(try attempt(good, now: testNow, floor: unset) == nil)
      #expect(try attempt(good, now: testNow, floor: in2046) != nil)
    }
  }
}
