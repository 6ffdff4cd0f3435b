/* A program with its net inside, which needs no file:
 *   sketchrnn embed pig -o net.h --symbol net
 * It prints the movements of one drawing, dx dy p1 p2 p3 a line. */
#include <sketchrnn/sketchrnn.h>
#include <stdio.h>

#include "net.h"

int main(void) {
  sketchrnn_error error;
  sketchrnn_net* open;
  sketchrnn_state* state;
  if (sketchrnn_net_open_memory(net, sizeof net, NULL, &open, &error) != SKETCHRNN_OK ||
      sketchrnn_state_create(open, 7, 0, &state, &error) != SKETCHRNN_OK) {
    fprintf(stderr, "%s\n", error.message);
    return 1;
  }
  sketchrnn_row row = {0, 0, 1, 0, 0};
  for (int i = 0; i < sketchrnn_net_max_len(open) && row.p3 == 0; ++i) {
    if (sketchrnn_state_step(state, 0.4, &row, &error) != SKETCHRNN_OK) {
      fprintf(stderr, "%s\n", error.message);
      return 1;
    }
    printf("%.9g %.9g %g %g %g\n", row.dx, row.dy, row.p1, row.p2, row.p3);
  }
  sketchrnn_state_free(state);
  sketchrnn_net_close(open);
  return 0;
}
