// From OpenSSL's error codes to what a person can do about them.
#include "internal.h"

bool ctls_fail(struct ctls_fault *fault, enum ctls_fault_kind kind, enum ctls_text file, int code) {
  *fault = (struct ctls_fault){.kind = (uint8_t)kind, .file = (uint8_t)file, .code = code};
  return false;
}

static enum ctls_fault_kind verify_kind(long error) {
  switch (error) {
  case X509_V_ERR_CERT_HAS_EXPIRED: return CTLS_EXPIRED;
  case X509_V_ERR_CERT_NOT_YET_VALID: return CTLS_NOT_YET_VALID;
  case X509_V_ERR_HOSTNAME_MISMATCH:
  case X509_V_ERR_IP_ADDRESS_MISMATCH: return CTLS_HOST_MISMATCH;
  case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
  case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
  case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
  case X509_V_ERR_CERT_UNTRUSTED: return CTLS_UNKNOWN_AUTHORITY;
  case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT: return CTLS_SELF_SIGNED;
  case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN: return CTLS_SELF_SIGNED_AUTHORITY;
  case X509_V_ERR_CERT_REVOKED: return CTLS_REVOKED;
  case X509_V_ERR_UNABLE_TO_GET_CRL:
  case X509_V_ERR_DIFFERENT_CRL_SCOPE: return CTLS_REVOCATION_LIST_MISSING;
  case X509_V_ERR_CRL_HAS_EXPIRED: return CTLS_REVOCATION_LIST_EXPIRED;
  case X509_V_ERR_CRL_NOT_YET_VALID:
  case X509_V_ERR_CRL_SIGNATURE_FAILURE:
  case X509_V_ERR_UNABLE_TO_DECRYPT_CRL_SIGNATURE:
  case X509_V_ERR_ERROR_IN_CRL_LAST_UPDATE_FIELD:
  case X509_V_ERR_ERROR_IN_CRL_NEXT_UPDATE_FIELD:
  case X509_V_ERR_UNABLE_TO_GET_CRL_ISSUER:
  case X509_V_ERR_KEYUSAGE_NO_CRL_SIGN:
  case X509_V_ERR_UNHANDLED_CRITICAL_CRL_EXTENSION:
  case X509_V_ERR_CRL_PATH_VALIDATION_ERROR: return CTLS_REVOCATION_LIST_INVALID;
  case X509_V_ERR_EE_KEY_TOO_SMALL:
  case X509_V_ERR_CA_KEY_TOO_SMALL:
  case X509_V_ERR_CA_MD_TOO_WEAK: return CTLS_CERTIFICATE_WEAK;
  case X509_V_ERR_INVALID_PURPOSE:
  case X509_V_ERR_CERT_REJECTED: return CTLS_WRONG_PURPOSE;
  case X509_V_ERR_OUT_OF_MEM: return CTLS_OUT_OF_MEMORY;
  default: return CTLS_CERTIFICATE_INVALID;
  }
}

struct ctls_fault ctls_verify_fault(long error, int depth) {
  enum ctls_fault_kind kind = verify_kind(error);
  return (struct ctls_fault){
      .kind = (uint8_t)kind,
      .depth = depth < 0 || depth > UINT8_MAX ? UINT8_MAX : (uint8_t)depth,
      .code = kind == CTLS_CERTIFICATE_INVALID ? (int32_t)error : 0,
  };
}

static struct ctls_fault fault_of(enum ctls_fault_kind kind, int code) {
  return (struct ctls_fault){.kind = (uint8_t)kind, .code = code};
}

// The server has chosen a cipher suite: its ServerHello was good.
static bool has_server_hello(const struct ctls_channel *channel) {
  return channel->established || LIB(SSL_get_pending_cipher)(channel->ssl);
}

static struct ctls_fault alert_fault(const struct ctls_channel *channel, int alert) {
  switch (alert) {
  case SSL_AD_HANDSHAKE_FAILURE:
    // TLS 1.2 has no other word for a missing certificate, nor for anything else.
    if (channel->certificate_asked) return fault_of(CTLS_CERTIFICATE_REQUIRED, 0);
    if (!has_server_hello(channel)) return fault_of(CTLS_NO_COMMON_CIPHER, 0);
    return fault_of(CTLS_ALERT, alert);
  case SSL_AD_INSUFFICIENT_SECURITY: return fault_of(CTLS_NO_COMMON_CIPHER, 0);
  case SSL_AD_PROTOCOL_VERSION: return fault_of(CTLS_PROTOCOL_VERSION, 0);
  case SSL_AD_CERTIFICATE_REQUIRED: return fault_of(CTLS_CERTIFICATE_REQUIRED, 0);
  case SSL_AD_BAD_CERTIFICATE:
  case SSL_AD_UNSUPPORTED_CERTIFICATE:
  case SSL_AD_CERTIFICATE_REVOKED:
  case SSL_AD_CERTIFICATE_EXPIRED:
  case SSL_AD_CERTIFICATE_UNKNOWN:
  case SSL_AD_UNKNOWN_CA: return fault_of(CTLS_CERTIFICATE_REFUSED, alert);
  case SSL_AD_NO_APPLICATION_PROTOCOL: return fault_of(CTLS_ALPN_NOT_AGREED, 0);
  default: return fault_of(CTLS_ALERT, alert);
  }
}

static struct ctls_fault reason_fault(const struct ctls_channel *channel, int reason) {
  switch (reason) {
  case SSL_R_CERTIFICATE_VERIFY_FAILED:
    if (channel->refusal.kind) return channel->refusal;
    return ctls_verify_fault(LIB(SSL_get_verify_result)(channel->ssl), 0);
  case SSL_R_EE_KEY_TOO_SMALL:
  case SSL_R_CA_KEY_TOO_SMALL:
  case SSL_R_CA_MD_TOO_WEAK: return fault_of(CTLS_CERTIFICATE_WEAK, 0);
  case SSL_R_UNSUPPORTED_PROTOCOL:
  case SSL_R_NO_PROTOCOLS_AVAILABLE:
  case SSL_R_VERSION_TOO_LOW:
  case SSL_R_WRONG_SSL_VERSION: return fault_of(CTLS_PROTOCOL_VERSION, 0);
  case SSL_R_WRONG_CIPHER_RETURNED:
  case SSL_R_NO_CIPHERS_AVAILABLE:
  case SSL_R_NO_SUITABLE_KEY_SHARE:
  case SSL_R_DH_KEY_TOO_SMALL: return fault_of(CTLS_NO_COMMON_CIPHER, 0);
  case ERR_R_MALLOC_FAILURE: return fault_of(CTLS_OUT_OF_MEMORY, 0);
  case SSL_R_WRONG_VERSION_NUMBER:
  case SSL_R_HTTP_REQUEST:
    if (!has_server_hello(channel)) return fault_of(CTLS_NOT_TLS, 0);
    break;
  default: break;
  }
  return fault_of(CTLS_PROTOCOL_ERROR, reason);
}

struct ctls_fault ctls_library_fault(struct ctls_channel *channel) {
  int reason = 0;
  unsigned long error;
  // The first is the cause; those behind it say whom it befell.
  while ((error = LIB(ERR_get_error)()))
    if (!reason && ERR_GET_LIB(error) == ERR_LIB_SSL) reason = ERR_GET_REASON(error);
  if (channel->at_eof && (!reason || reason == SSL_R_UNEXPECTED_EOF_WHILE_READING))
    return fault_of(channel->established ? CTLS_TRUNCATED : CTLS_CLOSED_IN_HANDSHAKE, 0);
  if (reason > SSL_AD_REASON_OFFSET && reason <= SSL_AD_REASON_OFFSET + UINT8_MAX)
    return alert_fault(channel, reason - SSL_AD_REASON_OFFSET);
  return reason_fault(channel, reason);
}
