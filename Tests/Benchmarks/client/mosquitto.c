// The peer libmosquitto, single-threaded, as its users are told to: publish, then loop.
//   mosquitto PORT QOS WINDOW COUNT LEVEL
#include <mosquitto.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static bool connected;
static long done;

static void on_connect(struct mosquitto *client, void *data, int code) {
  (void)client, (void)data;
  if (code != 0) exit(1);
  connected = true;
}

static void on_publish(struct mosquitto *client, void *data, int identifier) {
  (void)client, (void)data, (void)identifier;
  done++;
}

int main(int argc, char **argv) {
  if (argc < 6) return 2;
  int port = atoi(argv[1]), qos = atoi(argv[2]);
  long window = atol(argv[3]), count = atol(argv[4]);
  mosquitto_lib_init();
  struct mosquitto *client = mosquitto_new("bench", true, NULL);
  mosquitto_connect_callback_set(client, on_connect);
  mosquitto_publish_callback_set(client, on_publish);
  mosquitto_max_inflight_messages_set(client, (unsigned)window);
  if (atoi(argv[5]) == 5) {
    mosquitto_int_option(client, MOSQ_OPT_PROTOCOL_VERSION, MQTT_PROTOCOL_V5);
  }
  if (mosquitto_connect(client, "127.0.0.1", port, 60) != 0) return 1;
  while (!connected) mosquitto_loop(client, 1000, 1);
  char payload[65];
  memset(payload, 'x', sizeof payload);
  for (long sent = 0; sent < count; sent++) {
    long rest = sent;
    for (int i = 7; i >= 0; i--, rest /= 10) payload[i] = (char)('0' + rest % 10);
    while (sent - done >= window) mosquitto_loop(client, 1000, 1);
    if (mosquitto_publish(client, NULL, "bench/dev01/t/00", 64, payload, qos, false) != 0) return 1;
  }
  while (done < count) mosquitto_loop(client, 1000, 1);
  mosquitto_disconnect(client);
  return 0;
}
