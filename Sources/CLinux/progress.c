// Apart from socket.c: the C library's own tcp_info ends before tcpi_bytes_acked, and the kernel's headers
// don't go together with it.
#include <stddef.h>
#include <linux/sockios.h>
#include <linux/tcp.h>
#include <netinet/in.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "clinux.h"

int clinux_tcp_progress(int socket, uint64_t *acknowledged, int *pending) {
  struct tcp_info info;
  socklen_t size = sizeof info;
  if (getsockopt(socket, IPPROTO_TCP, TCP_INFO, &info, &size) < 0) return -1;
  // Kernels before 4.1 tell less.
  if (size < offsetof(struct tcp_info, tcpi_bytes_acked) + sizeof info.tcpi_bytes_acked) return -1;
  if (ioctl(socket, SIOCOUTQ, pending) < 0) return -1;
  *acknowledged = info.tcpi_bytes_acked;
  return 0;
}
