/* See board.c. */
#ifndef BOARD_H
#define BOARD_H
#include <stdint.h>

#define BOARD_PAINT 0x5AFEC0DEu

void board_print(const char* text);
void board_exit(int code);
uint32_t board_stack_used(void); /* bytes, at the deepest */
void board_clock_start(void);
uint32_t board_clock(void); /* ticks since then, at most 2^24 */

#endif
