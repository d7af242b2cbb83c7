// libgpiod 1.6 (Debian 12) and 2.x (Debian 13) behind one set of functions, chosen when this is
// compiled: line bulks, and the macro that bounds them, went with version 2.
//
// Every function that can fail returns a negative error number, or a null pointer with the error
// in errno. After a request is made nothing here allocates memory.
#ifndef SANDPIPER_CGPIO_H
#define SANDPIPER_CGPIO_H

#include <errno.h>
#include <fcntl.h>
#include <gpiod.h>
#include <linux/gpio.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <unistd.h>

#ifdef GPIOD_LINE_BULK_MAX_LINES
#define CGPIO_API 1
#else
#define CGPIO_API 2
#endif

/// The most lines that one request may hold. With 1.6 each line that reports edges has a
/// descriptor of its own; from 2.x on they share the request's (GPIO_V2_LINES_MAX).
enum { CGPIO_REQUEST_LINES_MAX = CGPIO_API == 1 ? 1 : 64 };

/// Edges that one call reads at most.
enum { CGPIO_EVENTS_MAX = 16 };

/// Bytes of a name that the kernel gives, with its NUL (GPIO_MAX_NAME_SIZE).
enum { CGPIO_NAME_BYTES = 32 };

enum cgpio_bias { CGPIO_BIAS_AS_IS, CGPIO_BIAS_DISABLED, CGPIO_BIAS_PULL_UP, CGPIO_BIAS_PULL_DOWN };
enum cgpio_drive { CGPIO_PUSH_PULL, CGPIO_OPEN_DRAIN, CGPIO_OPEN_SOURCE };

/// A chip as the kernel describes it.
struct cgpio_chip_info {
  char name[CGPIO_NAME_BYTES];
  char label[CGPIO_NAME_BYTES];
  uint32_t lines;
};

/// A line as the kernel describes it.
struct cgpio_line_info {
  char name[CGPIO_NAME_BYTES];
  char consumer[CGPIO_NAME_BYTES];
  bool used, output, active_low;
};

/// How a line is to be set up. Levels are logical: "active" is 1.
struct cgpio_setting {
  uint32_t offset;
  uint32_t debounce;  ///< microseconds; must be 0 where cgpio_debounces() is false
  uint8_t bias;       ///< enum cgpio_bias
  uint8_t drive;      ///< enum cgpio_drive
  bool active_low;
  bool output;  ///< an output starts at `level`; an input reports both edges
  bool level;
};

/// An edge of a line. `timestamp` is of CLOCK_MONOTONIC, except with 1.6 on kernels before 5.7:
/// there it is of CLOCK_REALTIME. `sequence` counts the line's edges from 1, those that the kernel
/// dropped included; 0 with 1.6, which does not tell.
struct cgpio_event {
  int64_t timestamp;
  uint32_t offset;
  uint32_t sequence;
  bool rising;
};

static inline int cgpio_api(void) { return CGPIO_API; }

/// True when the kernel can debounce inputs for us.
static inline bool cgpio_debounces(void) { return CGPIO_API == 2; }

/// The version of the kernel's own GPIO interface at a chip's device file: 2 from Linux 5.10 on, 1
/// before; 0 when the file may not be opened. Asks for what is known of line 0, and changes nothing.
static inline int cgpio_kernel_interface(const char *path) {
  int chip = open(path, O_RDONLY | O_CLOEXEC);
  if (chip < 0) return 0;
  struct gpio_v2_line_info info = {.offset = 0};
  int result = ioctl(chip, GPIO_V2_GET_LINEINFO_IOCTL, &info);
  close(chip);
  return result == 0 ? 2 : 1;
}

// ---- outputs, by the kernel's second interface itself
//
// libgpiod 1.6 does not give away the descriptor of an output, and neither version takes one that somebody
// else has opened: a line that is to outlive the program is requested, driven and read by the kernel's own
// calls (linux/gpio.h, version 2 of the interface, Linux 5.10).

/// GPIO_V2_LINE_FLAG_* of an output with this setting.
static inline uint64_t cgpio_output_flags(struct cgpio_setting setting) {
  static const uint64_t bias[] = {
      [CGPIO_BIAS_AS_IS] = 0,
      [CGPIO_BIAS_DISABLED] = GPIO_V2_LINE_FLAG_BIAS_DISABLED,
      [CGPIO_BIAS_PULL_UP] = GPIO_V2_LINE_FLAG_BIAS_PULL_UP,
      [CGPIO_BIAS_PULL_DOWN] = GPIO_V2_LINE_FLAG_BIAS_PULL_DOWN};
  static const uint64_t drive[] = {
      [CGPIO_PUSH_PULL] = 0,
      [CGPIO_OPEN_DRAIN] = GPIO_V2_LINE_FLAG_OPEN_DRAIN,
      [CGPIO_OPEN_SOURCE] = GPIO_V2_LINE_FLAG_OPEN_SOURCE};
  return GPIO_V2_LINE_FLAG_OUTPUT | bias[setting.bias] | drive[setting.drive]
         | (setting.active_low ? GPIO_V2_LINE_FLAG_ACTIVE_LOW : 0);
}

/// Requests an output of the chip at `path`; the descriptor of the line, which closes on exec.
static inline int cgpio_output_request(
    const char *path, const struct cgpio_setting *setting, const char *consumer) {
  int chip = open(path, O_RDWR | O_CLOEXEC);
  if (chip < 0) return -errno;
  struct gpio_v2_line_request request = {
      .offsets = {setting->offset},
      .num_lines = 1,
      .config = {
          .flags = cgpio_output_flags(*setting),
          .num_attrs = 1,
          .attrs = {
              {.attr = {.id = GPIO_V2_LINE_ATTR_ID_OUTPUT_VALUES, .values = setting->level},
               .mask = 1}}}};
  strncpy(request.consumer, consumer, sizeof request.consumer - 1);
  int result = ioctl(chip, GPIO_V2_GET_LINE_IOCTL, &request) < 0 ? -errno : request.fd;
  close(chip);
  return result;
}

/// The level of a line that was requested so, 0 or 1.
static inline int cgpio_output_get(int line) {
  struct gpio_v2_line_values values = {.mask = 1};
  return ioctl(line, GPIO_V2_LINE_GET_VALUES_IOCTL, &values) < 0 ? -errno : (int)(values.bits & 1);
}

/// Drives a line that was requested so.
static inline int cgpio_output_set(int line, bool level) {
  struct gpio_v2_line_values values = {.bits = level, .mask = 1};
  return ioctl(line, GPIO_V2_LINE_SET_VALUES_IOCTL, &values) < 0 ? -errno : 0;
}

enum { CGPIO_HELD_MAX = 256 };

/// What a run leaves to the next about an output.
struct cgpio_held_output {
  char chip[CGPIO_NAME_BYTES], label[CGPIO_NAME_BYTES];
  uint64_t flags;     ///< GPIO_V2_LINE_FLAG_*, as requested
  int64_t revert_at;   ///< CLOCK_BOOTTIME at which it goes back to its start state; INT64_MAX for never
  int64_t lost_after;  ///< nanoseconds without a link after which it goes to `lost`
  uint32_t offset;
  uint8_t level;              ///< as driven last, 0 or 1: what reads back may be another's doing
  uint8_t start, lost, stop;  ///< levels: at start, without a link, for an orderly stop; 2 for as it is
  uint8_t used;
  uint8_t reserved[7];
};

/// What a run leaves to the next, in memory that outlives both. `form` tells what shape it has.
struct cgpio_held_outputs {
  uint64_t form;
  int64_t link_lost_since;  ///< CLOCK_BOOTTIME; INT64_MAX while there is a link
  struct cgpio_held_output outputs[CGPIO_HELD_MAX];
};

/// The outputs, as Swift can index them.
static inline struct cgpio_held_output *cgpio_held_entries(struct cgpio_held_outputs *held) {
  return held->outputs;
}

enum { CGPIO_HELD_BYTES = sizeof(struct cgpio_held_outputs) };
/// What `form` is; to change with the structure.
static const uint64_t CGPIO_HELD_FORM = 0x73616E6470697032;

static inline void cgpio_copy_name(char *target, const char *source) {
  size_t length = source ? strnlen(source, CGPIO_NAME_BYTES - 1) : 0;
  memset(target, 0, CGPIO_NAME_BYTES);
  if (length) memcpy(target, source, length);
}

static inline int cgpio_failure(void) { return errno ? -errno : -EIO; }

static inline struct gpiod_chip *cgpio_chip_open(const char *path) { return gpiod_chip_open(path); }

/// Closes the chip. With 1.6 this also releases its lines, so the chip outlives its requests.
static inline void cgpio_chip_close(struct gpiod_chip *chip) { gpiod_chip_close(chip); }

static inline int cgpio_set_nonblocking(int descriptor) {
  int flags = fcntl(descriptor, F_GETFL);
  if (flags < 0 || fcntl(descriptor, F_SETFL, flags | O_NONBLOCK) < 0) return cgpio_failure();
  return 0;
}

#if CGPIO_API == 1

/// Lines that were requested together.
typedef struct gpiod_line cgpio_request;
/// Room for edges on their way from the kernel.
typedef struct cgpio_buffer cgpio_buffer;

static inline int cgpio_chip_describe(struct gpiod_chip *chip, struct cgpio_chip_info *info) {
  cgpio_copy_name(info->name, gpiod_chip_name(chip));
  cgpio_copy_name(info->label, gpiod_chip_label(chip));
  info->lines = gpiod_chip_num_lines(chip);
  return 0;
}

static inline int cgpio_line_describe(
    struct gpiod_chip *chip, uint32_t offset, struct cgpio_line_info *info) {
  struct gpiod_line *line = gpiod_chip_get_line(chip, offset);
  if (!line || gpiod_line_update(line) < 0) return cgpio_failure();
  cgpio_copy_name(info->name, gpiod_line_name(line));
  cgpio_copy_name(info->consumer, gpiod_line_consumer(line));
  info->used = gpiod_line_is_used(line);
  info->output = gpiod_line_direction(line) == GPIOD_LINE_DIRECTION_OUTPUT;
  info->active_low = gpiod_line_active_state(line) == GPIOD_LINE_ACTIVE_STATE_LOW;
  return 0;
}

static inline int cgpio_flags(const struct cgpio_setting *setting) {
  static const int bias[] = {
      [CGPIO_BIAS_AS_IS] = 0,
      [CGPIO_BIAS_DISABLED] = GPIOD_LINE_REQUEST_FLAG_BIAS_DISABLE,
      [CGPIO_BIAS_PULL_UP] = GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_UP,
      [CGPIO_BIAS_PULL_DOWN] = GPIOD_LINE_REQUEST_FLAG_BIAS_PULL_DOWN};
  static const int drive[] = {
      [CGPIO_PUSH_PULL] = 0,
      [CGPIO_OPEN_DRAIN] = GPIOD_LINE_REQUEST_FLAG_OPEN_DRAIN,
      [CGPIO_OPEN_SOURCE] = GPIOD_LINE_REQUEST_FLAG_OPEN_SOURCE};
  return bias[setting->bias] | (setting->output ? drive[setting->drive] : 0)
         | (setting->active_low ? GPIOD_LINE_REQUEST_FLAG_ACTIVE_LOW : 0);
}

/// Requests `count` lines of one direction, non-blocking. `events` is how many edges the kernel
/// shall keep; 1.6 leaves that at 16 a line.
static inline cgpio_request *cgpio_request_lines(
    struct gpiod_chip *chip, const struct cgpio_setting *settings, uint32_t count, uint32_t events,
    const char *consumer) {
  (void)events;
  if (count != 1 || settings->debounce) {
    errno = EOPNOTSUPP;
    return NULL;
  }
  struct gpiod_line *line = gpiod_chip_get_line(chip, settings->offset);
  if (!line) return NULL;
  struct gpiod_line_request_config config = {
      .consumer = consumer,
      .request_type = settings->output ? GPIOD_LINE_REQUEST_DIRECTION_OUTPUT
                                       : GPIOD_LINE_REQUEST_EVENT_BOTH_EDGES,
      .flags = cgpio_flags(settings)};
  if (gpiod_line_request(line, &config, settings->level) < 0) return NULL;
  if (settings->output) return line;
  int result = cgpio_set_nonblocking(gpiod_line_event_get_fd(line));
  if (result == 0) return line;
  gpiod_line_release(line);
  errno = -result;
  return NULL;
}

static inline void cgpio_release(cgpio_request *request) { gpiod_line_release(request); }

/// The descriptor that is readable while edges wait; only of inputs.
static inline int cgpio_descriptor(cgpio_request *request) {
  return gpiod_line_event_get_fd(request);
}

static inline cgpio_buffer *cgpio_buffer_new(void) {
  return (cgpio_buffer *)calloc(CGPIO_EVENTS_MAX, sizeof(struct gpioevent_data));
}

static inline void cgpio_buffer_free(cgpio_buffer *buffer) { free(buffer); }

/// Takes up to CGPIO_EVENTS_MAX edges, oldest first; how many, or -EAGAIN when none waits.
///
/// Reads the kernel's own structure: libgpiod 1.6 would hand over a struct timespec, whose size in
/// the distribution's 32-bit library (32-bit time_t) is not that of this program.
static inline int cgpio_read(
    cgpio_request *request, cgpio_buffer *buffer, struct cgpio_event *events) {
  struct gpioevent_data *data = (struct gpioevent_data *)buffer;
  ssize_t size =
      read(gpiod_line_event_get_fd(request), data, CGPIO_EVENTS_MAX * sizeof *data);
  if (size < 0) return cgpio_failure();
  int count = (int)((size_t)size / sizeof *data);
  for (int index = 0; index < count; index++)
    events[index] = (struct cgpio_event){
        .timestamp = (int64_t)data[index].timestamp,
        .offset = gpiod_line_offset(request),
        .rising = data[index].id == GPIOEVENT_EVENT_RISING_EDGE};
  return count;
}

/// The line's level, 0 or 1.
static inline int cgpio_get(cgpio_request *request, uint32_t offset) {
  (void)offset;
  int level = gpiod_line_get_value(request);
  return level < 0 ? cgpio_failure() : level;
}

/// Drives an output.
static inline int cgpio_set(cgpio_request *request, uint32_t offset, bool level) {
  (void)offset;
  return gpiod_line_set_value(request, level) < 0 ? cgpio_failure() : 0;
}

#else

/// Lines that were requested together.
typedef struct gpiod_line_request cgpio_request;
/// Room for edges on their way from the kernel.
typedef struct gpiod_edge_event_buffer cgpio_buffer;

static inline int cgpio_chip_describe(struct gpiod_chip *chip, struct cgpio_chip_info *info) {
  struct gpiod_chip_info *found = gpiod_chip_get_info(chip);
  if (!found) return cgpio_failure();
  cgpio_copy_name(info->name, gpiod_chip_info_get_name(found));
  cgpio_copy_name(info->label, gpiod_chip_info_get_label(found));
  info->lines = (uint32_t)gpiod_chip_info_get_num_lines(found);
  gpiod_chip_info_free(found);
  return 0;
}

static inline int cgpio_line_describe(
    struct gpiod_chip *chip, uint32_t offset, struct cgpio_line_info *info) {
  struct gpiod_line_info *found = gpiod_chip_get_line_info(chip, offset);
  if (!found) return cgpio_failure();
  cgpio_copy_name(info->name, gpiod_line_info_get_name(found));
  cgpio_copy_name(info->consumer, gpiod_line_info_get_consumer(found));
  info->used = gpiod_line_info_is_used(found);
  info->output = gpiod_line_info_get_direction(found) == GPIOD_LINE_DIRECTION_OUTPUT;
  info->active_low = gpiod_line_info_is_active_low(found);
  gpiod_line_info_free(found);
  return 0;
}

static inline int cgpio_add_setting(
    struct gpiod_line_config *config, struct gpiod_line_settings *settings,
    const struct cgpio_setting *setting) {
  static const enum gpiod_line_bias bias[] = {
      [CGPIO_BIAS_AS_IS] = GPIOD_LINE_BIAS_AS_IS,
      [CGPIO_BIAS_DISABLED] = GPIOD_LINE_BIAS_DISABLED,
      [CGPIO_BIAS_PULL_UP] = GPIOD_LINE_BIAS_PULL_UP,
      [CGPIO_BIAS_PULL_DOWN] = GPIOD_LINE_BIAS_PULL_DOWN};
  static const enum gpiod_line_drive drive[] = {
      [CGPIO_PUSH_PULL] = GPIOD_LINE_DRIVE_PUSH_PULL,
      [CGPIO_OPEN_DRAIN] = GPIOD_LINE_DRIVE_OPEN_DRAIN,
      [CGPIO_OPEN_SOURCE] = GPIOD_LINE_DRIVE_OPEN_SOURCE};
  gpiod_line_settings_reset(settings);
  int result = gpiod_line_settings_set_bias(settings, bias[setting->bias]);
  gpiod_line_settings_set_active_low(settings, setting->active_low);
  if (setting->output) {
    result |= gpiod_line_settings_set_direction(settings, GPIOD_LINE_DIRECTION_OUTPUT);
    result |= gpiod_line_settings_set_drive(settings, drive[setting->drive]);
    result |= gpiod_line_settings_set_output_value(
        settings, setting->level ? GPIOD_LINE_VALUE_ACTIVE : GPIOD_LINE_VALUE_INACTIVE);
  } else {
    result |= gpiod_line_settings_set_direction(settings, GPIOD_LINE_DIRECTION_INPUT);
    result |= gpiod_line_settings_set_edge_detection(settings, GPIOD_LINE_EDGE_BOTH);
    result |= gpiod_line_settings_set_event_clock(settings, GPIOD_LINE_CLOCK_MONOTONIC);
    gpiod_line_settings_set_debounce_period_us(settings, setting->debounce);
  }
  unsigned int offset = setting->offset;
  return result ? -1 : gpiod_line_config_add_line_settings(config, &offset, 1, settings);
}

/// Requests `count` lines of one direction, non-blocking. `events` is how many edges the kernel
/// shall keep; it gives 1,024 at most.
static inline struct gpiod_line_request *cgpio_request_lines(
    struct gpiod_chip *chip, const struct cgpio_setting *settings, uint32_t count, uint32_t events,
    const char *consumer) {
  struct gpiod_line_request *request = NULL;
  struct gpiod_line_settings *one = gpiod_line_settings_new();
  struct gpiod_line_config *lines = gpiod_line_config_new();
  struct gpiod_request_config *config = gpiod_request_config_new();
  bool good = one && lines && config;
  for (uint32_t index = 0; good && index < count; index++)
    good = cgpio_add_setting(lines, one, &settings[index]) == 0;
  if (good) {
    gpiod_request_config_set_consumer(config, consumer);
    gpiod_request_config_set_event_buffer_size(config, events);
    request = gpiod_chip_request_lines(chip, config, lines);
  }
  int reason = errno;
  gpiod_line_settings_free(one);
  gpiod_line_config_free(lines);
  gpiod_request_config_free(config);
  int result = request ? cgpio_set_nonblocking(gpiod_line_request_get_fd(request)) : 0;
  if (result < 0) {
    gpiod_line_request_release(request);
    request = NULL;
    reason = -result;
  }
  errno = reason;
  return request;
}

static inline void cgpio_release(struct gpiod_line_request *request) {
  gpiod_line_request_release(request);
}

/// The descriptor that is readable while edges wait; only of inputs.
static inline int cgpio_descriptor(struct gpiod_line_request *request) {
  return gpiod_line_request_get_fd(request);
}

static inline struct gpiod_edge_event_buffer *cgpio_buffer_new(void) {
  return gpiod_edge_event_buffer_new(CGPIO_EVENTS_MAX);
}

static inline void cgpio_buffer_free(struct gpiod_edge_event_buffer *buffer) {
  gpiod_edge_event_buffer_free(buffer);
}

/// Takes up to CGPIO_EVENTS_MAX edges, oldest first; how many, or -EAGAIN when none waits.
static inline int cgpio_read(
    struct gpiod_line_request *request, struct gpiod_edge_event_buffer *buffer,
    struct cgpio_event *events) {
  int count = gpiod_line_request_read_edge_events(request, buffer, CGPIO_EVENTS_MAX);
  if (count < 0) return cgpio_failure();
  for (int index = 0; index < count; index++) {
    struct gpiod_edge_event *event =
        gpiod_edge_event_buffer_get_event(buffer, (unsigned long)index);
    events[index] = (struct cgpio_event){
        .timestamp = (int64_t)gpiod_edge_event_get_timestamp_ns(event),
        .offset = gpiod_edge_event_get_line_offset(event),
        .sequence = (uint32_t)gpiod_edge_event_get_line_seqno(event),
        .rising = gpiod_edge_event_get_event_type(event) == GPIOD_EDGE_EVENT_RISING_EDGE};
  }
  return count;
}

/// The line's level, 0 or 1.
static inline int cgpio_get(struct gpiod_line_request *request, uint32_t offset) {
  enum gpiod_line_value level = gpiod_line_request_get_value(request, offset);
  return level == GPIOD_LINE_VALUE_ERROR ? cgpio_failure() : level == GPIOD_LINE_VALUE_ACTIVE;
}

/// Drives an output.
static inline int cgpio_set(struct gpiod_line_request *request, uint32_t offset, bool level) {
  enum gpiod_line_value value = level ? GPIOD_LINE_VALUE_ACTIVE : GPIOD_LINE_VALUE_INACTIVE;
  return gpiod_line_request_set_value(request, offset, value) < 0 ? cgpio_failure() : 0;
}

#endif

#endif
