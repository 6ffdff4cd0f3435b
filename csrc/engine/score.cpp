#include "engine/score.h"

#include <algorithm>
#include <cmath>

#include "engine/workers.h"

namespace sketchrnn {
namespace {

double log_sum_exp(const double* x, int n) {
  const double largest = *std::max_element(x, x + n);
  double sum = 0.0;
  for (int i = 0; i < n; ++i) sum += std::exp(x[i] - largest);
  return largest + std::log(sum);
}

}  // namespace

double log_density(const float* z, int mixtures, double dx, double dy) {
  constexpr double log_two_pi = 1.8378770664093453;
  constexpr double log_four = 1.3862943611198906;
  const float* const pi = z + kPenStates;
  const float* const mu_x = pi + mixtures;
  const float* const mu_y = mu_x + mixtures;
  const float* const log_sigma_x = mu_y + mixtures;
  const float* const log_sigma_y = log_sigma_x + mixtures;
  const float* const atanh_rho = log_sigma_y + mixtures;
  // Two running log-sum-exps (Σ π and Σ π·N), rescaled when a larger term comes, so that neither
  // a table nor a limit on M is needed.
  double pi_max = -INFINITY;
  double pi_sum = 0.0;
  double joint_max = -INFINITY;
  double joint_sum = 0.0;
  const auto add = [](double term, double& largest, double& sum) {
    if (term == -INFINITY) return;  // a density of 0, whose difference to itself is not a number
    if (term > largest) {
      sum = sum * std::exp(largest - term) + 1.0;
      largest = term;
    } else {
      sum += std::exp(term - largest);
    }
  };
  for (int m = 0; m < mixtures; ++m) {
    const double a = atanh_rho[m];
    const double twice = 2.0 * std::fabs(a);
    // log(1 − tanh²a), and q / (1 − ρ²) as (zx − ρ·zy)² / (1 − ρ²) + zy²: nothing cancels when
    // |ρ| is near 1.
    const double log_rest = log_four - twice - 2.0 * std::log1p(std::exp(-twice));
    const double zx = (dx - mu_x[m]) * std::exp(-static_cast<double>(log_sigma_x[m]));
    const double zy = (dy - mu_y[m]) * std::exp(-static_cast<double>(log_sigma_y[m]));
    const double difference = zx - std::tanh(a) * zy;
    const double log_normal = -log_two_pi - log_sigma_x[m] - log_sigma_y[m] - 0.5 * log_rest -
                              0.5 * (difference * difference * std::exp(-log_rest) + zy * zy);
    add(pi[m], pi_max, pi_sum);
    add(pi[m] + log_normal, joint_max, joint_sum);
  }
  return joint_max + std::log(joint_sum) - pi_max - std::log(pi_sum);
}

double log_pen(const float* z, Pen pen) {
  const double logits[kPenStates] = {z[0], z[1], z[2]};
  return logits[static_cast<int>(pen)] - log_sum_exp(logits, kPenStates);
}

void score(const Device& device, const Conditions& conditions, const Drawings& drawings,
           int threads, double* offset_nll, double* pen_nll, const Progress& progress) {
  conditions.check_count(drawings.count);
  const Net& net = *device.net();
  const double scale = net.scale_factor();
  const auto visit = [&](std::int64_t index, const float* z) {
    const Row& row = drawings.rows[index];
    offset_nll[index] =
        row.pen == Pen::end ? 0.0 : -log_density(z, net.mixtures(), row.dx / scale, row.dy / scale);
    pen_nll[index] = -log_pen(z, row.pen);
  };
  device.follow(conditions, drawings, threads == 0 ? processors() : threads, visit, progress);
}

}  // namespace sketchrnn
