/* Prints the rows of the first drawings of seed 7 as bits, then what they took: net.h on a board or
 * on the host (HOST). */
#include <stdint.h>

#include "net.h"

#if defined(HOST)
#include <stdio.h>
static void print(const char* text) { fputs(text, stdout); }
#else
#include "board.h"
#define print board_print
#endif

#ifndef DRAWINGS
#define DRAWINGS 3
#endif
#ifndef TEMPERATURE
#define TEMPERATURE 0.4f
#endif

static net_stream stream;

static void print_hex(uint32_t x) {
  char text[10];
  int i;
  for (i = 0; i < 8; ++i) text[i] = "0123456789abcdef"[x >> (28 - 4 * i) & 15];
  text[8] = ' ';
  text[9] = 0;
  print(text);
}

int main(void) {
  float row[5];
  int n, k;
  for (n = 0; n < DRAWINGS; ++n) {
    net_start(&stream, 7, (uint64_t)n << 31);
    while (net_step(&stream, TEMPERATURE, row) == 1) {
      for (k = 0; k < 5; ++k) {
        uint32_t bits;
        memcpy(&bits, row + k, sizeof bits);
        print_hex(bits);
      }
      print("\n");
    }
  }
#if !defined(HOST)
  {
    /* A point in the middle of a drawing. QEMU's -icount shift=0 makes an instruction a nanosecond,
     * and SysTick counts one tick of 25 MHz in 40 of them. */
    uint32_t ticks, points = 0;
    net_start(&stream, 7, 1);
    (void)net_step(&stream, TEMPERATURE, row);
    board_clock_start();
    while (points < 8 && net_step(&stream, TEMPERATURE, row) == 1) ++points;
    ticks = board_clock();
    print("instructions stack stream\n");
    print_hex(points == 0 ? 0 : ticks * 40u / points);
    print_hex(board_stack_used());
    print_hex((uint32_t)sizeof stream);
    print("\n");
  }
#endif
  return 0;
}
