/* All that a bare Cortex-M needs under a program: where it starts, what it starts with, and
 * semihosting (the debugger, or QEMU, prints and exits). One file for M3, M4, M7, M33, M55. */
#include "board.h"

#include <stdint.h>
#include <string.h>

extern uint32_t board_stack_top, board_stack_bottom;
extern uint32_t board_data_from, board_data_start, board_data_end, board_bss_start, board_bss_end;
extern int main(void);

static void trap(void) {
  board_print("trap\n");
  board_exit(2);
}

void board_reset(void);
void board_reset(void) {
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
  *(volatile uint32_t*)0xE000ED88u |= 0xFu
                                      << 20; /* CPACR: coprocessors 10 and 11, the FPU and MVE */
  __asm volatile("dsb\n isb");
#endif
  memcpy(&board_data_start, &board_data_from,
         (size_t)((char*)&board_data_end - (char*)&board_data_start));
  memset(&board_bss_start, 0, (size_t)((char*)&board_bss_end - (char*)&board_bss_start));
  /* What main() leaves of this is stack that it never reached. */
  for (volatile uint32_t* p = &board_stack_bottom; p < (uint32_t*)__builtin_frame_address(0) - 16;
       ++p)
    *p = BOARD_PAINT;
  board_exit(main());
}

__attribute__((section(".vectors"), used)) static const struct {
  void* stack;
  void (*handlers[6])(void); /* reset, NMI, faults */
} vectors = {&board_stack_top, {board_reset, trap, trap, trap, trap, trap}};

static int call(int operation, const void* argument) {
  register int r0 __asm("r0") = operation;
  register const void* r1 __asm("r1") = argument;
  __asm volatile("bkpt 0xAB" : "+r"(r0) : "r"(r1) : "memory");
  return r0;
}

void board_print(const char* text) { call(0x04, text); } /* SYS_WRITE0 */

void board_exit(int code) {
  const uint32_t reason[2] = {0x20026u, (uint32_t)code}; /* ADP_Stopped_ApplicationExit */
  call(0x20, reason);                                    /* SYS_EXIT_EXTENDED */
  for (;;) {
  }
}

uint32_t board_stack_used(void) {
  const uint32_t* p = &board_stack_bottom;
  while (p < &board_stack_top && *p == BOARD_PAINT) ++p;
  return (uint32_t)((const char*)&board_stack_top - (const char*)p);
}

/* SysTick counts down 24 bits, at 25 MHz on QEMU's MPS2 boards. */
void board_clock_start(void) {
  *(volatile uint32_t*)0xE000E014u = 0xFFFFFFu;
  *(volatile uint32_t*)0xE000E018u = 0;
  *(volatile uint32_t*)0xE000E010u = 5;
}

uint32_t board_clock(void) { return 0xFFFFFFu - *(volatile uint32_t*)0xE000E018u; }
