// Keys that sign: the workbench has them, the device program has no use for them.
#include "internal.h"

#include <stdlib.h>
#include <string.h>

struct ctls_signer {
  EVP_PKEY *key;
};

// A key that is none of Ed25519 is none here.
static struct ctls_signer *signer_over(EVP_PKEY *key) {
  struct ctls_signer *signer = NULL;
  if (key && LIB(EVP_PKEY_is_a)(key, "ED25519")) signer = malloc(sizeof *signer);
  if (signer)
    signer->key = key;
  else
    LIB(EVP_PKEY_free)(key);
  LIB(ERR_clear_error)();
  return signer;
}

struct ctls_signer *ctls_signer_read(const void *pem, size_t count) {
  if (!ctls_library_load()) return NULL;
  BIO *bio = LIB(BIO_new_mem_buf)(pem, (int)count);
  EVP_PKEY *key =
      bio ? LIB(PEM_read_bio_PrivateKey)(bio, NULL, ctls_no_passphrase, NULL) : NULL;
  if (bio) LIB(BIO_free)(bio);
  return signer_over(key);
}

struct ctls_signer *ctls_signer_generate(void) {
  if (!ctls_library_load()) return NULL;
  return signer_over(LIB(EVP_PKEY_Q_keygen)(NULL, NULL, "ED25519"));
}

void ctls_signer_release(struct ctls_signer *signer) {
  LIB(EVP_PKEY_free)(signer->key);
  free(signer);
}

bool ctls_signer_key(const struct ctls_signer *signer, uint8_t key[CTLS_KEY_BYTES]) {
  size_t count = CTLS_KEY_BYTES;
  return LIB(EVP_PKEY_get_raw_public_key)(signer->key, key, &count) == 1
         && count == CTLS_KEY_BYTES;
}

size_t ctls_signer_write(const struct ctls_signer *signer, void *pem, size_t capacity) {
  BIO *bio = LIB(BIO_new)(LIB(BIO_s_mem)());
  size_t count = 0;
  if (bio && LIB(PEM_write_bio_PrivateKey)(bio, signer->key, NULL, NULL, 0, NULL, NULL) == 1) {
    char *text = NULL;
    long length = LIB(BIO_ctrl)(bio, BIO_CTRL_INFO, 0, &text);
    if (length > 0 && (size_t)length <= capacity) memcpy(pem, text, count = (size_t)length);
    if (length > 0) LIB(OPENSSL_cleanse)(text, (size_t)length);
  }
  if (bio) LIB(BIO_free)(bio);
  return count;
}

bool ctls_signer_sign(
    const struct ctls_signer *signer, const void *bytes, size_t count,
    uint8_t signature[CTLS_SIGNATURE_BYTES]) {
  size_t length = CTLS_SIGNATURE_BYTES;
  EVP_MD_CTX *context = LIB(EVP_MD_CTX_new)();
  bool done = context
                  && LIB(EVP_DigestSignInit)(context, NULL, NULL, NULL, signer->key) == 1
                  && LIB(EVP_DigestSign)(context, signature, &length, bytes, count) == 1
                  && length == CTLS_SIGNATURE_BYTES;
  LIB(EVP_MD_CTX_free)(context);
  LIB(ERR_clear_error)();
  return done;
}
