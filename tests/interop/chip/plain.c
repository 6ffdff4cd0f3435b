/* What one would write without us: the same net in float, a loop for each product, expf and tanhf of
 * the C library. For its instructions a point and its flash, beside the header's. */
#include <math.h>
#include <stdint.h>

#include "board.h"
#include "plain.h"

static float c[H], h[H], next[H], z[OUT];

/* The C library's rand() wants a heap. */
static float uniform(void) {
  static uint32_t x = 1;
  x = x * 1664525u + 1013904223u;
  return (float)(x >> 8) / 16777216.0f;
}

static float sigmoid(float x) { return 1.0f / (1.0f + expf(-x)); }

static int choose(const float* logits, int count, float temperature) {
  float total = 0.0f, cumulated = 0.0f, largest = logits[0];
  for (int m = 1; m < count; ++m) largest = fmaxf(largest, logits[m]);
  for (int m = 0; m < count; ++m) total += expf((logits[m] - largest) / temperature);
  const float threshold = uniform() * total;
  for (int m = 0; m < count; ++m)
    if ((cumulated += expf((logits[m] - largest) / temperature)) > threshold) return m;
  return count - 1;
}

static void point(float* x, float temperature) {
  for (int u = 0; u < H; ++u) {
    float a[4];
    for (int g = 0; g < 4; ++g) {
      float sum = b[g * H + u];
      for (int k = 0; k < 5; ++k) sum += x[k] * wx[k][g * H + u];
      for (int k = 0; k < H; ++k) sum += h[k] * wh[g * H + u][k];
      a[g] = sum;
    }
    c[u] = c[u] * sigmoid(a[2] + 1.0f) + sigmoid(a[0]) * tanhf(a[1]);
    next[u] = tanhf(c[u]) * sigmoid(a[3]);
  }
  for (int u = 0; u < H; ++u) h[u] = next[u];
  for (int o = 0; o < OUT; ++o) {
    z[o] = bo[o];
    for (int k = 0; k < H; ++k) z[o] += h[k] * wo[o][k];
  }
  const int pen = choose(z, 3, temperature), m = choose(z + 3, M, temperature);
  const float n1 = sqrtf(-2.0f * logf(1.0f - uniform()));
  const float turn = 6.2831853f * uniform();
  const float rho = tanhf(z[3 + 5 * M + m]), spread = sqrtf(temperature);
  x[0] = z[3 + M + m] + expf(z[3 + 3 * M + m]) * spread * n1 * cosf(turn);
  x[1] = z[3 + 2 * M + m] + expf(z[3 + 4 * M + m]) * spread *
                                (rho * n1 * cosf(turn) + sqrtf(1.0f - rho * rho) * n1 * sinf(turn));
  for (int p = 0; p < 3; ++p) x[2 + p] = p == pen ? 1.0f : 0.0f;
}

int main(void) {
  static const char digits[] = "0123456789";
  char text[12] = "          \n";
  float x[5] = {0.0f, 0.0f, 0.0f, 0.0f, 0.0f};
  uint32_t count;
  point(x, 0.4f);
  board_clock_start();
  for (int n = 0; n < 4; ++n) point(x, 0.4f);
  count = board_clock() * 40u / 4u; /* rows.c says why 40 */
  for (int at = 9; at >= 0; --at, count /= 10) text[at] = digits[count % 10];
  board_print(text);
  return 0;
}
