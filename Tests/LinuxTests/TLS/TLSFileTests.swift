import Core
import Dialing
import Testing

@testable import Linux

extension TLSTests {
  /// What is wrong with files shows before anything is sent, and with the file's name.
  @Suite struct TLSFileTests {
    static let missing = "/nonexistent/file"

    private func fault(_ change: (inout TLSSettings) -> Void) -> TLSFault? {
      var settings = TLSSettings()
      change(&settings)
      do throws(TLSFault) {
        let context = try settings.context()
        // Nothing is read or written before the handshake.
        _ = try context.open(over: -1, now: testNow, floor: testNow)
        return nil
      } catch {
        return error
      }
    }

    private func identity(
      _ certificate: String, _ key: String = "", passphrase: String = ""
    ) -> TLSFault? {
      fault {
        $0.certificateFile = certificate
        $0.key = key
        $0.passphraseFile = passphrase
      }
    }

    @Test func goodFilesAreTaken() {
      #expect(fault { _ in } == nil)
      let folder = fault {
        $0.authorityFolder = "authorities"
        $0.authorityFile = ""
      }
      #expect(folder == nil)
      #expect(identity("client.pem", "client.key") == nil)
      #expect(identity("client-both.pem") == nil)
      #expect(identity("client.pem", "client-locked.key", passphrase: "passphrase") == nil)
    }

    @Test func missingFileIsNamed() {
      let missing = Self.missing
      #expect(fault { $0.authorityFile = missing } == .fileUnreadable(.authorityFile, code: 2))
      #expect(fault { $0.authorityFolder = missing } == .fileUnreadable(.authorityFolder, code: 2))
      #expect(fault { $0.revocationFile = missing } == .fileUnreadable(.revocationFile, code: 2))
      #expect(identity(missing) == .fileUnreadable(.certificateFile, code: 2))
      #expect(identity("client.pem", missing) == .fileUnreadable(.key, code: 2))
      #expect(
        identity("client.pem", "client-locked.key", passphrase: missing)
          == .fileUnreadable(.passphraseFile, code: 2))
    }

    @Test func folderAndDeviceAreNoFiles() {
      #expect(fault { $0.authorityFile = "/tmp" } == .fileUnreadable(.authorityFile, code: 21))
      // A file that never ends, or never begins, must not be waited for.
      #expect(fault { $0.authorityFile = "/dev/zero" } == .fileUnreadable(.authorityFile, code: 22))
    }

    @Test func emptyFileIsNamed() throws {
      let scratch = try Scratch()
      try scratch.write("", to: "empty")
      try scratch.write("no certificate\n", to: "text")
      for name in ["empty", "text"] {
        let path = scratch.path + "/" + name
        #expect(fault { $0.authorityFile = path } == .fileEmpty(.authorityFile))
        #expect(fault { $0.revocationFile = path } == .fileEmpty(.revocationFile))
        #expect(identity(path) == .fileEmpty(.certificateFile))
        #expect(identity("client.pem", path) == .fileEmpty(.key))
      }
      let empty = scratch.path + "/empty"
      #expect(
        identity("client.pem", "client-locked.key", passphrase: empty)
          == .fileEmpty(.passphraseFile))
      // A key is no certificate, nor the other way round.
      #expect(fault { $0.authorityFile = "ca.key" } == .fileEmpty(.authorityFile))
      #expect(identity("client.pem") == .fileEmpty(.key))
    }

    @Test func damagedFileIsNamed() throws {
      let scratch = try Scratch()
      func damaged(_ name: String) throws -> String {
        let whole = try String(contentsOfFile: TestAuthority.shared.path(name), encoding: .utf8)
        try scratch.write(String(whole.prefix(whole.count / 2)), to: name)
        return scratch.path + "/" + name
      }
      let authority = try damaged("ca.pem")
      let list = try damaged("ca.crl")
      let certificate = try damaged("client.pem")
      let key = try damaged("client.key")
      #expect(fault { $0.authorityFile = authority } == .fileMalformed(.authorityFile))
      #expect(fault { $0.revocationFile = list } == .fileMalformed(.revocationFile))
      #expect(identity(certificate, "client.key") == .fileMalformed(.certificateFile))
      #expect(identity("client.pem", key) == .fileMalformed(.key))
    }

    @Test func lockedKeyTellsWhatIsMissing() {
      #expect(identity("client.pem", "client-locked.key") == .passphraseMissing)
      #expect(
        identity("client.pem", "client-locked.key", passphrase: "wrong-passphrase")
          == .passphraseWrong)
    }

    @Test func keyOfAnotherCertificateIsRefused() {
      #expect(identity("client.pem", "server.key") == .keyMismatch)
      #expect(identity("client.pem", "client-weak.key") == .keyMismatch)
    }

    @Test func ownWeakCertificateIsRefused() {
      #expect(identity("client-weak.pem", "client-weak.key") == .ownCertificateWeak)
    }

    @Test func keyIsFoundByItsURI() {
      let place = "file:" + TestAuthority.shared.path("client.key")
      #expect(identity("client.pem", place) == nil)
      let locked = "file:" + TestAuthority.shared.path("client-locked.key")
      #expect(identity("client.pem", locked, passphrase: "passphrase") == nil)
      #expect(identity("client.pem", locked, passphrase: "wrong-passphrase") == .passphraseWrong)
      #expect(identity("client.pem", locked) == .passphraseMissing)
      #expect(identity("client.pem", "file:/nonexistent") == .keyNotFound)
      #expect(identity("client.pem", "vault:mqtt") == .providerMissing)
    }

    @Test func settingOfAnotherFormIsNamed() {
      let longest = String(repeating: "a", count: 253)
      for host in ["", ".example", "a\0b", longest + "a"] {
        #expect(fault { $0.host = host } == .settingInvalid(.host))
      }
      #expect(fault { $0.host = longest } == nil)
      for alpn in [",", "mqtt,", "a,,b", String(repeating: "a", count: 256)] {
        #expect(fault { $0.alpn = alpn } == .settingInvalid(.alpn))
      }
      #expect(fault { $0.alpn = "mqtt,x-amzn-mqtt-ca" } == nil)
    }

    @Test func filesAreReadAnewAtEachConnection() throws {
      let scratch = try Scratch()
      let path = scratch.path + "/ca.pem"
      var settings = TLSSettings()
      settings.authorityFile = path
      let context = try settings.context()
      let server = try TLSServer()
      #expect(throws: TLSFault.fileUnreadable(.authorityFile, code: 2)) {
        _ = try context.open(over: -1, now: testNow, floor: testNow)
      }
      func install(_ name: String) throws {
        let text = try String(contentsOfFile: TestAuthority.shared.path(name), encoding: .utf8)
        try scratch.write(text, to: "ca.pem")
      }
      try install("other-ca.pem")
      var refused = try TLSClient(context, to: server.port)
      #expect(try refused.handshake() == .unknownAuthority(depth: 0))
      try install("ca.pem")
      var taken = try TLSClient(context, to: server.port)
      #expect(try taken.handshake() == nil)
    }
  }
}
