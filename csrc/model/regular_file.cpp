#include "model/regular_file.h"

#if !defined(SKETCHRNN_NO_FILES)

#if defined(_WIN32)
#define WIN32_LEAN_AND_MEAN
#include <windows.h>

#include <algorithm>
#include <system_error>
#else
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#endif

#include "error.h"

namespace sketchrnn {

#if defined(_WIN32)

namespace {

std::wstring wide(const std::string& utf8) {
  const int size = static_cast<int>(utf8.size());
  const int length =
      MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, utf8.data(), size, nullptr, 0);
  if (length == 0) throw WeightsError(utf8 + ": cannot open: the path is not UTF-8");
  std::wstring text(static_cast<std::size_t>(length), L'\0');
  MultiByteToWideChar(CP_UTF8, MB_ERR_INVALID_CHARS, utf8.data(), size, text.data(), length);
  return text;
}

[[noreturn]] void fail(const std::string& path, const char* doing) {
  const auto reason = static_cast<int>(GetLastError());
  throw WeightsError(path + ": cannot " + doing + ": " + std::system_category().message(reason));
}

bool facts_of(void* handle, std::size_t& size, std::int64_t& changed) {
  BY_HANDLE_FILE_INFORMATION info{};
  if (GetFileInformationByHandle(handle, &info) == 0) return false;
  const auto join = [](DWORD high, DWORD low) { return (std::uint64_t{high} << 32) | low; };
  size = static_cast<std::size_t>(join(info.nFileSizeHigh, info.nFileSizeLow));
  changed = static_cast<std::int64_t>(
      join(info.ftLastWriteTime.dwHighDateTime, info.ftLastWriteTime.dwLowDateTime));
  return true;
}

}  // namespace

RegularFile::RegularFile(const std::string& path) : path_(path) {
  // Others may write to it and delete it meanwhile, as on POSIX: what changes is noticed.
  handle_ = CreateFileW(wide(path).c_str(), GENERIC_READ,
                        FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE, nullptr,
                        OPEN_EXISTING, FILE_ATTRIBUTE_NORMAL, nullptr);
  if (handle_ == INVALID_HANDLE_VALUE) fail(path, "open");
  const bool regular = GetFileType(handle_) == FILE_TYPE_DISK;
  if (!regular || !facts_of(handle_, size_, changed_)) {
    CloseHandle(handle_);
    throw WeightsError(path + ": not a regular file");
  }
}

RegularFile::~RegularFile() { CloseHandle(handle_); }

std::size_t RegularFile::read(char* to, std::size_t count, std::size_t offset) const {
  OVERLAPPED from{};
  from.Offset = static_cast<DWORD>(offset & 0xFFFFFFFFu);
  from.OffsetHigh = static_cast<DWORD>(std::uint64_t{offset} >> 32);
  DWORD got = 0;
  const auto most = static_cast<DWORD>(std::min(count, std::size_t{1} << 30));
  if (ReadFile(handle_, to, most, &got, &from) == 0) {
    if (GetLastError() == ERROR_HANDLE_EOF) return 0;
    fail(path_, "read");
  }
  return got;
}

bool RegularFile::unchanged() const {
  std::size_t size = 0;
  std::int64_t changed = 0;
  return facts_of(handle_, size, changed) && size == size_ && changed == changed_;
}

#else

namespace {

std::int64_t time_of_change(const struct stat& info) {
#if defined(__APPLE__)
  const struct timespec& time = info.st_mtimespec;
#else
  const struct timespec& time = info.st_mtim;
#endif
  return std::int64_t{time.tv_sec} * 1'000'000'000 + time.tv_nsec;
}

}  // namespace

RegularFile::RegularFile(const std::string& path) : path_(path) {
  const auto fail = [&](const char* doing) {
    const int reason = errno;
    if (descriptor_ >= 0) ::close(descriptor_);
    throw WeightsError(path + ": cannot " + doing + ": " + std::strerror(reason));
  };
  // Without O_NONBLOCK, opening a named pipe would wait for someone to write into it.
  descriptor_ = ::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (descriptor_ < 0) fail("open");
  struct stat info{};
  if (::fstat(descriptor_, &info) != 0) fail("read");
  if (!S_ISREG(info.st_mode)) {
    ::close(descriptor_);
    throw WeightsError(path + ": not a regular file");
  }
  size_ = static_cast<std::size_t>(info.st_size);
  changed_ = time_of_change(info);
}

RegularFile::~RegularFile() { ::close(descriptor_); }

std::size_t RegularFile::read(char* to, std::size_t count, std::size_t offset) const {
  for (;;) {
    const ssize_t n = ::pread(descriptor_, to, count, static_cast<off_t>(offset));
    if (n >= 0) return static_cast<std::size_t>(n);
    if (errno != EINTR) throw WeightsError(path_ + ": cannot read: " + std::strerror(errno));
  }
}

bool RegularFile::unchanged() const {
  struct stat info{};
  return ::fstat(descriptor_, &info) == 0 && static_cast<std::size_t>(info.st_size) == size_ &&
         time_of_change(info) == changed_;
}

#endif

}  // namespace sketchrnn

#endif
