// The command line: Embedded Swift has no CommandLine. glibc hands main's arguments to
// constructors too, in dynamic and in static programs.
#include "clinux.h"

#include <getopt.h>

static int argument_count;
static char **argument_vector;

__attribute__((constructor)) static void keep(int count, char **vector) {
  argument_count = count;
  argument_vector = vector;
}

int clinux_argument_count(void) { return argument_count; }

const char *clinux_argument(int index) {
  return index >= 0 && index < argument_count ? argument_vector[index] : NULL;
}

char **clinux_arguments(void) { return argument_vector; }

// getopt_long keeps its place in globals, so its table may be one too. The last entry stays empty.
static struct option options[24];
static size_t option_count;

void clinux_options_start(int index) {
  memset(options, 0, sizeof options);
  option_count = 0;
  optind = index;
}

bool clinux_option_add(const char *name, bool takes_value, int code) {
  if (option_count + 1 == sizeof options / sizeof *options) return false;
  options[option_count++] = (struct option){
      .name = name, .has_arg = takes_value ? required_argument : no_argument, .val = code};
  return true;
}

int clinux_option_next(const char *letters) {
  return getopt_long(argument_count, argument_vector, letters, options, NULL);
}

const char *clinux_option_value(void) { return optarg; }

int clinux_option_index(void) { return optind; }
