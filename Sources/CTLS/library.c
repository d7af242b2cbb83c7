// Finding OpenSSL.
#include "internal.h"

#include <dlfcn.h>
#include <pthread.h>
#include <stdio.h>

static pthread_once_t once = PTHREAD_ONCE_INIT;
static bool loaded;
static char problem[256];

#ifdef SANDPIPER_TLS_LINKED

static bool load_functions(void) { return true; }

#else

struct ctls_library ctls_library;

static void complain(const char *what) { snprintf(problem, sizeof problem, "%s", what ? what : "?"); }

// libcrypto comes with libssl, and dlsym looks there too. The library is never unloaded: it has
// threads' and the process's ends hooked.
static bool load_functions(void) {
  void *library = dlopen("libssl.so.3", RTLD_NOW | RTLD_LOCAL);
  if (!library) {
    complain(dlerror());
    return false;
  }
  // POSIX lets a pointer from dlsym become a function's; ISO C has no words for it.
#define CTLS_FIND(function) \
  *(void **)(&ctls_library.function) = dlsym(library, #function); \
  if (!ctls_library.function) { \
    complain(dlerror()); \
    return false; \
  }
  CTLS_FUNCTIONS(CTLS_FIND)
#undef CTLS_FIND
  return true;
}

#endif

static void load(void) { loaded = load_functions() && ctls_socket_method_make(); }

bool ctls_library_load(void) {
  pthread_once(&once, load);
  return loaded;
}

const char *ctls_library_problem(void) { return problem; }

const char *ctls_library_version(void) {
  return loaded ? LIB(OpenSSL_version)(OPENSSL_VERSION) : "";
}
