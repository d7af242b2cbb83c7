include $(sort $(wildcard $(BR2_EXTERNAL_SANDPIPER_PATH)/package/*/*.mk))
