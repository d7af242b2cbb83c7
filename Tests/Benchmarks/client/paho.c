// The peer Eclipse Paho C, in its asynchronous form, which has threads of its own.
//   paho PORT QOS WINDOW COUNT LEVEL
#include <MQTTAsync.h>
#include <pthread.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static bool connected;
static long done;

static void count_one(void) {
  pthread_mutex_lock(&lock);
  done++;
  pthread_cond_signal(&changed);
  pthread_mutex_unlock(&lock);
}

static void published(void *data, MQTTAsync_successData *response) {
  (void)data, (void)response;
  count_one();
}

static void published5(void *data, MQTTAsync_successData5 *response) {
  (void)data, (void)response;
  count_one();
}

static void accept_session(void) {
  pthread_mutex_lock(&lock);
  connected = true;
  pthread_cond_signal(&changed);
  pthread_mutex_unlock(&lock);
}

static void opened(void *data, MQTTAsync_successData *response) {
  (void)data, (void)response;
  accept_session();
}

static void opened5(void *data, MQTTAsync_successData5 *response) {
  (void)data, (void)response;
  accept_session();
}

static void wait_until(long least) {
  pthread_mutex_lock(&lock);
  while (!connected || done < least) pthread_cond_wait(&changed, &lock);
  pthread_mutex_unlock(&lock);
}

int main(int argc, char **argv) {
  if (argc < 6) return 2;
  bool five = atoi(argv[5]) == 5;
  int qos = atoi(argv[2]);
  long window = atol(argv[3]), count = atol(argv[4]);
  char url[64];
  snprintf(url, sizeof url, "tcp://127.0.0.1:%s", argv[1]);
  MQTTAsync client;
  MQTTAsync_createOptions create = MQTTAsync_createOptions_initializer;
  MQTTAsync_connectOptions connect = MQTTAsync_connectOptions_initializer;
  MQTTAsync_connectOptions connect5 = MQTTAsync_connectOptions_initializer5;
  if (five) {
    create.MQTTVersion = MQTTVERSION_5;
    connect = connect5;
    connect.onSuccess5 = opened5;
  } else {
    connect.cleansession = 1;
    connect.onSuccess = opened;
  }
  connect.keepAliveInterval = 60;
  connect.maxInflight = (int)window;
  int code = MQTTAsync_createWithOptions(
      &client, url, "bench", MQTTCLIENT_PERSISTENCE_NONE, NULL, &create);
  if (code != 0 || MQTTAsync_connect(client, &connect) != 0) return 1;
  wait_until(0);
  char payload[64];
  memset(payload, 'x', sizeof payload);
  MQTTAsync_responseOptions response = MQTTAsync_responseOptions_initializer;
  if (five) response.onSuccess5 = published5;
  else response.onSuccess = published;
  for (long sent = 0; sent < count; sent++) {
    long rest = sent;
    for (int i = 7; i >= 0; i--, rest /= 10) payload[i] = (char)('0' + rest % 10);
    wait_until(sent - window + 1);
    MQTTAsync_message message = MQTTAsync_message_initializer;
    message.payload = payload;
    message.payloadlen = sizeof payload;
    message.qos = qos;
    MQTTAsync_responseOptions options = response;
    if (MQTTAsync_sendMessage(client, "bench/dev01/t/00", &message, &options) != 0) return 1;
  }
  wait_until(count);
  MQTTAsync_disconnectOptions leave = MQTTAsync_disconnectOptions_initializer;
  MQTTAsync_disconnect(client, &leave);
  return 0;
}
