// OpenSSL's functions, loaded or linked: LIB(SSL_new)(context).
#ifndef SANDPIPER_CTLS_LIBRARY_H
#define SANDPIPER_CTLS_LIBRARY_H

// Nothing that 3.0 calls deprecated.
#define OPENSSL_NO_DEPRECATED
#include <openssl/bio.h>
#include <openssl/crypto.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/provider.h>
#include <openssl/ssl.h>
#include <openssl/store.h>
#include <openssl/ui.h>
#include <openssl/x509.h>
#include <openssl/x509_vfy.h>
#include <openssl/x509v3.h>

#if OPENSSL_VERSION_MAJOR != 3
#error "the headers must be those of OpenSSL 3, as libssl.so.3 is what is loaded"
#endif

// All that is used, libcrypto's functions included. Macros of OpenSSL's that call one of these,
// such as SSL_set_tlsext_host_name, have to be written out.
#define CTLS_FUNCTIONS(F) \
  F(ASN1_TIME_to_tm) \
  F(BIO_clear_flags) \
  F(BIO_ctrl) \
  F(BIO_free) \
  F(BIO_get_data) \
  F(BIO_get_new_index) \
  F(BIO_meth_new) \
  F(BIO_meth_set_ctrl) \
  F(BIO_meth_set_read_ex) \
  F(BIO_meth_set_write_ex) \
  F(BIO_new) \
  F(BIO_new_mem_buf) \
  F(BIO_s_mem) \
  F(BIO_set_data) \
  F(BIO_set_flags) \
  F(BIO_set_init) \
  F(ERR_clear_error) \
  F(ERR_get_error) \
  F(ERR_peek_last_error) \
  F(EVP_DigestSign) \
  F(EVP_DigestSignInit) \
  F(EVP_DigestVerify) \
  F(EVP_DigestVerifyInit) \
  F(EVP_MD_CTX_free) \
  F(EVP_MD_CTX_new) \
  F(EVP_PKEY_Q_keygen) \
  F(EVP_PKEY_free) \
  F(EVP_PKEY_get_raw_public_key) \
  F(EVP_PKEY_is_a) \
  F(EVP_PKEY_new_raw_public_key) \
  F(EVP_sha256) \
  F(OPENSSL_cleanse) \
  F(OSSL_PROVIDER_available) \
  F(OSSL_PROVIDER_try_load) \
  F(OSSL_STORE_INFO_free) \
  F(OSSL_STORE_INFO_get1_PKEY) \
  F(OSSL_STORE_close) \
  F(OSSL_STORE_eof) \
  F(OSSL_STORE_error) \
  F(OSSL_STORE_expect) \
  F(OSSL_STORE_load) \
  F(OSSL_STORE_open) \
  F(OpenSSL_version) \
  F(PEM_read_bio_PrivateKey) \
  F(PEM_read_bio_X509_AUX) \
  F(PEM_read_bio_X509_CRL) \
  F(PEM_write_bio_PrivateKey) \
  F(SSL_CIPHER_get_name) \
  F(SSL_CTX_check_private_key) \
  F(SSL_CTX_ctrl) \
  F(SSL_CTX_free) \
  F(SSL_CTX_get0_certificate) \
  F(SSL_CTX_get_cert_store) \
  F(SSL_CTX_load_verify_dir) \
  F(SSL_CTX_new) \
  F(SSL_CTX_sess_set_new_cb) \
  F(SSL_CTX_set_client_cert_cb) \
  F(SSL_CTX_set_default_verify_dir) \
  F(SSL_CTX_set_default_verify_paths) \
  F(SSL_CTX_set_options) \
  F(SSL_CTX_set_security_level) \
  F(SSL_CTX_set_verify) \
  F(SSL_CTX_use_PrivateKey) \
  F(SSL_CTX_use_certificate) \
  F(SSL_SESSION_free) \
  F(SSL_SESSION_is_resumable) \
  F(SSL_ctrl) \
  F(SSL_do_handshake) \
  F(SSL_free) \
  F(SSL_get0_alpn_selected) \
  F(SSL_get0_param) \
  F(SSL_get0_peer_certificate) \
  F(SSL_get_current_cipher) \
  F(SSL_get_error) \
  F(SSL_get_ex_data) \
  F(SSL_get_ex_data_X509_STORE_CTX_idx) \
  F(SSL_get_peer_cert_chain) \
  F(SSL_get_pending_cipher) \
  F(SSL_get_verify_result) \
  F(SSL_get_version) \
  F(SSL_has_pending) \
  F(SSL_new) \
  F(SSL_peek_ex) \
  F(SSL_read_ex) \
  F(SSL_session_reused) \
  F(SSL_set_alpn_protos) \
  F(SSL_set_bio) \
  F(SSL_set_connect_state) \
  F(SSL_set_ex_data) \
  F(SSL_set_read_ahead) \
  F(SSL_set_session) \
  F(SSL_set_shutdown) \
  F(SSL_shutdown) \
  F(SSL_write_ex) \
  F(TLS_client_method) \
  F(UI_UTIL_wrap_read_pem_callback) \
  F(UI_create_method) \
  F(UI_destroy_method) \
  F(UI_method_set_opener) \
  F(UI_set_default_method) \
  F(X509_CRL_free) \
  F(X509_STORE_CTX_free) \
  F(X509_STORE_CTX_get0_param) \
  F(X509_STORE_CTX_get_error) \
  F(X509_STORE_CTX_get_error_depth) \
  F(X509_STORE_CTX_get_ex_data) \
  F(X509_STORE_CTX_init) \
  F(X509_STORE_CTX_new) \
  F(X509_STORE_CTX_set_default) \
  F(X509_STORE_add_cert) \
  F(X509_STORE_add_crl) \
  F(X509_VERIFY_PARAM_set1) \
  F(X509_VERIFY_PARAM_set1_host) \
  F(X509_VERIFY_PARAM_set1_ip_asc) \
  F(X509_VERIFY_PARAM_set_auth_level) \
  F(X509_VERIFY_PARAM_set_flags) \
  F(X509_VERIFY_PARAM_set_hostflags) \
  F(X509_VERIFY_PARAM_set_time) \
  F(X509_digest) \
  F(X509_free) \
  F(X509_get0_notAfter) \
  F(X509_get_default_cert_dir) \
  F(X509_get_default_cert_dir_env) \
  F(X509_get_default_cert_file) \
  F(X509_get_default_cert_file_env) \
  F(X509_verify_cert) \
  F(d2i_X509_CRL_bio) \
  F(d2i_X509_bio)

#ifdef SANDPIPER_TLS_LINKED
#define LIB(function) function
#else
#define LIB(function) ctls_library.function
struct ctls_library {
#define CTLS_MEMBER(function) __typeof__(&function) function;
  CTLS_FUNCTIONS(CTLS_MEMBER)
#undef CTLS_MEMBER
};
extern struct ctls_library ctls_library;
#endif

#endif
