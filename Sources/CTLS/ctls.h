// TLS connections by OpenSSL 3, for a client that never blocks; and its signatures.
//
// OpenSSL is loaded when the first context is created, not before: a program that links it pays
// 1.8 MB of resident memory for nothing. Compiled with SANDPIPER_TLS_LINKED it is linked instead,
// which a static program needs.
//
// A context is one server as the profile describes it; it keeps the session that the next
// connection resumes. A channel is one connection. The files that a context names are read anew
// at each connection, so that a renewed certificate counts without a restart.
//
// Everything of one context must be called from one thread at a time.
#ifndef SANDPIPER_CTLS_H
#define SANDPIPER_CTLS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/// The texts of a context. Files are paths.
enum ctls_text {
  CTLS_HOST,              ///< name or address that the server's certificate must bear; SNI
  CTLS_AUTHORITY_FILE,    ///< certificates to trust; without file and folder, the system's
  CTLS_AUTHORITY_FOLDER,  ///< the same, in a folder prepared by `openssl rehash`
  CTLS_CERTIFICATE_FILE,  ///< our certificate, and behind it those that lead to the root
  CTLS_KEY,               ///< its key: a PEM file, or an OSSL_STORE URI; else the same file
  CTLS_PASSPHRASE_FILE,   ///< the key's passphrase or PIN, in its first line
  CTLS_REVOCATION_FILE,   ///< certificate revocation lists
  CTLS_ALPN,              ///< protocol names, in the order of preference, parted by commas
  CTLS_TEXTS
};

enum ctls_option {
  CTLS_VERSION_1_3 = 1,          ///< nothing older than TLS 1.3; else nothing older than 1.2
  CTLS_REVOCATION_OF_CHAIN = 2,  ///< the lists must cover all of the chain, not just the server
  CTLS_ALPN_REQUIRED = 4,        ///< a server that agrees on no protocol is refused
  CTLS_INSECURE = 8,             ///< any certificate will do, of anybody
};

/// Why there is no connection. Swift's TLSFault has the same list, and the words for each.
enum ctls_fault_kind {
  CTLS_NO_FAULT,
  // Ours.
  CTLS_LIBRARY_MISSING,
  CTLS_OUT_OF_MEMORY,
  CTLS_FILE_UNREADABLE,  ///< file, code: errno
  CTLS_FILE_EMPTY,       ///< file
  CTLS_FILE_MALFORMED,   ///< file
  CTLS_TRUST_STORE_MISSING,
  CTLS_PASSPHRASE_MISSING,
  CTLS_PASSPHRASE_WRONG,
  CTLS_KEY_MISMATCH,
  CTLS_KEY_NOT_FOUND,
  CTLS_PROVIDER_MISSING,
  CTLS_OWN_CERTIFICATE_WEAK,
  CTLS_SETTING_INVALID,  ///< file: which text
  // The server's certificate; depth.
  CTLS_EXPIRED,
  CTLS_NOT_YET_VALID,
  CTLS_HOST_MISMATCH,
  CTLS_UNKNOWN_AUTHORITY,
  CTLS_SELF_SIGNED,
  CTLS_SELF_SIGNED_AUTHORITY,
  CTLS_REVOKED,
  CTLS_REVOCATION_LIST_MISSING,
  CTLS_REVOCATION_LIST_EXPIRED,
  CTLS_REVOCATION_LIST_INVALID,
  CTLS_CERTIFICATE_WEAK,
  CTLS_WRONG_PURPOSE,
  CTLS_CERTIFICATE_INVALID,  ///< code: X509_V_ERR_...
  // The conversation.
  CTLS_PROTOCOL_VERSION,
  CTLS_NO_COMMON_CIPHER,
  CTLS_NOT_TLS,
  CTLS_CERTIFICATE_REQUIRED,
  CTLS_CERTIFICATE_REFUSED,  ///< code: alert
  CTLS_ALPN_NOT_AGREED,
  CTLS_CLOSED_IN_HANDSHAKE,
  CTLS_TRUNCATED,
  CTLS_ALERT,           ///< code: alert
  CTLS_PROTOCOL_ERROR,  ///< code: SSL_R_...
};

struct ctls_fault {
  uint8_t kind;   ///< enum ctls_fault_kind
  uint8_t file;   ///< enum ctls_text
  uint8_t depth;  ///< 0 for the server's own certificate, 1 for the one that signed it ...
  int32_t code;
};

struct ctls_context;
struct ctls_channel;

// ---- context (context.c)

/// A context with nothing set; null when there is no memory. Does not load OpenSSL.
struct ctls_context *ctls_context_create(void);
/// Forgets the context, once its channels have gone too.
void ctls_context_release(struct ctls_context *context);
/// Sets a text; false when it has a NUL inside, or there is no memory.
bool ctls_context_set(
    struct ctls_context *context, enum ctls_text text, const void *bytes, size_t count);
void ctls_context_set_options(struct ctls_context *context, unsigned options);
/// True when the next connection will offer to resume a session.
bool ctls_context_has_session(const struct ctls_context *context);
/// Forgets the session.
void ctls_context_forget_session(struct ctls_context *context);

/// True when OpenSSL is there; loads it.
bool ctls_library_load(void);
/// Why OpenSSL could not be loaded; empty when it was, or was not asked for.
const char *ctls_library_problem(void);
/// OpenSSL's version, such as "OpenSSL 3.0.19 27 Jan 2026"; empty before it is loaded.
const char *ctls_library_version(void);

// ---- channel (channel.c)

/// What a step brought.
enum ctls_result {
  CTLS_DONE,         ///< the handshake is done; bytes were taken or given
  CTLS_WANTS_READ,   ///< nothing to be done until the socket is readable
  CTLS_WANTS_WRITE,  ///< ... until it is writable
  CTLS_END,          ///< the server has said close_notify: no more will come
  CTLS_FAULT,        ///< ctls_channel_fault says why
  CTLS_BROKEN,       ///< the socket failed: ctls_channel_error is the error number
};

/// Begins a connection over a connected, non-blocking stream socket, which stays the caller's and
/// has to live as long. Reads the context's files. `now` is the time to verify certificates at, in
/// seconds since 1970. Null for a fault of our own, or of the files'.
struct ctls_channel *ctls_channel_open(
    struct ctls_context *context, int descriptor, int64_t now, struct ctls_fault *fault);
/// Gives all up, without a word to the server.
void ctls_channel_release(struct ctls_channel *channel);

/// Goes on with the handshake: CTLS_DONE, CTLS_WANTS_..., CTLS_FAULT or CTLS_BROKEN.
enum ctls_result ctls_channel_handshake(struct ctls_channel *channel);
/// Reads up to `count` bytes, and sets how many. What follows a part is told by the next call.
enum ctls_result ctls_channel_read(
    struct ctls_channel *channel, void *bytes, size_t count, size_t *taken);
/// Takes up to 16 KiB into one record, and sets how many bytes that are. They are taken for good:
/// what the socket did not take waits in the channel. CTLS_WANTS_WRITE while something waits.
enum ctls_result ctls_channel_write(
    struct ctls_channel *channel, const void *bytes, size_t count, size_t *taken);
/// Hands what waits to the socket: CTLS_DONE, CTLS_WANTS_WRITE or CTLS_BROKEN.
enum ctls_result ctls_channel_flush(struct ctls_channel *channel);
/// Says close_notify, if that goes without waiting.
void ctls_channel_close(struct ctls_channel *channel);

/// True while encrypted bytes wait for the socket.
bool ctls_channel_wants_write(const struct ctls_channel *channel);
/// True when reading was ended by the caller's room while bytes are left that the socket will not
/// announce, as they were taken from it.
bool ctls_channel_has_pending(const struct ctls_channel *channel);
struct ctls_fault ctls_channel_fault(const struct ctls_channel *channel);
int ctls_channel_error(const struct ctls_channel *channel);

// ---- what is known of a channel (facts.c)

bool ctls_channel_is_resumed(const struct ctls_channel *channel);
/// Bytes that were read from and written to the socket so far.
uint64_t ctls_channel_bytes_in(const struct ctls_channel *channel);
uint64_t ctls_channel_bytes_out(const struct ctls_channel *channel);
/// "TLSv1.3", and a cipher suite's name; empty before they are agreed. Live as long as OpenSSL.
const char *ctls_channel_version(const struct ctls_channel *channel);
const char *ctls_channel_cipher(const struct ctls_channel *channel);
/// The protocol that ALPN agreed on, without a NUL; null for none. Lives as long as the channel.
const uint8_t *ctls_channel_protocol(const struct ctls_channel *channel, size_t *count);
/// When the certificates end, in seconds since 1970; INT64_MIN where there is none.
int64_t ctls_channel_peer_not_after(const struct ctls_channel *channel);
int64_t ctls_channel_own_not_after(const struct ctls_channel *channel);

// ---- signatures by Ed25519, RFC 8032 (signature.c, signer.c)

enum { CTLS_KEY_BYTES = 32, CTLS_SIGNATURE_BYTES = 64 };

enum ctls_verdict {
  CTLS_SIGNATURE_GOOD,
  CTLS_SIGNATURE_WRONG,
  CTLS_SIGNATURE_UNKNOWN,  ///< OpenSSL is missing, or has no memory
};

/// Whether the owner of a public key has signed these bytes. Loads OpenSSL.
enum ctls_verdict ctls_signature_verify(
    const uint8_t key[CTLS_KEY_BYTES], const uint8_t signature[CTLS_SIGNATURE_BYTES],
    const void *bytes, size_t count);

/// A private key.
struct ctls_signer;

/// The key in a PEM text without a passphrase; null when there is none of Ed25519.
struct ctls_signer *ctls_signer_read(const void *pem, size_t count);
/// A new key; null when there can be none.
struct ctls_signer *ctls_signer_generate(void);
void ctls_signer_release(struct ctls_signer *signer);
/// Sets its public key.
bool ctls_signer_key(const struct ctls_signer *signer, uint8_t key[CTLS_KEY_BYTES]);
/// Writes it as PEM (PKCS #8); how many bytes, 0 when they do not fit.
size_t ctls_signer_write(const struct ctls_signer *signer, void *pem, size_t capacity);
/// Signs; false when the library has no memory.
bool ctls_signer_sign(
    const struct ctls_signer *signer, const void *bytes, size_t count,
    uint8_t signature[CTLS_SIGNATURE_BYTES]);

#endif
