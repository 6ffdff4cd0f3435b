#include "model/quantise.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "error.h"
#include "kernels/kernels.h"

namespace sketchrnn {
namespace {

using Matrix = std::vector<double>;  // row by row

Matrix read_recurrent(const Weights& weights) {
  std::vector<float> stored(weights.wh.count);
  weights.wh.read_unscaled(0, stored.size(), stored.data());
  const std::vector<double> scales = weights.recurrent_scales();
  Matrix wide(stored.begin(), stored.end());
  for (std::size_t i = 0; i < wide.size(); ++i) wide[i] *= scales[i % scales.size()];
  return wide;
}

// Mean of x·xᵀ over the states, in units of each hidden unit's step, plus 1% of its mean diagonal:
// directions that the drawings never took must not be free to absorb errors.
Matrix second_moments(const std::vector<float>& states, const std::vector<float>& h_scale,
                      Pulse& pulse) {
  const std::size_t hidden = h_scale.size();
  const std::size_t count = states.size() / hidden;
  Matrix moments(hidden * hidden, 0.0);
  constexpr std::size_t batch = 8;
  std::vector<double> x(batch * hidden);
  for (std::size_t first = 0; first < count; first += batch) {
    const std::size_t n = std::min(batch, count - first);
    std::fill(x.begin(), x.end(), 0.0);
    for (std::size_t i = 0; i < n; ++i)
      for (std::size_t k = 0; k < hidden; ++k)
        x[i * hidden + k] = static_cast<double>(states[(first + i) * hidden + k]) * h_scale[k];
    for (std::size_t a = 0; a < hidden; ++a) {
      if (a % 64 == 0) pulse.check();
      double* const row = moments.data() + a * hidden;
      for (std::size_t b = 0; b <= a; ++b) {
        double sum = 0.0;
        for (std::size_t i = 0; i < batch; ++i) sum += x[i * hidden + a] * x[i * hidden + b];
        row[b] += sum;
      }
    }
  }
  double diagonal = 0.0;
  for (std::size_t a = 0; a < hidden; ++a) diagonal += moments[a * hidden + a];
  const double damping = 0.01 * diagonal / static_cast<double>(hidden) + 1e-9;
  for (std::size_t a = 0; a < hidden; ++a) {
    moments[a * hidden + a] += damping;
    for (std::size_t b = 0; b < a; ++b) moments[b * hidden + a] = moments[a * hidden + b];
  }
  return moments;
}

// U, upper triangular, with (order-permuted moments)^-1 = Uᵀ·U: from moments = V·Vᵀ with V upper
// triangular, U = V^-1. Row i of U tells how inputs after i make up for an error in input i.
Matrix compensation(const Matrix& moments, const std::vector<std::size_t>& order, Pulse& pulse) {
  const std::size_t n = order.size();
  Matrix v(n * n);
  for (std::size_t i = 0; i < n; ++i)
    for (std::size_t j = 0; j < n; ++j) v[i * n + j] = moments[order[i] * n + order[j]];
  for (std::size_t j = n; j-- > 0;) {
    for (std::size_t i = j + 1; i-- > 0;) {
      if (i % 64 == 0) pulse.check();
      double sum = v[i * n + j];
      for (std::size_t k = j + 1; k < n; ++k) sum -= v[i * n + k] * v[j * n + k];
      v[i * n + j] = i == j ? std::sqrt(sum) : sum / v[j * n + j];
    }
  }
  // Rows of the inverse from the last up: U[i] = (e_i − Σ_{k>i} V[i][k]·U[k]) / V[i][i].
  Matrix u(n * n, 0.0);
  for (std::size_t i = n; i-- > 0;) {
    double* const row = u.data() + i * n;
    row[i] = 1.0;
    for (std::size_t k = i + 1; k < n; ++k) {
      if (k % 64 == 0) pulse.check();
      const double factor = v[i * n + k];
      for (std::size_t j = k; j < n; ++j) row[j] -= factor * u[k * n + j];
    }
    for (std::size_t j = i; j < n; ++j) row[j] /= v[i * n + i];
  }
  return u;
}

}  // namespace

QuantisedRecurrent quantise_i16(const Weights& weights, const Progress& progress) {
  Pulse pulse(progress);
  const auto hidden = static_cast<std::size_t>(weights.hidden);
  const std::size_t gates = 4 * hidden;
  constexpr std::size_t block = 2 * kBlock;  // k in a block of words
  constexpr double most = 2147483647.0;      // a block's sum must stay in int32
  constexpr double h_enough = 16383.0;       // bits of h that other nets' weights leave room for
  const Matrix w = read_recurrent(weights);
  QuantisedRecurrent out;
  out.q.resize(hidden * gates);
  out.column_scale.assign(gates, weights.wh.scale);
  double largest = 1.0;  // Σ |q| over a block of a column
  for (std::size_t u = 0; u < gates; ++u) {
    if (u % 16 == 0) pulse.check();
    double widest = 0.0;
    double heaviest = 0.0;
    for (std::size_t first = 0; first < hidden; first += block) {
      double sum = 0.0;
      for (std::size_t k = first; k < std::min(hidden, first + block); ++k) {
        widest = std::max(widest, std::fabs(w[k * gates + u]));
        sum += std::fabs(w[k * gates + u]);
      }
      heaviest = std::max(heaviest, sum);
    }
    if (weights.wh.dtype != DType::i16) {
      const double room = most / h_enough - block;  // rounding may add half a unit a weight
      const double scale = std::max(widest / 32767.0, heaviest / room);
      out.column_scale[u] = scale > 0.0 ? scale : 1.0;
    }
    for (std::size_t k = 0; k < hidden; ++k)
      out.q[k * gates + u] =
          static_cast<std::int16_t>(std::nearbyint(w[k * gates + u] / out.column_scale[u]));
    for (std::size_t first = 0; first < hidden; first += block) {
      double sum = 0.0;
      for (std::size_t k = first; k < std::min(hidden, first + block); ++k)
        sum += std::abs(static_cast<int>(out.q[k * gates + u]));
      largest = std::max(largest, sum);
    }
  }
  out.h_limit = static_cast<float>(std::min(32767.0, std::floor(most / largest)));
  out.h_scale.assign(hidden, out.h_limit);  // |h| < 1
  for (double& scale : out.column_scale) scale /= out.h_limit;
  return out;
}

QuantisedRecurrent quantise_i8(const Weights& weights, const std::vector<float>& states,
                               const Progress& progress) {
  Pulse pulse(progress);
  const auto hidden = static_cast<std::size_t>(weights.hidden);
  const std::size_t gates = 4 * hidden;
  QuantisedRecurrent out;
  out.h_limit = 127.0f;
  out.h_scale.resize(hidden);
  for (std::size_t k = 0; k < hidden; ++k) {
    float largest = 1e-3f;  // a unit that never moves needs no finer step
    for (std::size_t i = k; i < states.size(); i += hidden)
      largest = std::max(largest, std::fabs(states[i]));
    // 2% of room for what the drawings did not reach; |h| < 1 always.
    out.h_scale[k] = 127.0f / std::min(1.0f, largest * 1.02f);
  }
  const Matrix moments = second_moments(states, out.h_scale, pulse);
  // Inputs with the largest moments first: what they lose can still be made up for by all others.
  std::vector<std::size_t> order(hidden);
  std::iota(order.begin(), order.end(), std::size_t{0});
  std::stable_sort(order.begin(), order.end(), [&](std::size_t a, std::size_t b) {
    return moments[a * hidden + a] > moments[b * hidden + b];
  });
  const Matrix u = compensation(moments, order, pulse);

  const Matrix w = read_recurrent(weights);
  Matrix folded(hidden * gates);  // rows in `order`, in units of h's integers
  out.column_scale.assign(gates, 0.0);
  for (std::size_t i = 0; i < hidden; ++i) {
    for (std::size_t g = 0; g < gates; ++g) {
      const double x = w[order[i] * gates + g] / out.h_scale[order[i]];
      folded[i * gates + g] = x;
      out.column_scale[g] = std::max(out.column_scale[g], std::fabs(x) / kI8Weights);
    }
  }
  for (std::size_t g = 0; g < gates; ++g) {
    double& scale = out.column_scale[g];
    scale = static_cast<double>(static_cast<float>(scale));
    // Weights so small that float32 has no step for them change no gate: they become zeros.
    if (scale == 0.0) scale = 1.0;
    if (scale <= kMaxScale) continue;
    double largest = 0.0;
    for (std::size_t k = 0; k < hidden; ++k)
      largest = std::max(largest, std::fabs(w[k * gates + g]));
    throw WeightsError(weights.what + ": array \"wh\": column " + std::to_string(g) +
                       " has weights up to " + std::to_string(largest) +
                       ", too large for precision i8");
  }

  out.q.resize(hidden * gates);
  // Errors reach the rows of their own block at once and the others when the block is done, so that
  // each row is fetched once a block.
  constexpr std::size_t block = 32;
  Matrix errors(block * gates);
  for (std::size_t first = 0; first < hidden; first += block) {
    const std::size_t last = std::min(hidden, first + block);
    const auto subtract = [&](std::size_t i, std::size_t j) {
      const double factor = u[i * hidden + j];
      const double* const error = errors.data() + (i - first) * gates;
      double* const row = folded.data() + j * gates;
      for (std::size_t g = 0; g < gates; ++g) row[g] -= factor * error[g];
    };
    for (std::size_t i = first; i < last; ++i) {
      const double* const row = folded.data() + i * gates;
      double* const error = errors.data() + (i - first) * gates;
      std::int16_t* const q = out.q.data() + order[i] * gates;
      for (std::size_t g = 0; g < gates; ++g) {
        const double most = kI8Weights;
        const double rounded =
            std::clamp(std::nearbyint(row[g] / out.column_scale[g]), -most, most);
        q[g] = static_cast<std::int16_t>(rounded);
        error[g] = (row[g] - rounded * out.column_scale[g]) / u[i * hidden + i];
      }
      pulse.check();
      for (std::size_t j = i + 1; j < last; ++j) subtract(i, j);
    }
    for (std::size_t j = last; j < hidden; ++j) {
      pulse.check();
      for (std::size_t i = first; i < last; ++i) subtract(i, j);
    }
  }
  return out;
}

QuantisedRecurrent stored_i8(const Weights& weights) {
  const auto hidden = static_cast<std::size_t>(weights.hidden);
  QuantisedRecurrent out;
  out.h_limit = 127.0f;
  std::vector<float> values(weights.wh.count);
  weights.wh.read_unscaled(0, weights.wh.count, values.data());
  out.q.assign(values.begin(), values.end());
  values.resize(4 * hidden);
  weights.column_scale.read(0, 4 * hidden, values.data());
  out.column_scale.assign(values.begin(), values.end());
  out.h_scale.resize(hidden);
  weights.h_scale.read(0, hidden, out.h_scale.data());
  const std::size_t gates = 4 * hidden;
  std::vector<std::int16_t> largest(gates, 0);
  for (std::size_t i = 0; i < out.q.size(); ++i) {
    std::int16_t& most = largest[i % gates];
    most = std::max<std::int16_t>(most, std::abs(out.q[i]));
  }
  for (std::size_t g = 0; g < gates; ++g) {
    if (largest[g] <= kI8Weights) continue;
    // 127 becomes 63 too: 63.5 would be rounded to 64.
    for (std::size_t k = 0; k < hidden; ++k)
      out.q[k * gates + g] = std::clamp<std::int16_t>(
          static_cast<std::int16_t>(std::nearbyint(out.q[k * gates + g] / 2.0)), -kI8Weights,
          kI8Weights);
    out.column_scale[g] *= 2.0;
  }
  return out;
}

}  // namespace sketchrnn
