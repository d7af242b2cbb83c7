import CTLS
import Core
import Dialing

extension TLSFault {
  /// The fault as the C module tells it.
  init(_ fault: ctls_fault) {
    let setting = TLSSetting(rawValue: fault.file) ?? .host
    let depth = fault.depth
    let alert = UInt8(truncatingIfNeeded: fault.code)
    switch ctls_fault_kind(rawValue: .init(truncatingIfNeeded: fault.kind)) {
    case CTLS_LIBRARY_MISSING: self = .libraryMissing
    case CTLS_FILE_UNREADABLE: self = .fileUnreadable(setting, code: fault.code)
    case CTLS_FILE_EMPTY: self = .fileEmpty(setting)
    case CTLS_FILE_MALFORMED: self = .fileMalformed(setting)
    case CTLS_TRUST_STORE_MISSING: self = .trustStoreMissing
    case CTLS_PASSPHRASE_MISSING: self = .passphraseMissing
    case CTLS_PASSPHRASE_WRONG: self = .passphraseWrong
    case CTLS_KEY_MISMATCH: self = .keyMismatch
    case CTLS_KEY_NOT_FOUND: self = .keyNotFound
    case CTLS_PROVIDER_MISSING: self = .providerMissing
    case CTLS_OWN_CERTIFICATE_WEAK: self = .ownCertificateWeak
    case CTLS_SETTING_INVALID: self = .settingInvalid(setting)
    case CTLS_EXPIRED: self = .expired(depth: depth)
    case CTLS_NOT_YET_VALID: self = .notYetValid(depth: depth)
    case CTLS_HOST_MISMATCH: self = .hostMismatch
    case CTLS_UNKNOWN_AUTHORITY: self = .unknownAuthority(depth: depth)
    case CTLS_SELF_SIGNED: self = .selfSigned
    case CTLS_SELF_SIGNED_AUTHORITY: self = .selfSignedAuthority(depth: depth)
    case CTLS_REVOKED: self = .revoked(depth: depth)
    case CTLS_REVOCATION_LIST_MISSING: self = .revocationListMissing(depth: depth)
    case CTLS_REVOCATION_LIST_EXPIRED: self = .revocationListExpired(depth: depth)
    case CTLS_REVOCATION_LIST_INVALID: self = .revocationListInvalid(depth: depth)
    case CTLS_CERTIFICATE_WEAK: self = .certificateWeak(depth: depth)
    case CTLS_WRONG_PURPOSE: self = .wrongPurpose(depth: depth)
    case CTLS_CERTIFICATE_INVALID: self = .certificateInvalid(code: fault.code, depth: depth)
    case CTLS_PROTOCOL_VERSION: self = .protocolVersion
    case CTLS_NO_COMMON_CIPHER: self = .noCommonCipher
    case CTLS_NOT_TLS: self = .notTLS
    case CTLS_CERTIFICATE_REQUIRED: self = .certificateRequired
    case CTLS_CERTIFICATE_REFUSED: self = .certificateRefused(alert: alert)
    case CTLS_ALPN_NOT_AGREED: self = .alpnNotAgreed
    case CTLS_CLOSED_IN_HANDSHAKE: self = .closedInHandshake
    case CTLS_TRUNCATED: self = .truncated
    case CTLS_ALERT: self = .alert(alert)
    case CTLS_PROTOCOL_ERROR: self = .protocolError(code: fault.code)
    default: self = .outOfMemory
    }
  }
}

extension TLSSetting {
  /// The same as the C module calls it.
  var system: ctls_text { ctls_text(rawValue: .init(truncatingIfNeeded: rawValue)) }
}
