import Core
import Dialing
import Uplink

/// How TLS is spoken with the broker.
extension ProfileReader {
  mutating func readTLS(_ tls: inout ObjectReader) {
    var spec = TLSSpec(host: .empty)
    spec.host = text("host", of: &tls, longest: 253)
    if !spec.host.isEmpty, configuration.texts[spec.host.range].first == UInt8(ascii: ".") {
      error(tls.offset, tls.path("host"), "expected the name in the broker's certificate")
    }
    spec.authorityFile = text("ca", of: &tls)
    spec.authorityFolder = text("caFolder", of: &tls)
    spec.certificateFile = text("cert", of: &tls)
    spec.key = text("key", of: &tls)
    spec.passphraseFile = text("keyPassphraseFile", of: &tls)
    spec.revocationFile = text("crl", of: &tls)
    if let isOfChain = tls.word("crlCheck", &problems, ["broker": false, "chain": true]) {
      spec.revocationOfChain = isOfChain
      if spec.revocationFile.isEmpty {
        error(tls.offset, tls.path("crlCheck"), "goes only with crl: name the file of the lists")
      }
    }
    if let only13 = tls.word("minVersion", &problems, ["1.2": false, "1.3": true]) {
      spec.onlyVersion13 = only13
    }
    if let names = tls.shortString("alpn", &problems, longest: 255) {
      if Self.isProtocolList(names.bytes) {
        spec.alpn = configuration.intern(names.bytes)
      } else {
        error(
          names.offset, tls.path("alpn"),
          "expected names of protocols such as \"mqtt\", parted by commas, without blanks")
      }
    }
    spec.alpnRequired = tls.bool("alpnRequired", &problems) ?? false
    readInsecure(&tls, &spec)
    if !spec.key.isEmpty, spec.certificateFile.isEmpty {
      error(tls.offset, tls.path("key"), "goes only with cert: name the certificate that it is for")
    }
    if !spec.passphraseFile.isEmpty, spec.certificateFile.isEmpty {
      error(tls.offset, tls.path("keyPassphraseFile"), "goes only with cert and its key")
    }
    if spec.alpnRequired, spec.alpn.isEmpty {
      error(tls.offset, tls.path("alpnRequired"), "goes only with alpn: name the protocols")
    }
    configuration.uplink.dial.tls = spec
  }

  private mutating func readInsecure(_ tls: inout ObjectReader, _ spec: inout TLSSpec) {
    let offset = tls.offset
    spec.insecure = tls.bool("insecure", &problems) ?? false
    if spec.insecure {
      warn(
        offset, tls.path("insecure"),
        "any certificate of anybody is taken: whoever is in between reads and changes all")
    }
  }

  private mutating func text(
    _ key: StaticString, of tls: inout ObjectReader, longest: Int = 1023
  ) -> Text {
    guard let value = tls.shortString(key, &problems, longest: longest) else { return .empty }
    return configuration.intern(value.bytes)
  }

  /// Names of 1 to 255 visible characters, parted by commas (RFC 7301, section 3.1).
  private static func isProtocolList(_ list: [UInt8]) -> Bool {
    var count = 0
    for byte in list {
      if byte == UInt8(ascii: ",") {
        guard count > 0 else { return false }
        count = 0
      } else {
        guard byte > 0x20, byte < 0x7F else { return false }
        count += 1
      }
    }
    return count > 0
  }
}
