// A net's weights as they stand in a safetensors container: five arrays and the metadata.
//
//   wx (5, 4H)  wh (H, 4H)  b (4H)  wo (H, 3 + 6M)  bo (3 + 6M)     dtype F32, F16 or I16
//
// or wh in I8 with its scales:
//
//   wh.column_scale (4H)     F32; wh = q · column_scale[column]
//   h.scale (H)              only if quantised for the precision i8, in which alone such weights
//                            run; F32; wh = q · column_scale[column] · h.scale[row]
//
// A net that is told which of K objects to draw has three arrays more, F16 or F32, and in the
// metadata "objects", a JSON list of K names, and "default_object" (else the first):
//
//   embed (K, E)  to_b (E, 4H)  to_bo (E, 3 + 6M)
//
// Object k is drawn with the biases b + embed[k] · to_b and bo + embed[k] · to_bo.
//
// A net with an encoder (N_z numbers of latent vector, 2E units) has 12 arrays more, and wx is
// (5 + N_z, 4H); fw and bw are LSTMs as above, without a head:
//
//   fw.wx (5, 4E)  fw.wh (E, 4E)  fw.b (4E)  bw.wx (5, 4E)  bw.wh (E, 4E)  bw.b (4E)
//   mu.w (2E, N_z)  mu.b (N_z)  sigma.w (2E, N_z)  sigma.b (N_z)  z.w (N_z, 2H)  z.b (2H)
//
// With hc the last h of both, μ = hc·mu.w + mu.b and σ = exp((hc·sigma.w + sigma.b) / 2); the
// decoder starts from tanh(z·z.w + z.b), c first, then h. "latent_tanh" in the metadata, "true" or
// "false" (without it false), says whether tanh is applied to that z first, as sketch-rnn-js does
// for its files of versions below 6. If wh is quantised, fw.wh and bw.wh are, with scales of their
// own ("fw.wh.column_scale", "fw.h.scale").
//
// Columns of wx, wh and b are the gates i, j, f, o; b is without the forget gate's +1. Columns of
// wo and bo are pen logits (3), then M each of π logits, μx, μy, log σx, log σy, atanh ρ. An I16
// array q stands for q · scale, with the scale under "<array>.scale" in the metadata.
#pragma once

#include <array>
#include <cstddef>
#include <map>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "model/tensor.h"
#include "progress.h"

namespace sketchrnn {

class WeightsFile;

struct Weights {
  Tensor wx, wh, b, wo, bo;
  Tensor column_scale;        // empty unless wh is I8
  Tensor h_scale;             // empty unless quantised()
  Tensor embed, to_b, to_bo;  // empty unless there are objects
  // Empty unless there is an encoder, whose LSTMs are weights without wo and bo.
  Tensor mu_w, mu_b, sigma_w, sigma_b, z_w, z_b;
  std::shared_ptr<Weights> forward, backward;
  bool latent_tanh = false;
  int hidden = 0;
  int mixtures = 0;
  std::string what;                  // the source, in messages
  std::string name;                  // what it draws, the default object where there are several
  std::vector<std::string> objects;  // empty for a net of one
  std::size_t default_object = 0;
  float scale_factor = 1.0f;
  int max_len = 0;
  std::array<float, 5> start_token{};
  std::map<std::string, std::string> metadata;
  std::string_view container;         // the whole file
  std::shared_ptr<const void> owner;  // keeps `container` alive, or:
  std::shared_ptr<const WeightsFile> file;

  // N_z; 0 for a net without an encoder.
  std::size_t latent() const { return z_w.shape.empty() ? 0 : z_w.shape[0]; }
  // Whether wh is integers for integers of h, good for Precision::i8 only.
  bool quantised() const { return h_scale.count != 0; }
  // What each of the 4H columns of wh's numbers as stored is to be multiplied with.
  std::vector<double> recurrent_scales() const;

  // To be called before the net is given out again as the file's. Throws WeightsError if the file
  // has been written to since it was loaded. What stands here are the loaded numbers in any case.
  void check_unchanged() const;
};

// The largest scale that 8-bit weights may be stored with: it bounds the exponents that a scale can
// bring into a gate's sum far below overflow.
constexpr float kMaxScale = 1e6f;

// Both check every field against the real length before anything is allocated for it, and throw
// WeightsError; Cancelled where `progress` says no. `what` names the source in messages.
std::shared_ptr<const Weights> weights_from_file(const std::string& path,
                                                 const Progress& progress = {});
std::shared_ptr<const Weights> weights_from_memory(std::string_view container,
                                                   std::shared_ptr<const void> owner,
                                                   const std::string& what,
                                                   const Progress& progress = {});

}  // namespace sketchrnn
