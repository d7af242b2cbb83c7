// Says what the client takes of memory, on the machine that this is compiled for.
#include <stdint.h>
#include <stdio.h>

int32_t client_table_bytes(void);
int32_t client_state_bytes(void);

int main(void) {
  printf("%d %d\n", (int)client_table_bytes(), (int)client_state_bytes());
  return 0;
}
