// RTNeural (github.com/jatinchowdhury18/RTNeural) running a net, for peers.py: one stream, float32, its
// Eigen layers with sizes known at compile time (HIDDEN, OUTPUTS), which are the fastest it has.
//
// Sampling is ours, in plain C++: a row by inverse CDF and the standard library's normals. TAU is the
// temperature.
#include <RTNeural/RTNeural.h>

#include <algorithm>
#include <chrono>
#include <cmath>
#include <memory>
#include <random>
#include <vector>

namespace {

constexpr int kInputs = 5;
constexpr int kMixtures = (OUTPUTS - 3) / 6;
using Net = RTNeural::ModelT<float, kInputs, OUTPUTS, RTNeural::LSTMLayerT<float, kInputs, HIDDEN>,
                             RTNeural::DenseT<float, HIDDEN, OUTPUTS>>;

std::unique_ptr<Net> net;
std::mt19937 bits(1);

// The model takes its input from an aligned address.
struct alignas(RTNEURAL_DEFAULT_ALIGNMENT) Input {
  float row[8] = {};
};

std::vector<std::vector<float>> rows_of(const float* data, int rows, int columns) {
  std::vector<std::vector<float>> out;
  for (int r = 0; r < rows; ++r) out.emplace_back(data + r * columns, data + (r + 1) * columns);
  return out;
}

int pick(const float* logits, int n) {
  const float top = *std::max_element(logits, logits + n);
  float cumulated[OUTPUTS];
  float sum = 0.0f;
  for (int i = 0; i < n; ++i)
    cumulated[i] = sum += std::exp((logits[i] - top) / static_cast<float>(TAU));
  const float u = std::uniform_real_distribution<float>()(bits) * sum;
  return static_cast<int>(
      std::min<std::ptrdiff_t>(std::lower_bound(cumulated, cumulated + n, u) - cumulated, n - 1));
}

// A row in the net's units.
void sample(const float* z, float* row) {
  static std::normal_distribution<float> normal;
  const int pen = pick(z, 3);
  const float* const at = z + 3 + kMixtures + pick(z + 3, kMixtures);
  const auto parameter = [&](int which) { return at[which * kMixtures]; };
  const float spread = std::sqrt(static_cast<float>(TAU));
  const float n1 = normal(bits), n2 = normal(bits);
  const float rho = std::tanh(parameter(4));
  row[0] = parameter(0) + spread * std::exp(parameter(2)) * n1;
  row[1] = parameter(1) +
           spread * std::exp(parameter(3)) * (rho * n1 + std::sqrt(1.0f - rho * rho) * n2);
  for (int i = 0; i < 3; ++i) row[2 + i] = i == pen ? 1.0f : 0.0f;
}

}  // namespace

// Weights in Keras' order of gates: i, f, j, o; wo as (OUTPUTS, HIDDEN).
extern "C" void net_open(const float* wx, const float* wh, const float* b, const float* wo,
                         const float* bo) {
  net = std::make_unique<Net>();
  auto& lstm = net->get<0>();
  lstm.setWVals(rows_of(wx, kInputs, 4 * HIDDEN));
  lstm.setUVals(rows_of(wh, HIDDEN, 4 * HIDDEN));
  lstm.setBVals({b, b + 4 * HIDDEN});
  net->get<1>().setWeights(rows_of(wo, OUTPUTS, HIDDEN));
  net->get<1>().setBias(bo);
  net->reset();
}

extern "C" void net_reset() { net->reset(); }

extern "C" void net_step(const float* x, float* z) {
  Input input;
  std::copy_n(x, kInputs, input.row);
  net->forward(input.row);
  std::copy_n(net->getOutputs(), OUTPUTS, z);
}

// Draws for so long; returns points per second. Up to `room` lengths of finished drawings, and how many.
extern "C" double net_draw(double seconds, int max_len, int* lengths, int room, int* finished) {
  using Clock = std::chrono::steady_clock;
  const auto start = Clock::now();
  double elapsed = 0.0;
  long points = 0;
  *finished = 0;
  while (elapsed < seconds) {
    Input input;
    float* const row = input.row;
    net->reset();
    int length = 0;
    do {
      net->forward(row);
      sample(net->getOutputs(), row);
    } while (++length < max_len && row[4] != 1.0f);
    points += length;
    if (*finished < room) lengths[(*finished)++] = length;
    elapsed = std::chrono::duration<double>(Clock::now() - start).count();
  }
  return static_cast<double>(points) / elapsed;
}
