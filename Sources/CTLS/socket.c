// A BIO over the channel's socket. OpenSSL's own would write with write(2), which raises SIGPIPE
// for a connection that is gone; and it would leave half a record to be offered again, byte for
// byte, by whoever writes next. Here what the socket does not take waits in the channel, so
// bytes that were taken are taken for good.
#include "internal.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>

static BIO_METHOD *method;

static size_t send_some(struct ctls_channel *channel, const uint8_t *bytes, size_t count) {
  ssize_t sent;
  do sent = send(channel->descriptor, bytes, count, MSG_NOSIGNAL | MSG_DONTWAIT);
  while (sent < 0 && errno == EINTR);
  if (sent < 0 && errno != EAGAIN) channel->write_error = errno;
  if (sent < 0) return 0;
  channel->bytes_out += (uint64_t)sent;
  return (size_t)sent;
}

void ctls_socket_flush(struct ctls_channel *channel) {
  while (channel->output_count && !channel->write_error) {
    size_t sent = send_some(
        channel, channel->output + channel->output_start, channel->output_count);
    if (!sent) break;
    channel->output_start += sent;
    channel->output_count -= sent;
  }
  if (channel->write_error) channel->output_count = 0;
  if (!channel->output_count) channel->output_start = 0;
}

// A socket that takes nothing more does not fail here: the server may have said why before it
// closed, and OpenSSL would not read that any more.
static int socket_write(BIO *bio, const char *bytes, size_t count, size_t *taken) {
  struct ctls_channel *channel = LIB(BIO_get_data)(bio);
  LIB(BIO_clear_flags)(bio, BIO_FLAGS_RWS | BIO_FLAGS_SHOULD_RETRY);
  ctls_socket_flush(channel);
  size_t sent = 0;
  if (!channel->output_count && !channel->write_error)
    sent = send_some(channel, (const uint8_t *)bytes, count);
  if (!channel->write_error) {
    size_t rest = count - sent, end = channel->output_start + channel->output_count;
    if (rest > sizeof channel->output - channel->output_count) {
      LIB(BIO_set_flags)(bio, BIO_FLAGS_WRITE | BIO_FLAGS_SHOULD_RETRY);
      *taken = sent;
      return sent > 0;
    }
    if (rest > sizeof channel->output - end) {
      memmove(channel->output, channel->output + channel->output_start, channel->output_count);
      channel->output_start = 0;
      end = channel->output_count;
    }
    memcpy(channel->output + end, bytes + sent, rest);
    channel->output_count += rest;
  }
  *taken = count;
  return 1;
}

static int socket_read(BIO *bio, char *bytes, size_t count, size_t *taken) {
  struct ctls_channel *channel = LIB(BIO_get_data)(bio);
  LIB(BIO_clear_flags)(bio, BIO_FLAGS_RWS | BIO_FLAGS_SHOULD_RETRY);
  *taken = 0;
  ssize_t received;
  do received = recv(channel->descriptor, bytes, count, MSG_DONTWAIT);
  while (received < 0 && errno == EINTR);
  if (received < 0 && errno == EAGAIN)
    LIB(BIO_set_flags)(bio, BIO_FLAGS_READ | BIO_FLAGS_SHOULD_RETRY);
  else if (received < 0)
    channel->read_error = errno;
  else if (received == 0)
    channel->at_eof = true;
  if (received <= 0) return 0;
  channel->bytes_in += (uint64_t)received;
  *taken = (size_t)received;
  return 1;
}

static long socket_control(BIO *bio, int command, long number, void *pointer) {
  (void)number, (void)pointer;
  struct ctls_channel *channel = LIB(BIO_get_data)(bio);
  switch (command) {
  case BIO_CTRL_FLUSH: return 1;
  case BIO_CTRL_EOF: return channel->at_eof;
  default: return 0;
  }
}

bool ctls_socket_method_make(void) {
  int index = LIB(BIO_get_new_index)();
  if (index < 0) return false;
  method = LIB(BIO_meth_new)(index | BIO_TYPE_SOURCE_SINK | BIO_TYPE_DESCRIPTOR, "sandpiper");
  return method && LIB(BIO_meth_set_write_ex)(method, socket_write)
         && LIB(BIO_meth_set_read_ex)(method, socket_read)
         && LIB(BIO_meth_set_ctrl)(method, socket_control);
}

BIO *ctls_socket_new(struct ctls_channel *channel) {
  BIO *bio = LIB(BIO_new)(method);
  if (!bio) return NULL;
  LIB(BIO_set_data)(bio, channel);
  LIB(BIO_set_init)(bio, 1);
  return bio;
}
