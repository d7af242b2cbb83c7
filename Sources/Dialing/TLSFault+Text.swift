import Core

extension TLSFault {
  /// The fault's name, for programs: lower case, with hyphens, never changed.
  public var slug: StaticString {
    switch self {
    case .libraryMissing: "tls-library-missing"
    case .outOfMemory: "tls-out-of-memory"
    case .fileUnreadable: "tls-file-unreadable"
    case .fileEmpty: "tls-file-empty"
    case .fileMalformed: "tls-file-malformed"
    case .trustStoreMissing: "tls-trust-store-missing"
    case .passphraseMissing: "tls-passphrase-missing"
    case .passphraseWrong: "tls-passphrase-wrong"
    case .keyMismatch: "tls-key-mismatch"
    case .keyNotFound: "tls-key-not-found"
    case .providerMissing: "tls-provider-missing"
    case .ownCertificateWeak: "tls-own-certificate-weak"
    case .settingInvalid: "tls-setting-invalid"
    case .expired: "tls-certificate-expired"
    case .notYetValid: "tls-certificate-not-yet-valid"
    case .hostMismatch: "tls-host-mismatch"
    case .unknownAuthority: "tls-unknown-authority"
    case .selfSigned: "tls-self-signed"
    case .selfSignedAuthority: "tls-self-signed-authority"
    case .revoked: "tls-certificate-revoked"
    case .revocationListMissing: "tls-revocation-list-missing"
    case .revocationListExpired: "tls-revocation-list-expired"
    case .revocationListInvalid: "tls-revocation-list-invalid"
    case .certificateWeak: "tls-certificate-weak"
    case .wrongPurpose: "tls-wrong-purpose"
    case .certificateInvalid: "tls-certificate-invalid"
    case .protocolVersion: "tls-protocol-version"
    case .noCommonCipher: "tls-no-common-cipher"
    case .notTLS: "not-tls"
    case .certificateRequired: "tls-certificate-required"
    case .certificateRefused: "tls-certificate-refused"
    case .alpnNotAgreed: "tls-alpn-not-agreed"
    case .closedInHandshake: "tls-closed-in-handshake"
    case .truncated: "tls-truncated"
    case .alert: "tls-alert"
    case .protocolError: "tls-protocol-error"
    }
  }

  /// The setting that has to be looked after; nil when it is not one of ours.
  public var setting: TLSSetting? {
    switch self {
    case .fileUnreadable(let setting, _), .fileEmpty(let setting), .fileMalformed(let setting),
      .settingInvalid(let setting):
      setting
    case .passphraseMissing, .keyMismatch, .keyNotFound, .providerMissing: .key
    case .passphraseWrong: .passphraseFile
    case .ownCertificateWeak, .certificateRequired, .certificateRefused: .certificateFile
    case .revocationListMissing, .revocationListExpired, .revocationListInvalid: .revocationFile
    case .unknownAuthority, .selfSigned, .selfSignedAuthority: .authorityFile
    case .hostMismatch: .host
    case .alpnNotAgreed: .alpn
    default: nil
    }
  }

  /// Appends what is wrong and what to do, in a sentence of at most 240 bytes, cut where `out` is
  /// full. Holds no secret, and nothing that the server has sent but numbers.
  public func describe(into out: inout OutputSpan<UInt8>) {
    var text = FixedText<240>()
    switch self {
    case .fileUnreadable(let setting, let code):
      text.append(setting.name)
      text.append(" ")
      text.append(errno: code)
    case .fileEmpty(let setting):
      text.append(setting.name)
      text.append(" holds no ")
      text.append(setting.content)
    case .fileMalformed(let setting):
      text.append(setting.name)
      text.append(" is damaged, or does not hold a ")
      text.append(setting.content)
    case .settingInvalid(let setting):
      text.append(setting.name)
      switch setting {
      case .alpn: text.append(" must have names of up to 255 bytes, parted by commas")
      case .host: text.append(" must have 1 to 253 bytes, and no dot in front")
      default: text.append(" must be a path without a NUL")
      }
    case .certificateInvalid(let code, let depth):
      text.append(certificateAt: depth)
      text.append(" is not valid: see `openssl verify`, error ")
      text.append(decimal: Int(code))
    case .certificateRefused(let alert):
      text.append("the server has refused our certificate: ")
      text.append(alert: alert)
    case .alert(let number):
      text.append("the server has ended the connection: ")
      text.append(alert: number)
    case .protocolError(let code):
      text.append("the server does not keep to the protocol: OpenSSL's reason ")
      text.append(decimal: Int(code))
    default:
      if let depth { text.append(certificateAt: depth) }
      text.append(sentence)
    }
    text.write(into: &out)
  }

  private var depth: UInt8? {
    switch self {
    case .expired(let depth), .notYetValid(let depth), .unknownAuthority(let depth),
      .revoked(let depth), .certificateWeak(let depth), .wrongPurpose(let depth):
      depth
    default: nil
    }
  }

  // What has no number in it; behind "the server's certificate" where there is a depth.
  private var sentence: StaticString {
    switch self {
    case .libraryMissing: "OpenSSL 3 (libssl.so.3) cannot be loaded: install the package libssl3"
    case .outOfMemory: "there is no memory for a TLS connection"
    case .trustStoreMissing:
      "this system trusts no authorities: install ca-certificates, or name an authority file"
    case .passphraseMissing: "the key is locked: name a file with its passphrase or PIN"
    case .passphraseWrong: "the passphrase or PIN does not open the key"
    case .keyMismatch: "the key does not belong to the first certificate of the certificate file"
    case .keyNotFound: "there is no key at its URI: try it with `openssl storeutl`"
    case .providerMissing:
      """
      OpenSSL has no provider for the key's URI: for pkcs11: install pkcs11-provider, and use no \
      static build
      """
    case .ownCertificateWeak:
      "our certificate has a key below 2048 bits (RSA) or a weak digest: have a new one made"
    case .expired: " has expired: the server needs a new one, unless our clock is wrong"
    case .notYetValid: " is not valid yet: our clock is wrong, or the server has it too early"
    case .hostMismatch:
      "the server's certificate is for another name: connect to the name that it bears"
    case .unknownAuthority:
      """
       is of an authority that is not trusted, or the server does not send those between: name the \
      authority's file
      """
    case .selfSigned:
      """
      the server has signed its certificate itself: if it is the right one, name it as the \
      authority file
      """
    case .selfSignedAuthority:
      "the server's chain ends in an authority that is not trusted: name the authority's file"
    case .revoked: " has been revoked by its authority: the server needs a new one"
    case .revocationListMissing:
      "the revocation file has no list of the authority that signed the server's certificate"
    case .revocationListExpired:
      "the revocation list is out of date: fetch a new one, unless our clock is wrong"
    case .revocationListInvalid:
      "the revocation list is not valid yet, or not signed by its authority: fetch a new one"
    case .certificateWeak:
      " has a key below 2048 bits (RSA) or a weak digest: the server needs a new one"
    case .wrongPurpose: " is not for this purpose: one made for servers is needed"
    case .protocolVersion:
      "the server allows no version of TLS that we do: it needs 1.2 or 1.3, as the profile says"
    case .noCommonCipher: "the server allows no cipher suite that we do"
    case .notTLS: "what answers is not TLS: is this the port for plain connections?"
    case .certificateRequired: "the server wants a certificate: name a certificate file and a key"
    case .alpnNotAgreed: "the server speaks none of the protocols that ALPN offers"
    case .closedInHandshake:
      "the server has closed the connection in the handshake: is this the port for TLS?"
    case .truncated: "the connection was cut off: the server did not say that it ends"
    default: ""
    }
  }
}

extension TLSSetting {
  fileprivate var name: StaticString {
    switch self {
    case .host: "the server's name"
    case .authorityFile: "the authority file"
    case .authorityFolder: "the authority folder"
    case .certificateFile: "the certificate file"
    case .key: "the key file"
    case .passphraseFile: "the passphrase file"
    case .revocationFile: "the revocation file"
    case .alpn: "the list of protocols for ALPN"
    }
  }

  fileprivate var content: StaticString {
    switch self {
    case .host, .alpn: "name"
    case .authorityFile, .authorityFolder, .certificateFile: "certificate in PEM"
    case .key: "private key in PEM"
    case .passphraseFile: "passphrase in its first line"
    case .revocationFile: "revocation list"
    }
  }
}

extension FixedText {
  fileprivate mutating func append(certificateAt depth: UInt8) {
    guard depth > 0 else { return append("the server's certificate") }
    append("the authority's certificate (")
    append(decimal: Int(depth))
    append(" above the server's)")
  }

  // Linux's numbers, which are the same on all of Swift's platforms.
  fileprivate mutating func append(errno code: Int32) {
    switch code {
    case 2: append("does not exist")
    case 13: append("may not be read by this user")
    case 20: append("does not exist: its folder is none")
    case 21: append("is a folder")
    case 22: append("is not an ordinary file")
    case 27: append("is too large")
    default:
      append("cannot be read: error ")
      append(decimal: Int(max(0, code)))
    }
  }

  // RFC 8446, section 6.2, and RFC 5246, section 7.2.2.
  fileprivate mutating func append(alert number: UInt8) {
    append("alert ")
    append(decimal: Int(number))
    switch number {
    case 10: append(", unexpected message")
    case 20: append(", bad record MAC")
    case 22: append(", record overflow")
    case 40: append(", handshake failure: perhaps it wants a certificate, or another cipher suite")
    case 42: append(", bad certificate: it may be damaged, or its signature too weak")
    case 43: append(", unsupported certificate: it may be for another purpose")
    case 44: append(", certificate revoked")
    case 45: append(", certificate expired: have a new one made")
    case 46: append(", certificate unknown")
    case 47: append(", illegal parameter")
    case 48: append(", unknown authority: the server does not trust who signed it")
    case 49: append(", access denied")
    case 50: append(", decode error")
    case 51: append(", decrypt error")
    case 80: append(", internal error of the server")
    case 90: append(", user cancelled")
    case 109: append(", missing extension")
    case 112: append(", unrecognized name: the server does not know the name that we ask for")
    default: break
    }
  }
}
