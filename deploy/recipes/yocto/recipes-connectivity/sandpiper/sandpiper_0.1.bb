SUMMARY = "Telemetry and control of GPIO lines and sensors over MQTT"
LICENSE = "Apache-2.0"
LIC_FILES_CHKSUM = "file://${COMMON_LICENSE_DIR}/Apache-2.0;md5=89aea4e17d99a7cacdbeed46a0096b10"

# Swift's compiler is no recipe of OpenEmbedded, so the program is built before, by deploy/build. In conf/local.conf:
#   SANDPIPER_CHECKOUT = "/home/me/sandpiper"
# pi-64-13 wants glibc 2.38, libgpiod 2 and OpenSSL 3, as Yocto 5.0 has; pi-64 glibc 2.34 and libgpiod 1.6, as 4.0 has.
SANDPIPER_CHECKOUT ?= ""
SANDPIPER_TARGET ?= "pi-64-13"
COMPATIBLE_HOST = "aarch64.*-linux"
DEPENDS = "libgpiod"
# OpenSSL is loaded when TLS is first used, which no program says of itself.
RDEPENDS:${PN} = "openssl ca-certificates"

inherit systemd useradd

SYSTEMD_SERVICE:${PN} = "sandpiper.service"
USERADD_PACKAGES = "${PN}"
GROUPADD_PARAM:${PN} = "--system gpio; --system sandpiper"
USERADD_PARAM:${PN} = "--system --no-create-home --home-dir /var/lib/sandpiper --shell /sbin/nologin \
    --gid sandpiper --groups gpio sandpiper"

# The program that is built anew has to be installed anew.
do_install[file-checksums] = "${SANDPIPER_CHECKOUT}/.build-deploy/${SANDPIPER_TARGET}/sandpiper:True"
do_install() {
    ${SANDPIPER_CHECKOUT}/deploy/install --prefix ${prefix} --destdir ${D} --init systemd ${SANDPIPER_TARGET}
}

FILES:${PN} += "${prefix}/lib ${datadir} ${sysconfdir}"
INSANE_SKIP:${PN} = "already-stripped ldflags"
INHIBIT_PACKAGE_STRIP = "1"
