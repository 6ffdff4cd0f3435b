#include "score.h"

#include <algorithm>
#include <cmath>

#include "lanes.h"
#include "workers.h"

namespace sketchrnn {
namespace {

// One thread's lanes over given drawings; visit(row index, head outputs in the contract's order).
template <class Visit>
void teacher_force(const Net& net, const Drawings& drawings, std::size_t capacity, WorkQueue& queue,
                   Visit visit) {
  struct Place {
    std::int64_t row, last;
  };
  Lanes lanes(net, capacity);
  std::vector<Place> places(capacity);
  const auto outputs = static_cast<std::size_t>(net.outputs());
  AlignedFloats raw(outputs * lanes.column());
  std::vector<float> z(outputs);
  for (;;) {
    std::size_t drawing = 0;
    while (lanes.active() < capacity && queue.take(drawing)) {
      if (drawings.offsets[drawing] == drawings.offsets[drawing + 1]) continue;
      places[lanes.active()] = {drawings.offsets[drawing], drawings.offsets[drawing + 1] - 1};
      lanes.start(net.start_h(), net.start_c());
    }
    if (lanes.active() == 0) return;
    net.kernels().head(net.packed(), 0, net.outputs(), static_cast<int>(lanes.active()), lanes.h(0),
                       lanes.stride(), raw.data(), lanes.column());
    for (std::size_t i = lanes.active(); i-- > 0;) {
      Place& place = places[i];
      for (std::size_t o = 0; o < outputs; ++o)
        z[o] =
            raw[static_cast<std::size_t>(net.kernel_row(static_cast<int>(o))) * lanes.column() + i];
      visit(place.row, z.data());
      if (place.row == place.last) {
        queue.done();
        // The lane moved here has been visited already: lanes are visited from the last.
        place = places[lanes.active() - 1];
        lanes.remove(i);
        continue;
      }
      const Row& row = drawings.rows[place.row++];
      lanes.input(i) = net.input_from_row(row.dx, row.dy, row.pen);
    }
    if (!queue.go_on()) return;
    lanes.step();
  }
}

template <class Visit>
void for_each_row(const Net& net, const Drawings& drawings, int threads, const Progress& progress,
                  Visit visit) {
  if (drawings.count == 0) return;
  const LanePlan plan = plan_lanes(drawings.count, threads, 0);
  run_workers(plan.threads, drawings.count, progress, [&](std::size_t, WorkQueue& queue) {
    teacher_force(net, drawings, plan.lanes, queue, visit);
  });
}

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

void row_nll(const Net& net, const Row& row, const float* z, double& offset_nll, double& pen_nll) {
  const double scale = net.scale_factor();
  offset_nll =
      row.pen == Pen::end ? 0.0 : -log_density(z, net.mixtures(), row.dx / scale, row.dy / scale);
  pen_nll = -log_pen(z, row.pen);
}

void score(const Net& net, const Drawings& drawings, int threads, double* offset_nll,
           double* pen_nll, const Progress& progress) {
  for_each_row(net, drawings, threads, progress, [&](std::int64_t index, const float* z) {
    row_nll(net, drawings.rows[index], z, offset_nll[index], pen_nll[index]);
  });
}

void forward(const Net& net, const Drawings& drawings, int threads, float* z,
             const Progress& progress) {
  const auto outputs = static_cast<std::size_t>(net.outputs());
  for_each_row(net, drawings, threads, progress, [&](std::int64_t index, const float* row_z) {
    std::copy_n(row_z, outputs, z + static_cast<std::size_t>(index) * outputs);
  });
}

}  // namespace sketchrnn
