/* gpio-stim - drives a line of a gpio-sim chip with timed signals.
 *
 *   gpio-stim pulses LINE COUNT PERIOD_US [HIGH_US]   COUNT high pulses
 *   gpio-stim bounce LINE LEVEL COUNT US              COUNT bounces of US, then LEVEL
 *
 * A PERIOD_US of 0 plays as fast as the machine can. At the end, one line on standard error tells
 * how many edges were made, how fast, and how late the latest was. $GPIO_SIM_DIR names the chip's
 * sysfs folder (gpio-vm sets it).
 */
#define _GNU_SOURCE
#include <errno.h>
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

/* Sleep up to this long before a deadline, spin for the rest. */
#define SPIN_NS 150000

static int pull_fd;
static uint64_t first_edge, last_edge, latest;
static unsigned long edges;

static uint64_t now(void)
{
  struct timespec t;

  clock_gettime(CLOCK_MONOTONIC, &t);
  return (uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec;
}

static void wait_until(uint64_t when)
{
  uint64_t t = now();

  if (when > t + SPIN_NS) {
    uint64_t wake = when - SPIN_NS;
    struct timespec until = { (time_t)(wake / 1000000000), (long)(wake % 1000000000) };

    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) == EINTR)
      ;
  }
  while ((t = now()) < when)
    ;
  if (t - when > latest)
    latest = t - when;
}

static void open_line(const char *name)
{
  const char *folder = getenv("GPIO_SIM_DIR");
  char path[512];

  snprintf(path, sizeof(path), "%s/sim_gpio%s/pull", folder ? folder : "",
           name + (strncmp(name, "GPIO", 4) ? 0 : 4));
  pull_fd = open(path, O_WRONLY | O_CLOEXEC);
  if (pull_fd < 0) {
    fprintf(stderr, "gpio-stim: %s: %s\n", path, strerror(errno));
    exit(1);
  }
}

static void drive(int level)
{
  const char *pull = level ? "pull-up" : "pull-down";

  last_edge = now();
  if (!edges++)
    first_edge = last_edge;
  if (pwrite(pull_fd, pull, strlen(pull), 0) < 0) {
    fprintf(stderr, "gpio-stim: %s\n", strerror(errno));
    exit(1);
  }
}

static void pulses(long count, double period, double high)
{
  uint64_t start = now() + 1000000;

  for (long i = 0; i < count; i++) {
    if (period > 0)
      wait_until(start + (uint64_t)((double)i * period * 1e3));
    drive(1);
    if (period > 0)
      wait_until(start + (uint64_t)(((double)i * period + high) * 1e3));
    drive(0);
  }
}

static void bounce(int level, long count, double length)
{
  uint64_t start = now() + 1000000;

  for (long i = 0; i < 2 * count; i++) {
    wait_until(start + (uint64_t)((double)i * length * 1e3));
    drive(i % 2 ? !level : level);
  }
  wait_until(start + (uint64_t)(2 * (double)count * length * 1e3));
  drive(level);
}

int main(int argc, char **argv)
{
  const char *what = argc > 1 ? argv[1] : "";

  if (!strcmp(what, "pulses") && (argc == 5 || argc == 6)) {
    double period = atof(argv[4]);

    open_line(argv[2]);
    pulses(atol(argv[3]), period, argc == 6 ? atof(argv[5]) : period / 2);
  } else if (!strcmp(what, "bounce") && argc == 6) {
    open_line(argv[2]);
    bounce(atoi(argv[3]), atol(argv[4]), atof(argv[5]));
  } else {
    fputs("usage: gpio-stim pulses LINE COUNT PERIOD_US [HIGH_US]\n"
          "       gpio-stim bounce LINE LEVEL COUNT US\n", stderr);
    return 2;
  }
  double seconds = (double)(last_edge - first_edge) / 1e9;
  fprintf(stderr, "gpio-stim: %lu edges in %.6f s, %.0f edges/s, latest by %.1f us\n", edges,
          seconds, seconds > 0 ? (double)(edges - 1) / seconds : 0, (double)latest / 1e3);
  return 0;
}
