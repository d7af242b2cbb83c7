/// Why there is no TLS connection, or no longer one. Each case is something else to be done about it,
/// which `describe` says; `slug` is its name for programs.
///
/// `depth` is a certificate's place in the server's chain: 0 for the server's own, 1 for that of the
/// authority that signed it, and so on.
public enum TLSFault: Error, BitwiseCopyable, Equatable, Sendable {
  // MARK: Ours: found before anything is sent

  /// libssl.so.3 cannot be loaded.
  case libraryMissing
  /// No memory for the connection.
  case outOfMemory
  /// A file or folder cannot be read, for the reason that the error number (errno) gives.
  case fileUnreadable(TLSSetting, code: Int32)
  /// A file has nothing in it of what it is for.
  case fileEmpty(TLSSetting)
  /// A file holds something that is damaged, or of another kind.
  case fileMalformed(TLSSetting)
  /// The system has no certificates of authorities, and the profile names none.
  case trustStoreMissing
  /// The key is encrypted, or its token locked, and no passphrase file is named.
  case passphraseMissing
  /// The passphrase or PIN does not open the key.
  case passphraseWrong
  /// The key is not that of the first certificate in the certificate file.
  case keyMismatch
  /// Nothing is to be found at the key's URI.
  case keyNotFound
  /// OpenSSL has no provider for the key's URI.
  case providerMissing
  /// OpenSSL's security level 2 (112 bits) forbids our own certificate.
  case ownCertificateWeak
  /// A setting has a form that it cannot have.
  case settingInvalid(TLSSetting)

  // MARK: The server's certificate

  /// It has ended.
  case expired(depth: UInt8)
  /// It has not begun.
  case notYetValid(depth: UInt8)
  /// It is for another name.
  case hostMismatch
  /// It was signed by an authority that is not trusted.
  case unknownAuthority(depth: UInt8)
  /// The server has signed its certificate itself.
  case selfSigned
  /// The chain ends in an authority that is not trusted.
  case selfSignedAuthority(depth: UInt8)
  /// A revocation list names it.
  case revoked(depth: UInt8)
  /// The revocation file has no list of the authority that signed it.
  case revocationListMissing(depth: UInt8)
  /// The list should have been replaced by now.
  case revocationListExpired(depth: UInt8)
  /// The list is not yet valid, or not signed by the authority.
  case revocationListInvalid(depth: UInt8)
  /// Its key is too short, or its signature's digest too weak: below 112 bits.
  case certificateWeak(depth: UInt8)
  /// It is not for servers, or the authority's not for authorities.
  case wrongPurpose(depth: UInt8)
  /// It is wrong in another way: a code of x509_vfy.h, X509_V_ERR_...
  case certificateInvalid(code: Int32, depth: UInt8)

  // MARK: The conversation

  /// There is no version of TLS that both allow.
  case protocolVersion
  /// There is no cipher suite, group or signature that both allow.
  case noCommonCipher
  /// What the server says is not TLS.
  case notTLS
  /// The server wants a certificate of ours, and there is none.
  case certificateRequired
  /// The server has refused our certificate, with this alert.
  case certificateRefused(alert: UInt8)
  /// The server speaks none of the protocols that ALPN offered.
  case alpnNotAgreed
  /// The server has closed the connection in the handshake, without saying why.
  case closedInHandshake
  /// The connection has ended without close_notify: what came may not be all.
  case truncated
  /// The server has sent this fatal alert (RFC 8446, section 6).
  case alert(UInt8)
  /// The server has broken the protocol: a code of sslerr.h, SSL_R_...
  case protocolError(code: Int32)
}

/// A setting of a `TLSSpec`, where it is what has to be looked after.
public enum TLSSetting: UInt8, BitwiseCopyable, Sendable {
  /// The name that the server's certificate must bear.
  case host
  /// The file of authorities to trust.
  case authorityFile
  /// The folder of authorities to trust.
  case authorityFolder
  /// The file of our certificate and its chain.
  case certificateFile
  /// The file or URI of our key.
  case key
  /// The file of the key's passphrase or PIN.
  case passphraseFile
  /// The file of revocation lists.
  case revocationFile
  /// The protocols that ALPN offers.
  case alpn
}
