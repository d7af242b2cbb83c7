"""What many a board runs instead of an agent: a reading each second, a relay, a will, as tutorials for
Paho show it. Arguments: the broker's port, the client's name, and the QoS of its readings."""

import sys
import time

import paho.mqtt.client as mqtt

PORT, NAME, QOS = int(sys.argv[1]), sys.argv[2], int(sys.argv[3])


def on_connect(client, _data, _flags, _reason, _properties):
    client.subscribe(f"{NAME}/pump/set")
    client.publish(f"{NAME}/status", "online", retain=True)


def on_message(_client, _data, message):
    print("pump", message.payload.decode(), flush=True)


client = mqtt.Client(mqtt.CallbackAPIVersion.VERSION2, NAME)
client.will_set(f"{NAME}/status", "offline", retain=True)
client.on_connect, client.on_message = on_connect, on_message
client.connect("127.0.0.1", PORT, keepalive=10)
client.loop_start()
number = 0
while True:
    number += 1
    client.publish(f"{NAME}/air", number, qos=QOS)
    time.sleep(1)
