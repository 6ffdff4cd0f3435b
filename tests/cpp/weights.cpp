// The container reader on good, broken and mutated containers.

#include "model/weights.h"

#include <cmath>
#include <cstdio>
#include <random>
#include <string>

#include "check.h"
#include "error.h"
#include "model/json.h"
#include "nets.h"

namespace {

using namespace sketchrnn;

const nets::Spec kTiny{2, 1, 9};

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const std::size_t at = text.find(from);
  if (at == std::string::npos) throw std::logic_error("no " + from + " to replace");
  const std::size_t size = text.size();
  text.replace(at, from.size(), to);
  // The header's length stands in the first eight bytes.
  std::uint64_t length = 0;
  for (int i = 7; i >= 0; --i) length = length << 8 | static_cast<unsigned char>(text[i]);
  length = length + text.size() - size;  // in 64 bits, on 32-bit machines too
  for (int i = 0; i < 8; ++i) text[i] = static_cast<char>(length >> (8 * i) & 0xFF);
  return text;
}

TEST(good_container) {
  const auto w = nets::weights(nets::container({7, 3, 1}));
  CHECK_EQ(w->hidden, 7);
  CHECK_EQ(w->mixtures, 3);
  CHECK_EQ(w->scale_factor, 16.0f);
  CHECK_EQ(w->max_len, 100);
  CHECK_EQ(w->start_token[2], 1.0f);
  float value = 0.0f;
  w->wx.read(5, 1, &value);
  CHECK_EQ(value, nets::number(1, 0, 5));
}

TEST(broken_containers) {
  const std::string good = nets::container(kTiny);
  const auto broken = [&](const char* from, const char* to) {
    return nets::weights(replaced(good, from, to));
  };
  CHECK_THROWS(nets::weights(""), WeightsError, "at least 8 bytes");
  CHECK_THROWS(nets::weights(good + "x"), WeightsError, "the file holds");
  CHECK_THROWS(nets::weights(std::string(8, '\xff') + good), WeightsError, "header claims");
  CHECK_THROWS(broken("\"F32\"", "\"F64\""), WeightsError, "dtype must be");
  CHECK_THROWS(broken("[5,8]", "[8,5]"), WeightsError, "expected shape");
  CHECK_THROWS(broken("[5,8]", "[4294967296,4294967296]"), WeightsError, "a size in its shape");
  CHECK_THROWS(broken("[0,160]", "[0,18446744073709551616]"), WeightsError, "data_offsets");
  CHECK_THROWS(broken("[0,160]", "[160,0]"), WeightsError, "data_offsets");
  CHECK_THROWS(broken("\"bo\"", "\"wo\""), WeightsError, "each key once");
  CHECK_THROWS(broken("\"16\"", "\"nan\""), WeightsError, "scale_factor");
  CHECK_THROWS(broken("\"made\"", std::string(200, '[').c_str()), WeightsError, "nesting");
  CHECK_THROWS(broken("made", "\xff"), WeightsError, "UTF-8");
  for (const char* number : {"\x00\x00\x80\x7f", "\x00\x00\x80\xff", "\x01\x00\x80\x7f"}) {
    std::string bytes = good;
    bytes.replace(bytes.size() - 4, 4, std::string(number, 4));
    CHECK_THROWS(nets::weights(bytes), WeightsError, "must be finite");
  }
}

TEST(truncated_at_every_byte) {
  const std::string good = nets::container(kTiny);
  for (std::size_t n = 0; n < good.size(); ++n) {
    // An exact copy, so that a sanitizer sees a read past its end.
    const auto owner = std::make_shared<std::vector<char>>(good.begin(), good.begin() + n);
    CHECK_THROWS(weights_from_memory({owner->data(), n}, owner, "cut"), WeightsError, "cut");
  }
}

TEST(mutated_containers) {
  // Fixed seed: a failure comes again. Whatever is let in must also run.
  std::mt19937 random(20261123);
  const std::string good = nets::container(kTiny);
  int loaded = 0;
  for (int round = 0; round < 20000; ++round) {
    std::string bytes = good;
    const int changes = 1 + static_cast<int>(random() % 4);
    for (int i = 0; i < changes && !bytes.empty(); ++i) {
      const std::size_t at = random() % std::min<std::size_t>(bytes.size(), 1000);
      switch (random() % 3) {
        case 0:
          bytes[at] = static_cast<char>(random());
          break;
        case 1:
          bytes.erase(at, 1 + random() % 5);
          break;
        default:
          bytes.insert(at, 1, "0123456789[]{}\",:-.eE"[random() % 21]);
      }
    }
    const auto owner = std::make_shared<std::vector<char>>(bytes.begin(), bytes.end());
    try {
      const auto w = weights_from_memory({owner->data(), owner->size()}, owner, "mutated");
      const auto net = open_net(w, Precision::f32, {}, *nets::usable().back());
      Stream stream = nets::stream(net, 1);
      try {
        stream.step({1.0f, 1.0f, false});
      } catch (const ArgumentError&) {  // weights too large for float32
      }
      ++loaded;
    } catch (const WeightsError&) {
    }
  }
  CHECK(loaded > 10);  // else the mutations would only ever test the first check
  CHECK(loaded < 19000);
}

TEST(half_precision_numbers) {
  // All 63488 finite patterns.
  const auto check_pattern = [](std::uint16_t bits, float expected) {
    const unsigned char data[2] = {static_cast<unsigned char>(bits & 0xFF),
                                   static_cast<unsigned char>(bits >> 8)};
    Tensor t;
    t.dtype = DType::f16;
    t.data = data;
    t.count = 1;
    float value = 0.0f;
    t.read(0, 1, &value);
    CHECK(std::memcmp(&value, &expected, sizeof value) == 0);
  };
  for (std::uint32_t bits = 0; bits < 65536; ++bits) {
    const int exponent = static_cast<int>(bits >> 10 & 31);
    if (exponent == 31) continue;
    const double fraction = bits & 1023;
    const double magnitude =
        exponent == 0 ? std::ldexp(fraction, -24) : std::ldexp(1024.0 + fraction, exponent - 25);
    check_pattern(static_cast<std::uint16_t>(bits),
                  static_cast<float>(bits & 0x8000 ? -magnitude : magnitude));
  }
}

TEST(json_numbers_are_strict) {
  const std::string what = "text";
  for (const char* bad :
       {"01", "+1",   ".5",         "1.",    "1e",  "--1", "0x10", "NaN",       "Infinity", "1 2",
        "",   "[1,]", "{\"a\":1,}", "{a:1}", "'a'", "tru", "nul",  "\"\\u12\"", "[1",       "\""})
    CHECK_THROWS(json::parse(bad, what), WeightsError, "not valid JSON");
  for (const char* good :
       {"0", "-0", "1.5e-3", "[]", "{}", " [ 1 , 2 ] ", "\"\\ud83d\\ude00\"", "null"})
    json::parse(good, what);
}

}  // namespace
