// The default persistence of Eclipse Paho C: a file for each message, deleted on its acknowledgement.
//   paho FOLDER COUNT
#include "measure.h"

#include <MQTTClientPersistence.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

// The functions behind MQTTCLIENT_PERSISTENCE_DEFAULT, which only the static library lets others call.
int pstopen(void **handle, const char *clientID, const char *serverURI, void *context);
int pstput(void *handle, char *key, int bufcount, char *buffers[], int buflens[]);
int pstremove(void *handle, char *key);

int main(int argc, char **argv) {
  if (argc != 3) return 2;
  long count = atol(argv[2]);
  void *store;
  if (pstopen(&store, "bench", "tcp://127.0.0.1:1883", argv[1]) != 0) return 1;
  // Fixed header, topic of 16 and packet identifier, then the message: a PUBLISH as the client stores it.
  char head[22] = {0x32, 84, 0, 16};
  char body[MESSAGE_BYTES];
  memset(body, 'x', sizeof body);
  char *parts[] = {head, body};
  int sizes[] = {sizeof head, sizeof body};

  for (long done = -BACKLOG; done < count; done++) {
    if (done == 0) measure_begin();
    char key[32];
    snprintf(key, sizeof key, "s-%ld", (done + BACKLOG) % 65535 + 1);
    if (pstput(store, key, 2, parts, sizes) != 0) return 1;
    if (done < 0) continue;
    snprintf(key, sizeof key, "s-%ld", done % 65535 + 1);
    if (pstremove(store, key) != 0) return 1;
  }
  measure_end("Paho C, a file for each message", count);
}
