// Signatures by Ed25519 (RFC 8032): who has asked for something.
#include "internal.h"

enum ctls_verdict ctls_signature_verify(
    const uint8_t key[CTLS_KEY_BYTES], const uint8_t signature[CTLS_SIGNATURE_BYTES],
    const void *bytes, size_t count) {
  if (!ctls_library_load()) return CTLS_SIGNATURE_UNKNOWN;
  enum ctls_verdict verdict = CTLS_SIGNATURE_UNKNOWN;
  EVP_PKEY *public = LIB(EVP_PKEY_new_raw_public_key)(EVP_PKEY_ED25519, NULL, key, CTLS_KEY_BYTES);
  EVP_MD_CTX *context = LIB(EVP_MD_CTX_new)();
  if (public && context && LIB(EVP_DigestVerifyInit)(context, NULL, NULL, NULL, public) == 1)
    verdict = LIB(EVP_DigestVerify)(context, signature, CTLS_SIGNATURE_BYTES, bytes, count) == 1
                  ? CTLS_SIGNATURE_GOOD
                  : CTLS_SIGNATURE_WRONG;
  LIB(EVP_MD_CTX_free)(context);
  LIB(EVP_PKEY_free)(public);
  // A wrong signature leaves an error behind, which the next connection would take for its own.
  LIB(ERR_clear_error)();
  return verdict;
}
