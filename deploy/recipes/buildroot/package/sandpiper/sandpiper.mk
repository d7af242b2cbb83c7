################################################################################
#
# sandpiper
#
################################################################################

# Swift's compiler is no package of Buildroot, so the program is built before, by deploy/build.
SANDPIPER_CHECKOUT = $(abspath $(BR2_EXTERNAL_SANDPIPER_PATH)/../../..)
SANDPIPER_VERSION = checkout
SANDPIPER_SOURCE =
SANDPIPER_LICENSE = Apache-2.0

ifeq ($(BR2_arm),y)
SANDPIPER_TARGET = pi-zero
else
SANDPIPER_TARGET = pi-64-13
SANDPIPER_DEPENDENCIES = libgpiod2 openssl
endif

ifeq ($(BR2_INIT_SYSTEMD),y)
SANDPIPER_INIT = systemd
else ifeq ($(BR2_INIT_OPENRC),y)
SANDPIPER_INIT = openrc
else
SANDPIPER_INIT = sysv
endif

define SANDPIPER_INSTALL_TARGET_CMDS
	$(SANDPIPER_CHECKOUT)/deploy/install --prefix /usr --destdir $(TARGET_DIR) \
		--init $(SANDPIPER_INIT) $(SANDPIPER_TARGET)
endef

define SANDPIPER_USERS
	sandpiper -1 sandpiper -1 * /var/lib/sandpiper - gpio Sandpiper
endef

$(eval $(generic-package))
