/* Draws one sketch on a bare Cortex-M and prints it as SVG through semihosting:
 *
 *   sketchrnn embed NAME --standalone --symbol net -o net.h
 *   arm-none-eabi-gcc -std=c99 -O2 -mcpu=cortex-m4 -mfloat-abi=hard -mfpu=fpv4-sp-d16 -I. \
 *     draw.c board.c -T link.ld -nostartfiles --specs=nano.specs -o draw.elf
 *   qemu-system-arm -M mps2-an386 -nographic -semihosting -kernel draw.elf > drawing.svg
 */
#include "board.h"
#include "net.h"

static net_stream stream; /* not on the stack: a few KB */

/* A number with one digit behind the point, without printf. */
static void print_number(float x) {
  char text[16];
  int at = sizeof text - 1;
  int32_t tenths = (int32_t)(x * 10.0f + (x < 0 ? -0.5f : 0.5f));
  const int negative = tenths < 0;
  uint32_t left = negative ? 0u - (uint32_t)tenths : (uint32_t)tenths;
  text[at] = 0;
  text[--at] = (char)('0' + left % 10);
  text[--at] = '.';
  for (left /= 10; left > 9; left /= 10) text[--at] = (char)('0' + left % 10);
  text[--at] = (char)('0' + left);
  if (negative) text[--at] = '-';
  board_print(text + at);
}

static void to_path(void* user, float x, float y, int down) {
  (void)user;
  board_print(down ? "L" : "M");
  print_number(x);
  board_print(" ");
  print_number(y);
}

int main(void) {
  board_print(
      "<svg xmlns='http://www.w3.org/2000/svg' viewBox='-300 -300 600 600'>"
      "<path fill='none' stroke='black' stroke-width='3' d='M0 0");
  const int rows = net_draw(&stream, 1, 0, 0.3f, to_path, 0);
  board_print("'/></svg>\n");
  return rows < 0;
}
