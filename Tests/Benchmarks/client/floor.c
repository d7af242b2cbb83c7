// The floor: a bare loop that formats and sends the same bytes as Bench.swift, no MQTT client at all.
//   floor PORT QOS WINDOW COUNT
#define _GNU_SOURCE
#include <arpa/inet.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static int fd;
static uint8_t out[64 * 1024], in[4096];
static size_t waiting, held;
static long acknowledged;

static void flush(void) {
  for (size_t sent = 0; sent < waiting;) {
    ssize_t count = send(fd, out + sent, waiting - sent, MSG_NOSIGNAL);
    if (count < 0) exit(1);
    sent += (size_t)count;
  }
  waiting = 0;
}

static void receive(void) {
  ssize_t count = recv(fd, in + held, sizeof in - held, 0);
  if (count <= 0) exit(1);
  held += (size_t)count;
  size_t at = 0;
  while (held - at >= 2 && held - at >= 2u + in[at + 1]) {
    if (in[at] == 0x40) acknowledged++;
    at += 2u + in[at + 1];
  }
  memmove(in, in + at, held - at);
  held -= at;
}

static void put(long number, int qos) {
  static uint16_t identifier;
  static const char topic[] = "bench/dev01/t/00";
  uint8_t *p = out + waiting;
  size_t length = sizeof topic - 1, body = 2 + length + (qos ? 2 : 0) + 64;
  *p++ = (uint8_t)(0x30 | qos << 1);
  *p++ = (uint8_t)body;
  *p++ = 0;
  *p++ = (uint8_t)length;
  memcpy(p, topic, length);
  p += length;
  if (qos) {
    if (!++identifier) identifier = 1;
    *p++ = (uint8_t)(identifier >> 8);
    *p++ = (uint8_t)identifier;
  }
  memset(p, 'x', 64);
  for (int i = 7; i >= 0; i--, number /= 10) p[i] = (uint8_t)('0' + number % 10);
  waiting += 2 + body;
}

int main(int argc, char **argv) {
  if (argc < 5) return 2;
  int qos = atoi(argv[2]);
  long window = atol(argv[3]), count = atol(argv[4]);
  struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons((uint16_t)atoi(argv[1]))};
  address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
  fd = socket(AF_INET, SOCK_STREAM, 0);
  int on = 1;
  setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
  if (connect(fd, (void *)&address, sizeof address) != 0) return 1;
  static const uint8_t hello[] = "\x10\x11\0\4MQTT\4\2\0\x3c\0\5bench";
  send(fd, hello, 19, 0);
  while (held < 4) held += (size_t)recv(fd, in, 4, 0);
  held = 0;
  for (long sent = 0; sent < count; sent++) {
    while (qos && sent - acknowledged >= window) {
      flush();
      receive();
    }
    if (waiting > sizeof out - 256) flush();
    put(sent, qos);
  }
  flush();
  while (qos && acknowledged < count) receive();
  return 0;
}
