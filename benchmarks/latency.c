/* Latency of one movement and of a whole sketch from C, by the C library, as one JSON object:
 *   latency net.safetensors precision
 * Microseconds: [median, 99th percentile, worst]. */
#define _POSIX_C_SOURCE 200112L
#include <sketchrnn/sketchrnn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static double now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return 1e6 * (double)t.tv_sec + 1e-3 * (double)t.tv_nsec;
}

static int ascending(const void* a, const void* b) {
  const double x = *(const double*)a, y = *(const double*)b;
  return (x > y) - (x < y);
}

static void report(const char* what, double* us, int n, const char* behind) {
  qsort(us, (size_t)n, sizeof *us, ascending);
  printf("\"%s\": [%.2f, %.2f, %.2f]%s", what, us[n / 2], us[n * 99 / 100], us[n - 1], behind);
}

int main(int argc, char** argv) {
  enum { kSteps = 5000, kSketches = 100 };
  static double steps[kSteps], sketches[kSketches];
  sketchrnn_error error;
  sketchrnn_net* net;
  sketchrnn_state* state;
  sketchrnn_row row;
  if (argc != 3) return 2;
  if (sketchrnn_net_open(argv[1], argv[2], &net, &error) != SKETCHRNN_OK ||
      sketchrnn_state_create(net, 1, 0, &state, &error) != SKETCHRNN_OK) {
    fprintf(stderr, "%s\n", error.message);
    return 1;
  }
  uint64_t drawing = 0;
  for (int i = -100; i < kSteps; ++i) { /* the first hundred warm caches */
    if (sketchrnn_state_finished(state)) sketchrnn_state_reset(state, 1, ++drawing);
    const double start = now();
    if (sketchrnn_state_step(state, 0.4, &row, &error) != SKETCHRNN_OK) return 1;
    if (i >= 0) steps[i] = now() - start;
  }
  for (int i = 0; i < kSketches; ++i) {
    sketchrnn_state_reset(state, 2, (uint64_t)i);
    const double start = now();
    for (int k = 0; k < 250 && !sketchrnn_state_finished(state); ++k)
      if (sketchrnn_state_step(state, 0.4, &row, &error) != SKETCHRNN_OK) return 1;
    sketches[i] = now() - start;
  }
  printf("{");
  report("point", steps, kSteps, ", ");
  report("sketch", sketches, kSketches, "}\n");
  sketchrnn_state_free(state);
  sketchrnn_net_close(net);
  return 0;
}
