// What a microcontroller's program has below the client: a clock and a byte stream. Nobody implements
// it here: the benchmark looks at the client's code alone.
#ifndef BOARD_H
#define BOARD_H

#include <stdint.h>

// Milliseconds since the start.
int64_t board_now(void);
// Opens the stream; 0 when it is open.
int board_connect(void);
void board_close(void);
// How many bytes were taken, or brought; 0 for none now, less when the stream is gone.
int board_send(const uint8_t *bytes, int count);
int board_receive(uint8_t *bytes, int count);
// Sleeps until there is something to receive, or that moment has come.
void board_sleep(int64_t until);
int board_measure(void);
void board_switch(int on);
// The block that the client lives in.
void *board_memory(int count);

#endif
