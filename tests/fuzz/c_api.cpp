// A fuzzer's bytes as a program of calls of the C interface over a few handles: nets opened from
// memory and files, states that are fed, stepped, copied, reset, drawings, several threads on one
// net. Beside each state stands the history that it should have: a fresh state that is fed the same
// must be in the same place, bit for bit.

#include "sketchrnn/sketchrnn.h"

#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cmath>
#include <cstring>
#include <fstream>
#include <memory>
#include <string>
#include <thread>
#include <vector>

#include "input.h"
#include "made_net.h"

namespace {

// What the handles point to. A net's bytes are not copied: they live in `bytes`.
struct Net {
  sketchrnn_net* handle = nullptr;
  std::shared_ptr<const std::string> bytes;
};

struct State {
  sketchrnn_state* handle = nullptr;
  std::shared_ptr<const std::string> bytes;  // of its net
  std::shared_ptr<sketchrnn_net> twin;       // a net of the same bytes that stays open
  std::uint64_t seed = 0, index = 0;
  std::vector<sketchrnn_row> history;
};

// Embedded nets: containers that the program may open, made once.
constexpr std::size_t kContainers = 12;
const std::string& container(std::size_t which) {
  static const std::vector<std::string> all = [] {
    std::vector<std::string> made;
    for (std::size_t i = 0; i < kContainers; ++i) {
      // Shape, components, max_len, kinds of numbers; then seeds and usual magnitudes.
      const std::uint8_t bytes[] = {static_cast<std::uint8_t>(i), static_cast<std::uint8_t>(i),
                                    static_cast<std::uint8_t>(3 + i),
                                    static_cast<std::uint8_t>(i < 6    ? i
                                                              : i == 6 ? 12
                                                              : i == 7 ? 28
                                                                       : 1),
                                    static_cast<std::uint8_t>(7 * i + 1)};
      fuzz::Input input(bytes, sizeof bytes);
      made.push_back(fuzz::made_container(input));
    }
    return made;
  }();
  return all[which % kContainers];
}

const char* const kPrecisions[] = {nullptr, "f32", "i16", "i8", "f32", "i8", "", "f16", "float32"};

const std::string& scratch_file() {
  static const std::string path = [] {
    std::string text = "/tmp/sketchrnn-fuzz-XXXXXX";
    const int file = mkstemp(text.data());
    if (file >= 0) close(file);
    std::atexit([] { unlink(scratch_file().c_str()); });
    return text;
  }();
  return path;
}

bool utf8(const char* text) {
  for (const auto* p = reinterpret_cast<const unsigned char*>(text); *p != 0;) {
    const int more = *p < 0x80             ? 0
                     : (*p & 0xE0) == 0xC0 ? 1
                     : (*p & 0xF0) == 0xE0 ? 2
                     : (*p & 0xF8) == 0xF0 ? 3
                                           : -1;
    if (more < 0) return false;
    ++p;
    for (int i = 0; i < more; ++i, ++p)
      if ((*p & 0xC0) != 0x80) return false;
  }
  return true;
}

class Program {
 public:
  Program(const std::uint8_t* data, std::size_t size) : in_(data, size) {}

  ~Program() {
    for (State& state : states_) sketchrnn_state_free(state.handle);
    for (sketchrnn_drawings* drawings : drawings_) sketchrnn_drawings_free(drawings);
    for (Net& net : nets_) sketchrnn_net_close(net.handle);
  }

  void run() {
    open();
    create();
    for (int calls = 0; !in_.empty() && calls < 60; ++calls) call();
  }

 private:
  void call() {
    switch (in_.byte() % 20) {
      case 0:
        return open();
      case 1:
        return close();
      case 2:
      case 3:
        return create();
      case 4:
        return copy();
      case 5:
        return release();
      case 6:
        return reset();
      case 7:
      case 8:
        return feed();
      case 9:
      case 10:
      case 11:
        return step();
      case 12:
        return predict();
      case 13:
        return look();
      case 14:
        return draw();
      case 15:
        return complete();
      case 16:
        return read_drawings();
      case 17:
        return facts();
      case 18:
        return nothing();
      default:
        return in_.byte() < 16 ? threads() : step();
    }
  }

  Net& net() { return nets_[in_.byte() % nets_.size()]; }
  State& state() { return states_[in_.byte() % states_.size()]; }

  // Every call goes through here: its status and message must fit, and `handle` stays as it was
  // where it failed.
  bool done(sketchrnn_status status) {
    if (status == SKETCHRNN_OK) return true;
    fuzz::check(status != SKETCHRNN_ERROR_INTERNAL, error_.message);
    fuzz::check(std::memchr(error_.message, 0, sizeof error_.message) != nullptr, "a message ends");
    fuzz::check(error_.message[0] != 0 && utf8(error_.message), "a message is UTF-8 and says why");
    fuzz::check(std::strncmp(sketchrnn_status_name(status), "SKETCHRNN_ERROR_", 16) == 0, "a name");
    return false;
  }
  sketchrnn_error* error() {
    std::memset(&error_, 0xAA, sizeof error_);
    return &error_;
  }
  template <class T>
  static T* canary() {
    return reinterpret_cast<T*>(static_cast<std::uintptr_t>(0x5A5A5A50u));
  }

  void open() {
    Net& slot = net();
    sketchrnn_net_close(slot.handle);
    slot = {};
    auto bytes = std::make_shared<std::string>(container(in_.byte()));
    const std::uint8_t how = in_.byte();
    // Some are damaged.
    for (std::size_t left = how % 8 == 7 ? 1 + in_.below(4) : 0; left-- > 0;)
      (*bytes)[in_.take<std::uint32_t>() % bytes->size()] = static_cast<char>(in_.byte());
    if (how % 16 == 15) bytes->resize(in_.take<std::uint32_t>() % (bytes->size() + 1));
    const char* const precision = kPrecisions[in_.below(std::size(kPrecisions))];
    auto* handle = canary<sketchrnn_net>();
    sketchrnn_status status = SKETCHRNN_OK;
    if (how < 250) {
      status = sketchrnn_net_open_memory(bytes->data(), bytes->size(), precision, &handle, error());
    } else {
      static const std::string places[] = {scratch_file(), "/", "/dev/null", "/nowhere/net", ""};
      const std::string& place = places[in_.below(std::size(places))];
      if (place == scratch_file()) std::ofstream(place, std::ios::binary) << *bytes;
      status = sketchrnn_net_open(place.c_str(), precision, &handle, error());
    }
    if (!done(status)) return fuzz::check(handle == canary<sketchrnn_net>(), "output untouched");
    slot = {handle, std::move(bytes)};
  }

  void close() {
    Net& slot = net();
    sketchrnn_net_close(slot.handle);
    slot = {};
  }

  void create() {
    Net& from = net();
    State& slot = state();
    sketchrnn_state_free(slot.handle);
    slot = {};
    slot.seed = in_.byte();
    slot.index = in_.flag() ? in_.byte() : in_.take<std::uint64_t>();
    auto* handle = canary<sketchrnn_state>();
    if (!done(sketchrnn_state_create(from.handle, slot.seed, slot.index, &handle, error()))) {
      fuzz::check(handle == canary<sketchrnn_state>() && from.handle == nullptr, "no net");
      return;
    }
    slot.handle = handle;
    slot.bytes = from.bytes;
    sketchrnn_net* twin = nullptr;
    fuzz::check(sketchrnn_net_open_memory(from.bytes->data(), from.bytes->size(),
                                          sketchrnn_net_precision(from.handle), &twin,
                                          nullptr) == SKETCHRNN_OK,
                "what opened once opens again");
    slot.twin.reset(twin, sketchrnn_net_close);
  }

  void copy() {
    const State& from = state();
    State& slot = state();
    if (&from == &slot) return;
    sketchrnn_state_free(slot.handle);
    slot = from;
    slot.handle = nullptr;
    if (!done(sketchrnn_state_copy(from.handle, &slot.handle, error())))
      fuzz::check(from.handle == nullptr, "a state can be copied");
  }

  void release() {
    State& slot = state();
    sketchrnn_state_free(slot.handle);
    slot = {};
  }

  void reset() {
    State& slot = state();
    if (slot.handle == nullptr) return;
    slot.seed = in_.byte();
    slot.index = in_.byte();
    slot.history.clear();
    sketchrnn_state_reset(slot.handle, slot.seed, slot.index);
  }

  std::vector<sketchrnn_row> rows(bool& good) {
    std::vector<sketchrnn_row> made(in_.below(6));
    good = true;
    for (sketchrnn_row& row : made) {
      const std::uint8_t how = in_.byte();
      row = {static_cast<float>(static_cast<std::int8_t>(in_.byte())),
             static_cast<float>(static_cast<std::int8_t>(in_.byte())), 0, 0, 0};
      (how % 16 == 1 ? row.p3 : how % 2 == 0 ? row.p1 : row.p2) = 1.0f;
      if (how < 248) continue;
      // Anything at all in one of the five places.
      const std::size_t place = in_.below(5);
      const auto value = in_.take<float>();
      std::memcpy(reinterpret_cast<char*>(&row) + 4 * place, &value, sizeof value);
      float pens[3] = {row.p1, row.p2, row.p3};
      int ones = 0;
      for (const float pen : pens) {
        good = good && (pen == 0.0f || pen == 1.0f);
        ones += pen == 1.0f;
      }
      good = good && ones == 1 && std::isfinite(row.dx) && std::isfinite(row.dy);
    }
    return made;
  }

  void feed() {
    State& slot = state();
    bool good = false;
    const std::vector<sketchrnn_row> given = rows(good);
    const bool fed = done(sketchrnn_state_feed(slot.handle, given.data(), given.size(), error()));
    fuzz::check(fed == (good && slot.handle != nullptr), "rows are taken if they are stroke-5");
    if (fed) slot.history.insert(slot.history.end(), given.begin(), given.end());
    agree(slot);
  }

  void step() {
    State& slot = state();
    const double temperature = fuzz::any_temperature(in_);
    const bool ended = slot.handle != nullptr && sketchrnn_state_finished(slot.handle) != 0;
    sketchrnn_row row = {7, 7, 7, 7, 7};
    const sketchrnn_status status = sketchrnn_state_step(slot.handle, temperature, &row, error());
    if (ended) fuzz::check(status == SKETCHRNN_ERROR_FINISHED, "an ended drawing has no next row");
    if (!done(status)) return fuzz::check(row.dx == 7 && row.p3 == 7, "output untouched");
    fuzz::check(std::isfinite(row.dx) && std::isfinite(row.dy) && row.p1 + row.p2 + row.p3 == 1.0f,
                "a row is stroke-5");
    slot.history.push_back(row);
    agree(slot);
  }

  static void agree(const State& slot) {
    if (slot.handle == nullptr) return;
    fuzz::check(sketchrnn_state_position(slot.handle) == slot.history.size(), "position");
    const bool ended = !slot.history.empty() && slot.history.back().p3 == 1.0f;
    fuzz::check((sketchrnn_state_finished(slot.handle) != 0) == ended, "finished");
  }

  std::vector<float> bits_of(sketchrnn_state* handle, const sketchrnn_net* of) {
    const auto hidden = static_cast<std::size_t>(sketchrnn_net_hidden_size(of));
    const auto outputs = static_cast<std::size_t>(sketchrnn_net_outputs(of));
    std::vector<float> all(2 * hidden + outputs);
    fuzz::check(
        done(sketchrnn_state_hidden(handle, all.data(), all.data() + hidden, hidden, error())) &&
            done(sketchrnn_state_predict_raw(handle, all.data() + 2 * hidden, outputs, error())),
        "a state can be looked at");
    for (float& x : all)
      if (std::isnan(x)) x = NAN;
    return all;
  }

  // A fresh state of the twin net, fed the history, is where this one is.
  void look() {
    State& slot = state();
    if (slot.handle == nullptr) return;
    sketchrnn_state* fresh = nullptr;
    fuzz::check(
        done(sketchrnn_state_create(slot.twin.get(), slot.seed, slot.index, &fresh, error())) &&
            done(sketchrnn_state_feed(fresh, slot.history.data(), slot.history.size(), error())),
        "a history can be fed");
    const std::vector<float> here = bits_of(slot.handle, slot.twin.get());
    const std::vector<float> there = bits_of(fresh, slot.twin.get());
    fuzz::check(std::memcmp(here.data(), there.data(), here.size() * sizeof(float)) == 0,
                "the same history, the same bits");
    sketchrnn_row a{};
    sketchrnn_row b{};
    sketchrnn_state* ahead = nullptr;  // a copy, so that looking changes nothing
    fuzz::check(done(sketchrnn_state_copy(slot.handle, &ahead, error())), "a copy");
    const sketchrnn_status first = sketchrnn_state_step(ahead, 0.4, &a, error());
    const sketchrnn_status second = sketchrnn_state_step(fresh, 0.4, &b, error());
    fuzz::check(first == second && std::memcmp(&a, &b, sizeof a) == 0, "the same next row");
    sketchrnn_state_free(ahead);
    sketchrnn_state_free(fresh);
  }

  void predict() {
    State& slot = state();
    std::size_t count = in_.byte();
    if (slot.handle != nullptr && count >= 64)
      count = static_cast<std::size_t>(sketchrnn_net_outputs(slot.twin.get()));
    std::vector<double> parameters(count);
    if (!done(sketchrnn_state_predict(slot.handle, parameters.data(), count, error()))) return;
    const double pen = parameters[0] + parameters[1] + parameters[2];
    fuzz::check(std::isnan(pen) || std::fabs(pen - 1.0) < 1e-9, "pen probabilities add up to 1");
  }

  sketchrnn_draw_options options() {
    sketchrnn_draw_options made = SKETCHRNN_DRAW_OPTIONS_INIT;
    const std::uint8_t how = in_.byte();
    made.count = in_.below(8);
    made.temperature = fuzz::any_temperature(in_);
    if (how % 4 == 0) made.softmax_temperature = in_.take<double>();
    made.seed = in_.byte();
    made.index = in_.byte();
    made.max_len = in_.below(10);
    if (how == 255) made.max_len = in_.take<std::size_t>();
    if (how == 254) made.size = in_.byte();
    if (how == 253) made.threads = in_.take<int>() % 5000;
    if (how == 252) made.threads = 2;
    if (made.threads > 64) made.threads = 4097;  // thousands are started as asked: too slow here
    // A limit that nobody reaches may be any; one that is must end soon.
    if (made.max_len > 1000 && made.max_len <= UINT32_MAX) made.max_len = 1000;
    if (how % 8 == 1) {
      stop_after_ = in_.byte();
      made.user = this;
      made.progress = [](std::size_t, void* user) {
        auto* const program = static_cast<Program*>(user);
        return program->stop_after_-- == 0 ? 1 : 0;
      };
    }
    return made;
  }

  // The rows of a batch are those that states give.
  void keep(sketchrnn_drawings* made, const Net& from, const sketchrnn_draw_options& asked,
            const std::vector<sketchrnn_row>& prefix) {
    fuzz::check(sketchrnn_drawings_count(made) == asked.count, "as many as asked for");
    sketchrnn_drawings*& slot = drawings_[in_.byte() % drawings_.size()];
    sketchrnn_drawings_free(slot);
    slot = made;
    if (asked.softmax_temperature >= 0.0) return;
    for (std::size_t i = 0; i < asked.count; ++i) {
      std::size_t length = 0;
      const sketchrnn_row* const row = sketchrnn_drawings_get(made, i, &length);
      fuzz::check(length > prefix.size(), "a drawing goes on");
      sketchrnn_state* alone = nullptr;
      fuzz::check(
          done(sketchrnn_state_create(from.handle, asked.seed, asked.index + i, &alone, error())) &&
              done(sketchrnn_state_feed(alone, prefix.data(), prefix.size(), error())),
          "a state");
      for (std::size_t k = 0; k < length; ++k) {
        sketchrnn_row next = row[k];
        if (k < prefix.size())
          next = prefix[k];
        else
          fuzz::check(done(sketchrnn_state_step(alone, asked.temperature, &next, error())),
                      "steps");
        fuzz::check(std::memcmp(&next, row + k, sizeof next) == 0, "a batch is what states draw");
      }
      sketchrnn_state_free(alone);
    }
  }

  void draw() {
    const Net& from = net();
    const sketchrnn_draw_options asked = options();
    auto* made = canary<sketchrnn_drawings>();
    if (done(sketchrnn_net_draw(from.handle, &asked, &made, error())))
      keep(made, from, asked, {});
    else
      fuzz::check(made == canary<sketchrnn_drawings>(), "output untouched");
  }

  void complete() {
    const Net& from = net();
    bool good = false;
    const std::vector<sketchrnn_row> given = rows(good);
    const sketchrnn_draw_options asked = options();
    sketchrnn_drawings* made = nullptr;
    if (done(sketchrnn_net_complete(from.handle, given.data(), given.size(), &asked, &made,
                                    error()))) {
      fuzz::check(good, "a partial drawing is stroke-5");
      keep(made, from, asked, given);
    }
  }

  void read_drawings() {
    const sketchrnn_drawings* const all = drawings_[in_.byte() % drawings_.size()];
    if (all == nullptr) return;
    const std::size_t i = in_.byte();
    std::size_t length = 77;
    const sketchrnn_row* const row = sketchrnn_drawings_get(all, i, in_.flag() ? &length : nullptr);
    fuzz::check((row != nullptr) == (i < sketchrnn_drawings_count(all)), "there or not");
    if (row != nullptr && length != 77)
      for (std::size_t k = 0; k < length; ++k)
        fuzz::check(row[k].p1 + row[k].p2 + row[k].p3 == 1.0f, "a row is stroke-5");
  }

  void facts() {
    const sketchrnn_net* const of = net().handle;
    if (of == nullptr) return;
    fuzz::check(utf8(sketchrnn_net_name(of)) && *sketchrnn_net_isa(of) != 0, "texts");
    fuzz::check(sketchrnn_net_outputs(of) == 3 + 6 * sketchrnn_net_mixtures(of), "3 + 6M");
    fuzz::check(sketchrnn_net_packed_bytes(of) > 0 && sketchrnn_net_max_len(of) > 0, "sizes");
    fuzz::check(sketchrnn_net_scale_factor(of) > 0.0f, "scale factor");
    const std::string key(in_.text(6));
    const char* const value = sketchrnn_net_metadata(of, in_.flag() ? key.c_str() : "format");
    if (value != nullptr) fuzz::check(utf8(value), "metadata");
    fuzz::check(sketchrnn_net_metadata(of, nullptr) == nullptr, "no key");
  }

  // NULL where something is expected, and where nothing is.
  void nothing() {
    sketchrnn_net_close(nullptr);
    sketchrnn_state_free(nullptr);
    sketchrnn_drawings_free(nullptr);
    State& slot = state();
    sketchrnn_row row{};
    double d = 0.0;
    float f = 0.0f;
    fuzz::check(
        !done(sketchrnn_net_open(nullptr, nullptr, nullptr, error())) &&
            !done(sketchrnn_net_open_memory(nullptr, 5, nullptr, nullptr, error())) &&
            !done(sketchrnn_state_create(net().handle, 0, 0, nullptr, error())) &&
            !done(sketchrnn_state_copy(slot.handle, nullptr, error())) &&
            !done(sketchrnn_state_feed(slot.handle, nullptr, 1, error())) &&
            !done(sketchrnn_state_step(slot.handle, 0.4, nullptr, error())) &&
            !done(sketchrnn_state_step(nullptr, 0.4, &row, error())) &&
            !done(sketchrnn_state_predict(nullptr, &d, 1, error())) &&
            !done(sketchrnn_state_predict_raw(slot.handle, nullptr, 9, error())) &&
            !done(sketchrnn_state_hidden(slot.handle, &f, nullptr, 1, error())) &&
            !done(sketchrnn_state_set_hidden(slot.handle, nullptr, &f, 1, error())) &&
            !done(sketchrnn_net_draw(nullptr, nullptr, nullptr, error())) &&
            !done(sketchrnn_net_complete(net().handle, nullptr, 1, nullptr, nullptr, error())),
        "NULL is refused");
    agree(slot);
  }

  // Threads that share a net and have a state each draw what one alone draws.
  void threads() {
    const Net& from = net();
    if (from.handle == nullptr) return;
    constexpr int count = 3;
    std::array<std::vector<sketchrnn_row>, count> drawn;
    const auto work = [&from](std::vector<sketchrnn_row>& out) {
      sketchrnn_state* own = nullptr;
      if (sketchrnn_state_create(from.handle, 3, 5, &own, nullptr) != SKETCHRNN_OK) return;
      for (int i = 0; i < 6; ++i) {
        sketchrnn_row row{};
        if (sketchrnn_state_step(own, 0.9, &row, nullptr) != SKETCHRNN_OK) break;
        out.push_back(row);
      }
      sketchrnn_state_free(own);
    };
    std::vector<std::thread> running;
    for (int t = 1; t < count; ++t) running.emplace_back(work, std::ref(drawn[t]));
    work(drawn[0]);
    for (std::thread& thread : running) thread.join();
    for (int t = 1; t < count; ++t)
      fuzz::check(drawn[t].size() == drawn[0].size() &&
                      (drawn[0].empty() || std::memcmp(drawn[t].data(), drawn[0].data(),
                                                       drawn[0].size() * sizeof drawn[0][0]) == 0),
                  "threads draw the same");
  }

  fuzz::Input in_;
  std::array<Net, 3> nets_;
  std::array<State, 4> states_;
  std::array<sketchrnn_drawings*, 3> drawings_{};
  sketchrnn_error error_{};
  int stop_after_ = 0;
};

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  Program(data, size).run();
  return 0;
}
