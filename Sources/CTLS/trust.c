// Whom a context trusts: authorities, and revocation lists.
#include "internal.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static bool add_certificate(X509_STORE *store, BIO *bio, bool der) {
  X509 *certificate = der ? LIB(d2i_X509_bio)(bio, NULL)
                          : LIB(PEM_read_bio_X509_AUX)(bio, NULL, ctls_no_passphrase, NULL);
  if (!certificate) return false;
  bool added = LIB(X509_STORE_add_cert)(store, certificate) == 1;
  LIB(X509_free)(certificate);
  return added;
}

static bool add_revocation_list(X509_STORE *store, BIO *bio, bool der) {
  X509_CRL *list = der ? LIB(d2i_X509_CRL_bio)(bio, NULL)
                       : LIB(PEM_read_bio_X509_CRL)(bio, NULL, ctls_no_passphrase, NULL);
  if (!list) return false;
  bool added = LIB(X509_STORE_add_crl)(store, list) == 1;
  LIB(X509_CRL_free)(list);
  return added;
}

// Adds all that is in a file: any number in PEM, or one in DER, as authorities publish their lists.
static bool add_all(
    const struct ctls_context *context, X509_STORE *store, enum ctls_text file,
    bool (*add)(X509_STORE *, BIO *, bool der), struct ctls_fault *fault) {
  struct ctls_bytes bytes;
  if (!ctls_file_read(context, file, &bytes, fault)) return false;
  BIO *bio = LIB(BIO_new_mem_buf)(bytes.start, (int)bytes.count);
  unsigned count = 0;
  LIB(ERR_clear_error)();
  while (bio && add(store, bio, false)) count++;
  bool good = bio && ctls_is_end_of_pem();
  if (bio && good && !count && bytes.count && bytes.start[0] == 0x30) {
    LIB(BIO_free)(bio);
    bio = LIB(BIO_new_mem_buf)(bytes.start, (int)bytes.count);
    good = bio && add(store, bio, true);
    if (good) count = 1;
  }
  if (bio) LIB(BIO_free)(bio);
  ctls_file_free(&bytes);
  LIB(ERR_clear_error)();
  if (!bio) return ctls_fail(fault, CTLS_OUT_OF_MEMORY, file, 0);
  if (!good) return ctls_fail(fault, CTLS_FILE_MALFORMED, file, 0);
  return count > 0 || ctls_fail(fault, CTLS_FILE_EMPTY, file, 0);
}

// 0 when the folder can be read and holds something.
static int folder_error(const char *path) {
  DIR *folder = opendir(path);
  if (!folder) return errno;
  struct dirent *entry;
  do entry = readdir(folder);
  while (entry && entry->d_name[0] == '.');
  closedir(folder);
  return entry ? 0 : ENOENT;
}

// True for a folder in which certificates are found by their names' hashes, "0123abcd.0".
static bool is_hashed(const char *path) {
  DIR *folder = opendir(path);
  if (!folder) return false;
  struct dirent *entry;
  do entry = readdir(folder);
  while (entry
         && (strspn(entry->d_name, "0123456789abcdef") != 8 || strcmp(entry->d_name + 8, ".0")));
  closedir(folder);
  return entry;
}

// A folder with hashes is looked into for the one authority that is needed. Where the system has a
// file of all of them as well, reading that would take megabytes, and a Raspberry Pi Zero seconds.
//
// Without any authority each certificate would be one of an unknown authority, and it would take
// long to find out why: Debian has a folder for them, and nothing in it, until ca-certificates is
// installed.
static bool trust_system(SSL_CTX *ssl, struct ctls_fault *fault) {
  const char *file = LIB(X509_get_default_cert_file)();
  const char *folder = LIB(X509_get_default_cert_dir)();
  bool named = getenv(LIB(X509_get_default_cert_file_env)())
               || getenv(LIB(X509_get_default_cert_dir_env)());
  if (!named && is_hashed(folder))
    return LIB(SSL_CTX_set_default_verify_dir)(ssl) == 1
           || ctls_fail(fault, CTLS_OUT_OF_MEMORY, 0, 0);
  if (LIB(SSL_CTX_set_default_verify_paths)(ssl) != 1)
    return ctls_fail(fault, CTLS_OUT_OF_MEMORY, 0, 0);
  if (named || access(file, R_OK) == 0 || !folder_error(folder)) return true;
#ifdef SANDPIPER_TLS_LINKED
  // The board may have another distribution than the one that this OpenSSL is of.
  if (!folder_error("/etc/ssl/certs"))
    return LIB(SSL_CTX_load_verify_dir)(ssl, "/etc/ssl/certs") == 1
           || ctls_fail(fault, CTLS_OUT_OF_MEMORY, 0, 0);
#endif
  return ctls_fail(fault, CTLS_TRUST_STORE_MISSING, 0, 0);
}

bool ctls_trust(const struct ctls_context *context, SSL_CTX *ssl, struct ctls_fault *fault) {
  X509_STORE *store = LIB(SSL_CTX_get_cert_store)(ssl);
  const char *folder = ctls_text_of(context, CTLS_AUTHORITY_FOLDER);
  if (ctls_text_of(context, CTLS_AUTHORITY_FILE)) {
    if (!add_all(context, store, CTLS_AUTHORITY_FILE, add_certificate, fault)) return false;
  } else if (!folder && !trust_system(ssl, fault)) {
    return false;
  }
  if (folder) {
    int error = folder_error(folder);
    if (error) return ctls_fail(fault, CTLS_FILE_UNREADABLE, CTLS_AUTHORITY_FOLDER, error);
    if (LIB(SSL_CTX_load_verify_dir)(ssl, folder) != 1)
      return ctls_fail(fault, CTLS_OUT_OF_MEMORY, 0, 0);
  }
  return !ctls_text_of(context, CTLS_REVOCATION_FILE)
         || add_all(context, store, CTLS_REVOCATION_FILE, add_revocation_list, fault);
}
