// What is known of a connection.
#include "internal.h"

bool ctls_channel_wants_write(const struct ctls_channel *channel) { return channel->output_count; }

bool ctls_channel_has_pending(const struct ctls_channel *channel) { return channel->pending; }

struct ctls_fault ctls_channel_fault(const struct ctls_channel *channel) { return channel->fault; }

int ctls_channel_error(const struct ctls_channel *channel) {
  return channel->write_error ? channel->write_error : channel->read_error;
}

bool ctls_channel_is_resumed(const struct ctls_channel *channel) {
  return channel->established && LIB(SSL_session_reused)(channel->ssl) == 1;
}

uint64_t ctls_channel_bytes_in(const struct ctls_channel *channel) { return channel->bytes_in; }

uint64_t ctls_channel_bytes_out(const struct ctls_channel *channel) { return channel->bytes_out; }

const char *ctls_channel_version(const struct ctls_channel *channel) {
  return channel->established ? LIB(SSL_get_version)(channel->ssl) : "";
}

const char *ctls_channel_cipher(const struct ctls_channel *channel) {
  const SSL_CIPHER *cipher = LIB(SSL_get_current_cipher)(channel->ssl);
  return channel->established && cipher ? LIB(SSL_CIPHER_get_name)(cipher) : "";
}

const uint8_t *ctls_channel_protocol(const struct ctls_channel *channel, size_t *count) {
  const unsigned char *name = NULL;
  unsigned length = 0;
  LIB(SSL_get0_alpn_selected)(channel->ssl, &name, &length);
  *count = length;
  return length ? name : NULL;
}

// Days from 1970-01-01 in the Gregorian calendar.
static int64_t days(int64_t year, int month, int day) {
  // The year begins in March here, so that February's end is the year's.
  year -= month <= 2;
  int64_t era = (year >= 0 ? year : year - 399) / 400, of_era = year - era * 400;
  int64_t of_year = (153 * (month + (month > 2 ? -3 : 9)) + 2) / 5 + day - 1;
  return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

// By way of the calendar, because the library's time_t may be another than ours.
int64_t ctls_not_after(const X509 *certificate) {
  struct tm end;
  if (LIB(ASN1_TIME_to_tm)(LIB(X509_get0_notAfter)(certificate), &end) != 1) return INT64_MIN;
  return days(end.tm_year + 1900LL, end.tm_mon + 1, end.tm_mday) * 86400 + end.tm_hour * 3600
         + end.tm_min * 60 + end.tm_sec;
}

int64_t ctls_channel_peer_not_after(const struct ctls_channel *channel) {
  const X509 *certificate = LIB(SSL_get0_peer_certificate)(channel->ssl);
  return certificate ? ctls_not_after(certificate) : INT64_MIN;
}

int64_t ctls_channel_own_not_after(const struct ctls_channel *channel) {
  return channel->own_not_after;
}
