import Core
import Dialing
import TestSupport
import Testing

@testable import Linux

extension TLSTests {
  /// What people are told.
  @Suite struct TLSTextTests {
    static let faults: [TLSFault] =
      [
        .libraryMissing, .outOfMemory, .trustStoreMissing, .passphraseMissing, .passphraseWrong,
        .keyMismatch, .keyNotFound, .providerMissing, .ownCertificateWeak, .expired(depth: 0),
        .expired(depth: 2), .notYetValid(depth: 1), .hostMismatch, .unknownAuthority(depth: 255),
        .selfSigned, .selfSignedAuthority(depth: 1), .revoked(depth: 1),
        .revocationListMissing(depth: 0), .revocationListExpired(depth: 0),
        .revocationListInvalid(depth: 0), .certificateWeak(depth: 1), .wrongPurpose(depth: 1),
        .certificateInvalid(code: 79, depth: 3), .protocolVersion, .noCommonCipher, .notTLS,
        .certificateRequired, .alpnNotAgreed, .closedInHandshake, .truncated,
        .protocolError(code: 281),
      ] + (0...255).flatMap { [.alert($0), .certificateRefused(alert: $0)] }
      + (0...7).compactMap { TLSSetting(rawValue: $0) }.flatMap { setting in
        [TLSFault.fileEmpty(setting), .fileMalformed(setting), .settingInvalid(setting)]
          + [2, 5, 13, 20, 21, 22, 27].map { .fileUnreadable(setting, code: $0) }
      }

    @Test func eachFaultHasItsOwnSentence() {
      var seen: Set<String> = []
      for fault in Self.faults {
        let told = sentence { fault.describe(into: &$0) }
        #expect(told.utf8.count > 15 && told.utf8.count < 240, "\(told)")
        #expect(!seen.contains(told), "\(told)")
        #expect(told.first?.isLetter == true, "\(told)")
        seen.insert(told)
      }
      #expect(sentence { TLSFault.expired(depth: 1).describe(into: &$0) }.contains("(1 above"))
      #expect(sentence(8) { TLSFault.truncated.describe(into: &$0) } == "the conn")
    }

    @Test func slugsAreForPrograms() {
      let slugs = Self.faults.map { "\($0.slug)" }
      #expect(slugs.allSatisfy { $0.wholeMatch(of: /[a-z]+(-[a-z]+)*/) != nil })
      // One for each case.
      #expect(Set(slugs).count == 36)
    }

    @Test func keysURIIsToldWithoutItsPIN() {
      let uri = "pkcs11:token=board;object=mqtt?pin-value=1234"
      var spec = TLSSpec(host: .empty)
      spec.key = Text(offset: 0, count: UInt32(uri.utf8.count))
      let pool = utf8(uri)
      var arena = testArena()
      let texts = TextPool(copying: pool.span, arena: &arena)
      let told = sentence { spec.describe(.key, texts: texts, into: &$0) }
      #expect(told == "pkcs11:token=board;object=mqtt")
    }

    @Test func libraryTellsItsVersion() {
      #expect(TLSLibrary.load())
      #expect(sentence { TLSLibrary.version(into: &$0) }.hasPrefix("OpenSSL 3."))
      #expect(sentence { TLSLibrary.problem(into: &$0) }.isEmpty)
    }

    // TestSupport has a function of the name that Support.swift has.
    private func sentence(
      _ capacity: Int = 1024, _ body: (inout OutputSpan<UInt8>) -> Void
    ) -> String {
      String(decoding: written(capacity: capacity, body), as: UTF8.self)
    }
  }
}
