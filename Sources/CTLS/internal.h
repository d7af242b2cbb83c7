// What the files of this module share.
#ifndef SANDPIPER_CTLS_INTERNAL_H
#define SANDPIPER_CTLS_INTERNAL_H

#include "ctls.h"
#include "library.h"

/// Plaintext of one record at most (RFC 8446, section 5.1).
enum { CTLS_RECORD_MAX = 16384 };
/// Encrypted bytes that wait for the socket at most: the largest record (RFC 5246, section 6.2.3,
/// lets encryption add 2,048 bytes) and a few small ones, such as a KeyUpdate and close_notify.
enum { CTLS_OUTPUT_MAX = CTLS_RECORD_MAX + 2048 + 512 };
enum { CTLS_DIGEST_BYTES = 32 };

struct ctls_context {
  unsigned references;
  unsigned options;
  char *texts[CTLS_TEXTS];
  /// What the next connection offers to resume, and for which certificate of ours it was made.
  SSL_SESSION *session;
  uint8_t session_owner[CTLS_DIGEST_BYTES];
};

struct ctls_channel {
  struct ctls_context *context;
  SSL *ssl;
  int descriptor;
  struct ctls_fault fault;
  /// What verifying the server's certificate has found.
  struct ctls_fault refusal;
  /// SHA-256 of our certificate; zeros for none.
  uint8_t owner[CTLS_DIGEST_BYTES];
  int64_t own_not_after;
  uint64_t bytes_in, bytes_out;
  /// Why the socket could not be read, or written; 0 while it can.
  int read_error, write_error;
  bool established;  ///< the handshake is done
  bool ended;        ///< close_notify has come
  bool at_eof;       ///< the socket has no more
  bool closing;      ///< close_notify was said
  bool certificate_asked;
  bool pending;
  /// Encrypted bytes for the socket: from `output_start`, `output_count` of them.
  size_t output_start, output_count;
  uint8_t output[CTLS_OUTPUT_MAX];
};

static inline const char *ctls_text_of(const struct ctls_context *context, enum ctls_text text) {
  return context->texts[text];
}

/// Makes the table of functions that a BIO over a channel's socket has.
bool ctls_socket_method_make(void);
/// A BIO over the channel's socket.
BIO *ctls_socket_new(struct ctls_channel *channel);
/// Hands what waits to the socket, as far as it takes it.
void ctls_socket_flush(struct ctls_channel *channel);

/// The library's context for one connection: the files are read here. Null for a fault.
SSL_CTX *ctls_configure(const struct ctls_context *context, struct ctls_fault *fault);
/// Trusts what the context says. False for a fault.
bool ctls_trust(const struct ctls_context *context, SSL_CTX *ssl, struct ctls_fault *fault);
/// Takes our certificate and key. False for a fault.
bool ctls_identify(const struct ctls_context *context, SSL_CTX *ssl, struct ctls_fault *fault);

/// Offers the context's session, if the server's certificate in it would still be accepted.
void ctls_session_offer(struct ctls_channel *channel, SSL_CTX *ssl);
/// Lets the context keep each new session of the channel's.
void ctls_session_keep_new(SSL_CTX *ssl);

/// A whole file in memory, wiped when it is freed.
struct ctls_bytes {
  char *start;
  size_t count;
};
/// Reads the file that a text names. False for a fault.
bool ctls_file_read(
    const struct ctls_context *context, enum ctls_text file, struct ctls_bytes *bytes,
    struct ctls_fault *fault);
void ctls_file_free(struct ctls_bytes *bytes);
/// Certificates have no passphrase; without this the library would ask for one at the terminal.
int ctls_no_passphrase(char *buffer, int size, int writing, void *unused);
/// True when reading PEM has ended because there was no more of it.
bool ctls_is_end_of_pem(void);

/// Sets a fault, and returns false.
bool ctls_fail(struct ctls_fault *fault, enum ctls_fault_kind kind, enum ctls_text file, int code);
/// The fault that an error of X509_verify_cert's is.
struct ctls_fault ctls_verify_fault(long error, int depth);
/// The fault that the library's error queue tells of, after a step of the channel failed.
struct ctls_fault ctls_library_fault(struct ctls_channel *channel);
/// Seconds since 1970 of a certificate's end.
int64_t ctls_not_after(const X509 *certificate);

#endif
