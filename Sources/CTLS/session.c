// Resuming: a handshake without certificates, so of fewer bytes and without the heavy arithmetic.
#include "internal.h"

#include <string.h>

// Called for each TLS 1.2 session, and for each ticket of TLS 1.3, of which the latest is kept. To
// return 1 is to keep it.
static int new_session(SSL *ssl, SSL_SESSION *session) {
  struct ctls_channel *channel = LIB(SSL_get_ex_data)(ssl, 0);
  if (!channel || !LIB(SSL_SESSION_is_resumable)(session)) return 0;
  struct ctls_context *context = channel->context;
  ctls_context_forget_session(context);
  context->session = session;
  memcpy(context->session_owner, channel->owner, sizeof context->session_owner);
  return 1;
}

void ctls_session_keep_new(SSL_CTX *ssl) {
  LIB(SSL_CTX_ctrl)(
      ssl, SSL_CTRL_SET_SESS_CACHE_MODE, SSL_SESS_CACHE_CLIENT | SSL_SESS_CACHE_NO_INTERNAL, NULL);
  LIB(SSL_CTX_sess_set_new_cb)(ssl, new_session);
}

// The same as the library does in a full handshake (ssl_verify_cert_chain).
static bool verify_again(SSL *ssl, SSL_CTX *context) {
  X509 *certificate = LIB(SSL_get0_peer_certificate)(ssl);
  X509_STORE_CTX *store = LIB(X509_STORE_CTX_new)();
  bool good = false;
  if (certificate && store
      && LIB(X509_STORE_CTX_init)(
          store, LIB(SSL_CTX_get_cert_store)(context), certificate,
          LIB(SSL_get_peer_cert_chain)(ssl))) {
    LIB(X509_STORE_CTX_set_default)(store, "ssl_server");
    X509_VERIFY_PARAM *parameters = LIB(X509_STORE_CTX_get0_param)(store);
    LIB(X509_VERIFY_PARAM_set_auth_level)(parameters, 2);
    LIB(X509_VERIFY_PARAM_set1)(parameters, LIB(SSL_get0_param)(ssl));
    good = LIB(X509_verify_cert)(store) == 1;
  }
  if (store) LIB(X509_STORE_CTX_free)(store);
  return good;
}

// A resumed connection shows no certificate: that one counts which the session was made with. It
// may have expired since, or been revoked, or its authority be trusted no more; and our own may
// have been renewed. In all these cases a full handshake has to tell.
void ctls_session_offer(struct ctls_channel *channel, SSL_CTX *ssl) {
  struct ctls_context *context = channel->context;
  if (!context->session) return;
  bool good = !memcmp(context->session_owner, channel->owner, sizeof channel->owner)
              && LIB(SSL_set_session)(channel->ssl, context->session) == 1
              && (context->options & CTLS_INSECURE || verify_again(channel->ssl, ssl));
  if (good) return;
  LIB(SSL_set_session)(channel->ssl, NULL);
  ctls_context_forget_session(context);
  LIB(ERR_clear_error)();
}
