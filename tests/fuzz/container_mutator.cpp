// libFuzzer's mutations for containers: of the header alone, its length kept true, of the data
// alone, or of all bytes. Blind ones hardly ever get past the length in the first eight bytes.

#include <cstring>
#include <string>

#include "input.h"

extern "C" std::size_t LLVMFuzzerMutate(std::uint8_t* data, std::size_t size, std::size_t max_size);

extern "C" std::size_t LLVMFuzzerCustomMutator(std::uint8_t* data, std::size_t size,
                                               std::size_t max_size, unsigned int seed) {
  std::uint64_t length = 0;
  if (size >= 8) std::memcpy(&length, data, 8);  // little-endian machines only
  const unsigned how = seed % 8;
  if (size < 8 || length > size - 8 || how == 0) return LLVMFuzzerMutate(data, size, max_size);
  const std::size_t header = static_cast<std::size_t>(length);
  std::uint8_t* const start = data + 8 + header;
  if (how == 1)
    return 8 + header + LLVMFuzzerMutate(start, size - 8 - header, max_size - 8 - header);
  const std::string rest(reinterpret_cast<const char*>(start), size - 8 - header);
  const std::size_t room = max_size - 8 - rest.size();
  const std::size_t changed = LLVMFuzzerMutate(data + 8, header, room);
  std::memcpy(data + 8 + changed, rest.data(), rest.size());
  length = changed;
  std::memcpy(data, &length, 8);
  return 8 + changed + rest.size();
}
