/* Prints the bits of drawings, completions and predictions, to be compared between processors,
 * between instruction sets, and with Python (bits.py).
 *   bits net.safetensors precision [object] */
#include <sketchrnn/sketchrnn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static sketchrnn_error error;

static void check(sketchrnn_status status) {
  if (status == SKETCHRNN_OK) return;
  fprintf(stderr, "%s: %s\n", sketchrnn_status_name(status), error.message);
  exit(1);
}

static void print(const char* what, const float* x, size_t n) {
  for (size_t i = 0; i < n; ++i) {
    uint32_t bits;
    memcpy(&bits, x + i, sizeof bits);
    printf("%s %lu %08lx\n", what, (unsigned long)i, (unsigned long)bits);
  }
}

int main(int argc, char** argv) {
  if (argc != 3 && argc != 4) return 2;
  sketchrnn_net* net;
  sketchrnn_state* state;
  sketchrnn_drawings *drawn, *completed;
  sketchrnn_draw_options options = SKETCHRNN_DRAW_OPTIONS_INIT;
  options.count = 5;
  options.seed = 123456789012345;
  options.max_len = 80;
  options.temperature = 0.6;
  check(sketchrnn_net_open(argv[1], argv[2], &net, &error));
  if (argc == 4) {
    sketchrnn_net* const whole = net;
    check(sketchrnn_net_of(whole, argv[3], &net, &error));
    sketchrnn_net_close(whole);
  }
  check(sketchrnn_net_draw(net, &options, &drawn, &error));
  size_t n;
  const sketchrnn_row* rows = sketchrnn_drawings_get(drawn, 0, &n);
  const size_t part = n / 2;
  check(sketchrnn_net_complete(net, rows, part, &options, &completed, &error));
  for (size_t i = 0; i < 5; ++i) {
    rows = sketchrnn_drawings_get(drawn, i, &n);
    print("draw", &rows->dx, 5 * n);
    rows = sketchrnn_drawings_get(completed, i, &n);
    print("complete", &rows->dx, 5 * n);
  }
  const size_t outputs = (size_t)sketchrnn_net_outputs(net);
  const size_t hidden = (size_t)sketchrnn_net_hidden_size(net);
  float* z = malloc((outputs + 2 * hidden) * sizeof *z);
  if (z == NULL) return 1;
  rows = sketchrnn_drawings_get(drawn, 0, &n);
  check(sketchrnn_state_create(net, 1, 0, &state, &error));
  for (size_t i = 0; i < part; ++i) {
    check(sketchrnn_state_feed(state, rows + i, 1, &error));
    check(sketchrnn_state_predict_raw(state, z, outputs, &error));
    print("predict", z, outputs);
  }
  check(sketchrnn_state_hidden(state, z, z + hidden, hidden, &error));
  print("hidden", z, 2 * hidden);
  free(z);
  const size_t latent = sketchrnn_net_latent_size(net);
  if (latent > 0) {
    size_t lengths[5];
    float* const mu = malloc(11 * latent * sizeof *mu);
    float* const sigma = mu + 5 * latent;
    if (mu == NULL) return 1;
    for (size_t i = 0; i < 5; ++i) sketchrnn_drawings_get(drawn, i, &lengths[i]);
    rows = sketchrnn_drawings_get(drawn, 0, &n);
    check(sketchrnn_net_encode(net, rows, lengths, 5, 2, mu, sigma, 5 * latent, &error));
    print("mu", mu, 5 * latent);
    print("sigma", sigma, 5 * latent);
    check(sketchrnn_net_latent(net, 9, 4, mu + 10 * latent, latent, &error));
    print("latent", mu + 10 * latent, latent);
    sketchrnn_drawings* again;
    options.z = mu;
    options.z_count = 5 * latent;
    check(sketchrnn_net_draw(net, &options, &again, &error));
    for (size_t i = 0; i < 5; ++i) {
      rows = sketchrnn_drawings_get(again, i, &n);
      print("again", &rows->dx, 5 * n);
    }
    sketchrnn_drawings_free(again);
    sketchrnn_state* given;
    sketchrnn_row row;
    check(sketchrnn_state_create_latent(net, mu, latent, 3, 2, &given, &error));
    check(sketchrnn_state_step(given, 0.6, &row, &error));
    print("step", &row.dx, 5);
    sketchrnn_state_reset(given, 4, 1);
    check(sketchrnn_state_step(given, 0.6, &row, &error));
    print("step", &row.dx, 5);
    sketchrnn_state_reset(state, 4, 1);
    check(sketchrnn_state_step(state, 0.6, &row, &error));
    print("step", &row.dx, 5);
    sketchrnn_state_free(given);
    free(mu);
  }
  sketchrnn_state_free(state);
  sketchrnn_drawings_free(drawn);
  sketchrnn_drawings_free(completed);
  sketchrnn_net_close(net);
  return 0;
}
