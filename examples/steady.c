/* Steps one stream at a fixed rate, as a plotter or a game would, and reports how long the steps
 * took and how late they were:  steady net.safetensors [steps per second] [steps] [precision]
 *
 * Latency is from the moment a step was due to the moment its movement was there, so it holds both
 * the system's delay in waking the program and the step itself. */
#define _POSIX_C_SOURCE 200112L
#include <sketchrnn/sketchrnn.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

static int64_t now(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (int64_t)t.tv_sec * 1000000000 + t.tv_nsec;
}

static int ascending(const void* a, const void* b) {
  const int64_t x = *(const int64_t*)a, y = *(const int64_t*)b;
  return (x > y) - (x < y);
}

static void report(const char* what, int64_t* ns, long n) {
  qsort(ns, (size_t)n, sizeof *ns, ascending);
  printf("%-8s median %8.1f us   99 %% %8.1f us   worst %8.1f us\n", what, ns[n / 2] / 1e3,
         ns[n * 99 / 100] / 1e3, ns[n - 1] / 1e3);
}

int main(int argc, char** argv) {
  if (argc < 2) {
    fprintf(stderr, "usage: %s net.safetensors [steps per second] [steps] [precision]\n", argv[0]);
    return 2;
  }
  const long rate = argc > 2 ? atol(argv[2]) : 60, steps = argc > 3 ? atol(argv[3]) : 300;
  if (rate < 1 || rate > 1000000 || steps < 1 || steps > 100000000) {
    fprintf(stderr, "expected a rate from 1 to 1000000 and 1 to 100000000 steps\n");
    return 2;
  }
  sketchrnn_error error;
  sketchrnn_net* net;
  sketchrnn_state* state;
  sketchrnn_row row;
  if (sketchrnn_net_open(argv[1], argc > 4 ? argv[4] : NULL, &net, &error) != SKETCHRNN_OK ||
      sketchrnn_state_create(net, 1, 0, &state, &error) != SKETCHRNN_OK) {
    fprintf(stderr, "%s\n", error.message);
    return 1;
  }
  int64_t* const latency = calloc((size_t)steps, sizeof *latency);
  int64_t* const taken = calloc((size_t)steps, sizeof *taken);
  if (latency == NULL || taken == NULL) return 1;

  uint64_t drawing = 0;
  const int64_t start = now() + 1000000;
  for (long i = 0; i < steps; ++i) {
    const int64_t due = start + i * (1000000000 / rate);
    const struct timespec until = {(time_t)(due / 1000000000), (long)(due % 1000000000)};
    while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &until, NULL) != 0) continue;
    const int64_t before = now();
    if (sketchrnn_state_finished(state)) sketchrnn_state_reset(state, 1, ++drawing);
    if (sketchrnn_state_step(state, 0.4, &row, &error) != SKETCHRNN_OK) {
      fprintf(stderr, "%s\n", error.message);
      return 1;
    }
    const int64_t after = now();
    latency[i] = after - due;
    taken[i] = after - before;
  }
  printf("%s, %d units, %s on %s, %zu bytes of weights: %ld steps at %ld Hz, %llu drawings\n",
         sketchrnn_net_name(net), sketchrnn_net_hidden_size(net), sketchrnn_net_precision(net),
         sketchrnn_net_isa(net), sketchrnn_net_packed_bytes(net), steps, rate,
         (unsigned long long)drawing);
  report("step", taken, steps);
  report("latency", latency, steps);
  free(latency);
  free(taken);
  sketchrnn_state_free(state);
  sketchrnn_net_close(net);
  return 0;
}
