// Our certificate and its key.
#define _GNU_SOURCE
#include "internal.h"

#include <ctype.h>
#include <string.h>

// What the library is told when it asks for a passphrase. Without this it asks at the terminal.
struct passphrase {
  const struct ctls_context *context;
  struct ctls_fault *fault;
  bool asked;
};

static int give_passphrase(char *buffer, int size, int writing, void *pointer) {
  (void)writing;
  struct passphrase *passphrase = pointer;
  passphrase->asked = true;
  if (!ctls_text_of(passphrase->context, CTLS_PASSPHRASE_FILE)) {
    ctls_fail(passphrase->fault, CTLS_PASSPHRASE_MISSING, CTLS_KEY, 0);
    return -1;
  }
  struct ctls_bytes bytes;
  if (!ctls_file_read(passphrase->context, CTLS_PASSPHRASE_FILE, &bytes, passphrase->fault))
    return -1;
  size_t count = 0;
  while (count < bytes.count && bytes.start[count] != '\n' && bytes.start[count] != '\r') count++;
  int length = -1;
  if (count && count <= (size_t)size) {
    memcpy(buffer, bytes.start, count);
    length = (int)count;
  } else {
    ctls_fail(
        passphrase->fault, count ? CTLS_FILE_MALFORMED : CTLS_FILE_EMPTY, CTLS_PASSPHRASE_FILE, 0);
  }
  ctls_file_free(&bytes);
  return length;
}

// RFC 3986, section 3.1. A scheme of one letter is none, nor has a path's first part a colon.
static bool is_uri(const char *text) {
  size_t length = 0;
  while (text[length] && (isalnum((unsigned char)text[length]) || strchr("+-.", text[length])))
    length++;
  return length > 1 && isalpha((unsigned char)text[0]) && text[length] == ':';
}

static EVP_PKEY *read_key(
    const struct ctls_context *context, enum ctls_text file, struct passphrase *passphrase) {
  struct ctls_bytes bytes;
  if (!ctls_file_read(context, file, &bytes, passphrase->fault)) return NULL;
  BIO *bio = LIB(BIO_new_mem_buf)(bytes.start, (int)bytes.count);
  EVP_PKEY *key =
      bio ? LIB(PEM_read_bio_PrivateKey)(bio, NULL, give_passphrase, passphrase) : NULL;
  bool empty = !memmem(bytes.start, bytes.count, "PRIVATE KEY-----", 16);
  if (bio) LIB(BIO_free)(bio);
  ctls_file_free(&bytes);
  if (!key && !passphrase->fault->kind)
    ctls_fail(
        passphrase->fault,
        passphrase->asked ? CTLS_PASSPHRASE_WRONG : empty ? CTLS_FILE_EMPTY : CTLS_FILE_MALFORMED,
        CTLS_KEY, 0);
  return key;
}

static int refuse(UI *ui) {
  (void)ui;
  return 0;
}

// A provider may ask by itself, too, when it got no PIN from us or loses its login later. Nobody sits
// at a board's terminal; so whoever asks there is refused, and not kept waiting.
static void ask_nobody(void) {
  static UI_METHOD *nobody;
  if (nobody) return;
  nobody = LIB(UI_create_method)("nobody");
  if (!nobody) return;
  LIB(UI_method_set_opener)(nobody, refuse);
  LIB(UI_set_default_method)(nobody);
}

// A key that never leaves its token, or whatever else a provider's store has (RFC 7512 for
// pkcs11:). Other providers than that are for openssl.cnf to activate.
static EVP_PKEY *find_key(const char *uri, struct passphrase *passphrase) {
  struct ctls_fault *fault = passphrase->fault;
  ask_nobody();
  // The built-in algorithms stay: the token does only what needs the key.
  if (!strncmp(uri, "pkcs11:", 7) && !LIB(OSSL_PROVIDER_available)(NULL, "pkcs11")
      && !LIB(OSSL_PROVIDER_try_load)(NULL, "pkcs11", 1)) {
    ctls_fail(fault, CTLS_PROVIDER_MISSING, CTLS_KEY, 0);
    return NULL;
  }
  LIB(ERR_clear_error)();
  UI_METHOD *method = LIB(UI_UTIL_wrap_read_pem_callback)(give_passphrase, 0);
  OSSL_STORE_CTX *store =
      method ? LIB(OSSL_STORE_open)(uri, method, passphrase, NULL, NULL) : NULL;
  EVP_PKEY *key = NULL;
  if (store) {
    LIB(OSSL_STORE_expect)(store, OSSL_STORE_INFO_PKEY);
    while (!key && !LIB(OSSL_STORE_eof)(store)) {
      OSSL_STORE_INFO *found = LIB(OSSL_STORE_load)(store);
      if (!found && LIB(OSSL_STORE_error)(store)) break;
      if (found) key = LIB(OSSL_STORE_INFO_get1_PKEY)(found);
      LIB(OSSL_STORE_INFO_free)(found);
    }
    LIB(OSSL_STORE_close)(store);
  }
  // OpenSSL looks whether it could be a file before it gives a scheme up.
  bool unknown = false, file = !strncmp(uri, "file:", 5);
  unsigned long error;
  while ((error = LIB(ERR_get_error)()))
    unknown |= ERR_GET_LIB(error) == ERR_LIB_OSSL_STORE
               && ERR_GET_REASON(error) == OSSL_STORE_R_UNREGISTERED_SCHEME;
  if (method) LIB(UI_destroy_method)(method);
  if (!key && !fault->kind)
    ctls_fail(
        fault,
        passphrase->asked ? CTLS_PASSPHRASE_WRONG
        : !store && unknown && !file ? CTLS_PROVIDER_MISSING
                            : CTLS_KEY_NOT_FOUND,
        CTLS_KEY, 0);
  return key;
}

// The library refuses keys and digests that are below the security level.
static bool is_weak(void) {
  unsigned long error = LIB(ERR_peek_last_error)();
  if (ERR_GET_LIB(error) != ERR_LIB_SSL) return false;
  int reason = ERR_GET_REASON(error);
  return reason == SSL_R_EE_KEY_TOO_SMALL || reason == SSL_R_CA_KEY_TOO_SMALL
         || reason == SSL_R_CA_MD_TOO_WEAK;
}

static bool use_certificates(
    const struct ctls_context *context, SSL_CTX *ssl, struct ctls_fault *fault) {
  struct ctls_bytes bytes;
  if (!ctls_file_read(context, CTLS_CERTIFICATE_FILE, &bytes, fault)) return false;
  BIO *bio = LIB(BIO_new_mem_buf)(bytes.start, (int)bytes.count);
  unsigned count = 0;
  bool taken = true, weak = false;
  X509 *certificate;
  while (bio && taken
         && (certificate = LIB(PEM_read_bio_X509_AUX)(bio, NULL, ctls_no_passphrase, NULL))) {
    LIB(ERR_clear_error)();
    // SSL_CTX_add1_chain_cert.
    taken = count++ == 0 ? LIB(SSL_CTX_use_certificate)(ssl, certificate) == 1
                         : LIB(SSL_CTX_ctrl)(ssl, SSL_CTRL_CHAIN_CERT, 1, certificate) == 1;
    weak = !taken && is_weak();
    LIB(X509_free)(certificate);
  }
  bool at_end = ctls_is_end_of_pem();
  if (bio) LIB(BIO_free)(bio);
  ctls_file_free(&bytes);
  if (!bio) return ctls_fail(fault, CTLS_OUT_OF_MEMORY, CTLS_CERTIFICATE_FILE, 0);
  if (weak) return ctls_fail(fault, CTLS_OWN_CERTIFICATE_WEAK, CTLS_CERTIFICATE_FILE, 0);
  if (!taken || !at_end) return ctls_fail(fault, CTLS_FILE_MALFORMED, CTLS_CERTIFICATE_FILE, 0);
  return count > 0 || ctls_fail(fault, CTLS_FILE_EMPTY, CTLS_CERTIFICATE_FILE, 0);
}

bool ctls_identify(const struct ctls_context *context, SSL_CTX *ssl, struct ctls_fault *fault) {
  if (!ctls_text_of(context, CTLS_CERTIFICATE_FILE)) return true;
  if (!use_certificates(context, ssl, fault)) return false;
  LIB(ERR_clear_error)();
  struct passphrase passphrase = {.context = context, .fault = fault};
  const char *place = ctls_text_of(context, CTLS_KEY);
  EVP_PKEY *key = !place ? read_key(context, CTLS_CERTIFICATE_FILE, &passphrase)
                  : is_uri(place) ? find_key(place, &passphrase)
                                  : read_key(context, CTLS_KEY, &passphrase);
  if (!key) return false;
  // Asked again for a key that was found (a file with two keys, a token's login), it may have been
  // refused once.
  *fault = (struct ctls_fault){0};
  bool fits = LIB(SSL_CTX_use_PrivateKey)(ssl, key) == 1 && LIB(SSL_CTX_check_private_key)(ssl) == 1;
  LIB(EVP_PKEY_free)(key);
  return fits || ctls_fail(fault, CTLS_KEY_MISMATCH, CTLS_KEY, 0);
}
