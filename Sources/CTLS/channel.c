// One connection.
#include "internal.h"

#include <arpa/inet.h>
#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { HOST_BYTES_MAX = 253 };  // RFC 1035, section 2.3.4, without the root's label
enum { ALPN_BYTES_MAX = 256 };

// ---- beginning

// The name as a certificate has it: without the root's dot, an address without its zone.
static bool plain_host(const char *text, char *host) {
  size_t length = text ? strcspn(text, "%") : 0;
  if (length > 1 && text[length - 1] == '.') length--;
  // OpenSSL would take a dot in front for "any name below".
  if (!length || length > HOST_BYTES_MAX || text[0] == '.') return false;
  memcpy(host, text, length);
  host[length] = 0;
  return true;
}

// SNI has only names (RFC 6066, section 3).
static bool name_server(struct ctls_channel *channel, X509_VERIFY_PARAM *parameters) {
  char host[HOST_BYTES_MAX + 1];
  unsigned char address[16];
  bool insecure = channel->context->options & CTLS_INSECURE;
  if (!plain_host(ctls_text_of(channel->context, CTLS_HOST), host)) return insecure;
  if (inet_pton(AF_INET, host, address) == 1 || inet_pton(AF_INET6, host, address) == 1)
    return insecure || LIB(X509_VERIFY_PARAM_set1_ip_asc)(parameters, host) == 1;
  LIB(X509_VERIFY_PARAM_set_hostflags)(parameters, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
  // SSL_set_tlsext_host_name.
  return LIB(SSL_ctrl)(
             channel->ssl, SSL_CTRL_SET_TLSEXT_HOSTNAME, TLSEXT_NAMETYPE_host_name, host)
             == 1
         && (insecure || LIB(X509_VERIFY_PARAM_set1_host)(parameters, host, 0) == 1);
}

// "mqtt,http/1.1" as RFC 7301, section 3.1, writes it: each name behind its length.
static size_t alpn_list(const char *text, unsigned char *list) {
  size_t count = 0;
  while (true) {
    size_t length = strcspn(text, ",");
    if (!length || length > UINT8_MAX || count + 1 + length > ALPN_BYTES_MAX) return 0;
    list[count] = (unsigned char)length;
    memcpy(list + count + 1, text, length);
    count += 1 + length;
    if (!text[length]) return count;
    text += length + 1;
  }
}

static bool offer_protocols(struct ctls_channel *channel) {
  unsigned char list[ALPN_BYTES_MAX];
  const char *text = ctls_text_of(channel->context, CTLS_ALPN);
  if (!text) return true;
  size_t count = alpn_list(text, list);
  // This one function of OpenSSL's returns 0 for success.
  return count && LIB(SSL_set_alpn_protos)(channel->ssl, list, (unsigned)count) == 0;
}

static void set_time(X509_VERIFY_PARAM *parameters, int64_t now) {
  // Debian 12's 32-bit OpenSSL ends in 2038; it gets its own time_t (deploy/build).
  const time_t last = sizeof(time_t) == 4 ? INT32_MAX : INT64_MAX;
  LIB(X509_VERIFY_PARAM_set_time)(parameters, now > last ? last : (time_t)now);
}

static bool prepare(
    struct ctls_channel *channel, SSL_CTX *context, int64_t now, struct ctls_fault *fault) {
  channel->ssl = LIB(SSL_new)(context);
  BIO *bio = channel->ssl ? ctls_socket_new(channel) : NULL;
  if (!bio) return ctls_fail(fault, CTLS_OUT_OF_MEMORY, 0, 0);
  LIB(SSL_set_bio)(channel->ssl, bio, bio);
  LIB(SSL_set_ex_data)(channel->ssl, 0, channel);
  LIB(SSL_set_connect_state)(channel->ssl);
  // Several records in one recv(2).
  LIB(SSL_set_read_ahead)(channel->ssl, 1);
  X509_VERIFY_PARAM *parameters = LIB(SSL_get0_param)(channel->ssl);
  if (!name_server(channel, parameters)) return ctls_fail(fault, CTLS_SETTING_INVALID, CTLS_HOST, 0);
  if (!offer_protocols(channel)) return ctls_fail(fault, CTLS_SETTING_INVALID, CTLS_ALPN, 0);
  set_time(parameters, now);
  if (ctls_text_of(channel->context, CTLS_REVOCATION_FILE)) {
    bool all = channel->context->options & CTLS_REVOCATION_OF_CHAIN;
    LIB(X509_VERIFY_PARAM_set_flags)(
        parameters, X509_V_FLAG_CRL_CHECK | (all ? X509_V_FLAG_CRL_CHECK_ALL : 0));
  }
  const X509 *own = LIB(SSL_CTX_get0_certificate)(context);
  if (own) {
    LIB(X509_digest)(own, LIB(EVP_sha256)(), channel->owner, NULL);
    channel->own_not_after = ctls_not_after(own);
  }
  ctls_session_offer(channel, context);
  return true;
}

struct ctls_channel *ctls_channel_open(
    struct ctls_context *context, int descriptor, int64_t now, struct ctls_fault *fault) {
  *fault = (struct ctls_fault){0};
  if (!ctls_library_load()) {
    ctls_fail(fault, CTLS_LIBRARY_MISSING, 0, 0);
    return NULL;
  }
  SSL_CTX *configured = ctls_configure(context, fault);
  if (!configured) return NULL;
  struct ctls_channel *channel = calloc(1, sizeof *channel);
  if (channel) {
    channel->context = context;
    context->references++;
    channel->descriptor = descriptor;
    channel->own_not_after = INT64_MIN;
  }
  if (!channel) {
    ctls_fail(fault, CTLS_OUT_OF_MEMORY, 0, 0);
  } else if (!prepare(channel, configured, now, fault)) {
    ctls_channel_release(channel);
    channel = NULL;
  }
  // The connection holds it now.
  LIB(SSL_CTX_free)(configured);
  LIB(ERR_clear_error)();
  return channel;
}

void ctls_channel_release(struct ctls_channel *channel) {
  if (channel->ssl) {
    // A link that is lost says nothing against its session (RFC 5246, section 7.2.1), yet the
    // library would spoil it, unless it takes the connection for closed.
    if (!channel->fault.kind)
      LIB(SSL_set_shutdown)(channel->ssl, SSL_SENT_SHUTDOWN | SSL_RECEIVED_SHUTDOWN);
    LIB(SSL_free)(channel->ssl);
    LIB(ERR_clear_error)();
  }
  ctls_context_release(channel->context);
  free(channel);
}

// ---- faults

// After a fault the next connection begins afresh: it may have been the session that the server
// took offence at.
static enum ctls_result fail(struct ctls_channel *channel, struct ctls_fault fault) {
  if (!channel->fault.kind) channel->fault = fault;
  ctls_socket_flush(channel);  // our alert
  if (channel->fault.kind != CTLS_TRUNCATED) ctls_context_forget_session(channel->context);
  return CTLS_FAULT;
}

// What an SSL call's error is to the caller. A server that closes early may have sent its reason
// before, so what was read goes before what could not be written.
static enum ctls_result result_of(struct ctls_channel *channel, int returned) {
  switch (LIB(SSL_get_error)(channel->ssl, returned)) {
  case SSL_ERROR_WANT_READ:
    if (channel->write_error) return CTLS_BROKEN;
    return channel->output_count ? CTLS_WANTS_WRITE : CTLS_WANTS_READ;
  case SSL_ERROR_WANT_WRITE: return channel->write_error ? CTLS_BROKEN : CTLS_WANTS_WRITE;
  case SSL_ERROR_ZERO_RETURN:
    channel->ended = true;
    return CTLS_END;
  default: break;
  }
  if (channel->read_error) return CTLS_BROKEN;
  struct ctls_fault fault = ctls_library_fault(channel);
  bool silent = fault.kind == CTLS_TRUNCATED || fault.kind == CTLS_CLOSED_IN_HANDSHAKE;
  if (silent && channel->write_error) return CTLS_BROKEN;
  return fail(channel, fault);
}

static bool is_over(const struct ctls_channel *channel, enum ctls_result *result) {
  if (channel->fault.kind) *result = CTLS_FAULT;
  else if (channel->read_error) *result = CTLS_BROKEN;
  else return false;
  return true;
}

// ---- the handshake

static bool is_offered(const char *text, const unsigned char *name, size_t length) {
  while (text) {
    size_t count = strcspn(text, ",");
    if (count == length && !memcmp(text, name, length)) return true;
    text = text[count] ? text + count + 1 : NULL;
  }
  return false;
}

static enum ctls_result establish(struct ctls_channel *channel) {
  const char *text = ctls_text_of(channel->context, CTLS_ALPN);
  const unsigned char *name = NULL;
  unsigned length = 0;
  LIB(SSL_get0_alpn_selected)(channel->ssl, &name, &length);
  bool agreed = length ? is_offered(text, name, length)
                       : !text || !(channel->context->options & CTLS_ALPN_REQUIRED);
  if (!agreed) return fail(channel, (struct ctls_fault){.kind = CTLS_ALPN_NOT_AGREED});
  channel->established = true;
  return CTLS_DONE;
}

enum ctls_result ctls_channel_handshake(struct ctls_channel *channel) {
  enum ctls_result result;
  if (is_over(channel, &result)) return result;
  if (channel->established) return CTLS_DONE;
  ctls_socket_flush(channel);
  LIB(ERR_clear_error)();
  int returned = LIB(SSL_do_handshake)(channel->ssl);
  if (returned == 1) return establish(channel);
  result = result_of(channel, returned);
  return result == CTLS_END ? fail(channel, (struct ctls_fault){.kind = CTLS_CLOSED_IN_HANDSHAKE})
                            : result;
}

// ---- bytes

enum ctls_result ctls_channel_read(
    struct ctls_channel *channel, void *bytes, size_t count, size_t *taken) {
  enum ctls_result result = CTLS_DONE;
  *taken = 0;
  channel->pending = false;
  if (is_over(channel, &result)) return result;
  if (channel->ended) return CTLS_END;
  if (!count) return CTLS_DONE;
  LIB(ERR_clear_error)();
  while (*taken < count && result == CTLS_DONE) {
    size_t some = 0;
    int returned = LIB(SSL_read_ex)(
        channel->ssl, (char *)bytes + *taken, count - *taken, &some);
    *taken += some;
    if (returned != 1) result = result_of(channel, returned);
  }
  channel->pending = *taken == count && LIB(SSL_has_pending)(channel->ssl);
  return *taken ? CTLS_DONE : result;
}

enum ctls_result ctls_channel_flush(struct ctls_channel *channel) {
  ctls_socket_flush(channel);
  if (channel->write_error) return CTLS_BROKEN;
  return channel->output_count ? CTLS_WANTS_WRITE : CTLS_DONE;
}

// Why the socket takes nothing more: what the server has said last, if it can be read already.
static enum ctls_result why_broken(struct ctls_channel *channel) {
  char byte;
  size_t some;
  enum ctls_result result;
  LIB(ERR_clear_error)();
  if (channel->ended || is_over(channel, &result)) return CTLS_BROKEN;
  int returned = LIB(SSL_peek_ex)(channel->ssl, &byte, 1, &some);
  return returned != 1 && result_of(channel, returned) == CTLS_FAULT ? CTLS_FAULT : CTLS_BROKEN;
}

enum ctls_result ctls_channel_write(
    struct ctls_channel *channel, const void *bytes, size_t count, size_t *taken) {
  enum ctls_result result;
  *taken = 0;
  if (is_over(channel, &result)) return result;
  ctls_socket_flush(channel);
  if (channel->write_error) return why_broken(channel);
  if (channel->output_count) return CTLS_WANTS_WRITE;
  if (!count) return CTLS_DONE;
  LIB(ERR_clear_error)();
  // There is room for the record, so this always takes all.
  int returned = LIB(SSL_write_ex)(
      channel->ssl, bytes, count > CTLS_RECORD_MAX ? CTLS_RECORD_MAX : count, taken);
  if (returned != 1) return result_of(channel, returned);
  return channel->write_error ? why_broken(channel) : CTLS_DONE;
}

void ctls_channel_close(struct ctls_channel *channel) {
  enum ctls_result result;
  if (!channel->established || channel->closing || is_over(channel, &result)) return;
  channel->closing = true;
  LIB(ERR_clear_error)();
  LIB(SSL_shutdown)(channel->ssl);
  LIB(ERR_clear_error)();
  ctls_socket_flush(channel);
}
