// One server as the profile describes it.
#include "internal.h"

#include <stdlib.h>
#include <string.h>

struct ctls_context *ctls_context_create(void) {
  struct ctls_context *context = calloc(1, sizeof *context);
  if (context) context->references = 1;
  return context;
}

void ctls_context_release(struct ctls_context *context) {
  if (--context->references) return;
  ctls_context_forget_session(context);
  for (int text = 0; text < CTLS_TEXTS; text++) free(context->texts[text]);
  free(context);
}

bool ctls_context_set(
    struct ctls_context *context, enum ctls_text text, const void *bytes, size_t count) {
  if (count && memchr(bytes, 0, count)) return false;
  char *copy = NULL;
  if (count) {
    copy = malloc(count + 1);
    if (!copy) return false;
    memcpy(copy, bytes, count);
    copy[count] = 0;
  }
  free(context->texts[text]);
  context->texts[text] = copy;
  return true;
}

void ctls_context_set_options(struct ctls_context *context, unsigned options) {
  context->options = options;
}

bool ctls_context_has_session(const struct ctls_context *context) { return context->session; }

void ctls_context_forget_session(struct ctls_context *context) {
  if (!context->session) return;
  LIB(SSL_SESSION_free)(context->session);
  context->session = NULL;
}

// ---- the library's context

static struct ctls_channel *channel_of(X509_STORE_CTX *store) {
  SSL *ssl = LIB(X509_STORE_CTX_get_ex_data)(store, LIB(SSL_get_ex_data_X509_STORE_CTX_idx)());
  return LIB(SSL_get_ex_data)(ssl, 0);
}

// Notes the first thing that is wrong with the server's certificates, and changes nothing.
static int verified(int good, X509_STORE_CTX *store) {
  struct ctls_channel *channel = channel_of(store);
  if (!good && channel && !channel->refusal.kind)
    channel->refusal = ctls_verify_fault(
        LIB(X509_STORE_CTX_get_error)(store), LIB(X509_STORE_CTX_get_error_depth)(store));
  return good;
}

// Called when the server asks for a certificate and none was set.
static int certificate_asked(SSL *ssl, X509 **certificate, EVP_PKEY **key) {
  (void)certificate, (void)key;
  struct ctls_channel *channel = LIB(SSL_get_ex_data)(ssl, 0);
  channel->certificate_asked = true;
  return 0;
}

SSL_CTX *ctls_configure(const struct ctls_context *context, struct ctls_fault *fault) {
  LIB(ERR_clear_error)();
  SSL_CTX *ssl = LIB(SSL_CTX_new)(LIB(TLS_client_method)());
  if (!ssl) {
    ctls_fail(fault, CTLS_OUT_OF_MEMORY, 0, 0);
    return NULL;
  }
  bool insecure = context->options & CTLS_INSECURE;
  int oldest = context->options & CTLS_VERSION_1_3 ? TLS1_3_VERSION : TLS1_2_VERSION;
  LIB(SSL_CTX_ctrl)(ssl, SSL_CTRL_SET_MIN_PROTO_VERSION, oldest, NULL);
  LIB(SSL_CTX_set_options)(ssl, SSL_OP_NO_RENEGOTIATION | SSL_OP_NO_COMPRESSION);
  LIB(SSL_CTX_ctrl)(
      ssl, SSL_CTRL_MODE, SSL_MODE_ENABLE_PARTIAL_WRITE | SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER,
      NULL);
  // 112 bits: no RSA below 2,048, no SHA-1.
  LIB(SSL_CTX_set_security_level)(ssl, 2);
  LIB(SSL_CTX_set_verify)(ssl, insecure ? SSL_VERIFY_NONE : SSL_VERIFY_PEER, verified);
  LIB(SSL_CTX_set_client_cert_cb)(ssl, certificate_asked);
  ctls_session_keep_new(ssl);
  bool good = (insecure || ctls_trust(context, ssl, fault)) && ctls_identify(context, ssl, fault);
  LIB(ERR_clear_error)();
  if (good) return ssl;
  LIB(SSL_CTX_free)(ssl);
  return NULL;
}
