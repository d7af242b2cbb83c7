import Core

/// How TLS is spoken with one server, as the profile describes it. What is empty is not given.
///
/// Files are read anew at each connection, so a renewed certificate or list counts without a
/// restart. Paths have at most 1,023 bytes.
public struct TLSSpec: BitwiseCopyable, Sendable {
  /// The name or address that the server's certificate must bear, and that it is asked for by (SNI):
  /// the URL's host, unless the profile overrides it.
  public var host: Text

  /// File of the authorities to trust, in PEM, or one in DER. With neither this nor the folder it is
  /// the system that knows whom to trust.
  public var authorityFile = Text.empty
  /// Folder of the authorities to trust, prepared by `openssl rehash`.
  public var authorityFolder = Text.empty
  /// File of our certificate in PEM, with those behind it that lead to the root.
  public var certificateFile = Text.empty
  /// Our key: a file in PEM, or a URI for OpenSSL's stores, such as `pkcs11:token=board;object=mqtt`
  /// (RFC 7512). When empty the key is in the certificate file.
  public var key = Text.empty
  /// File with the key's passphrase, or its token's PIN, in the first line.
  public var passphraseFile = Text.empty
  /// File of certificate revocation lists, in PEM, or one in DER. With it, a server whose authority
  /// has no list in it, or an old one, is refused.
  public var revocationFile = Text.empty
  /// True to have each authority in the chain checked for revocation too, for which the file needs
  /// a list of each; else just the server's own certificate is.
  public var revocationOfChain = false

  /// True for TLS 1.3 and later alone; else 1.2 and later.
  public var onlyVersion13 = false
  /// Protocols to offer by ALPN (RFC 7301), the best first, parted by commas: "mqtt", or
  /// "x-amzn-mqtt-ca".
  public var alpn = Text.empty
  /// True to refuse a server that answers no protocol, as one does that knows nothing of ALPN.
  public var alpnRequired = false
  /// True to accept **any** certificate of **anybody**: no name, no authority, no date is checked,
  /// and whoever is in between reads and changes all. For a workbench, never for a board.
  public var insecure = false

  /// TLS with `host`, trusting whom the system trusts.
  public init(host: Text) { self.host = host }

  /// Calls `body` with each text, which may put it elsewhere.
  public mutating func forEachText(_ body: (inout Text) -> Void) {
    body(&host)
    body(&authorityFile)
    body(&authorityFolder)
    body(&certificateFile)
    body(&key)
    body(&passphraseFile)
    body(&revocationFile)
    body(&alpn)
  }

  /// The text of a setting.
  public subscript(setting: TLSSetting) -> Text {
    switch setting {
    case .host: host
    case .authorityFile: authorityFile
    case .authorityFolder: authorityFolder
    case .certificateFile: certificateFile
    case .key: key.isEmpty ? certificateFile : key
    case .passphraseFile: passphraseFile
    case .revocationFile: revocationFile
    case .alpn: alpn
    }
  }

  /// Appends the text of a setting for people, cut where `out` is full: which file is at fault. A
  /// key's URI is cut where a PIN may stand in it (RFC 7512, section 2.4).
  public func describe(
    _ setting: TLSSetting, texts: borrowing TextPool, into out: inout OutputSpan<UInt8>
  ) {
    texts.withBytes(of: self[setting]) { bytes in
      for index in bytes.indices {
        guard out.freeCapacity > 0 else { return }
        if setting == .key && bytes[index] == UInt8(ascii: "?") { return }
        out.append(bytes[index])
      }
    }
  }
}
