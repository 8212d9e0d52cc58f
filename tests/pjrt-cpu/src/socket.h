#pragma once

#include <cstddef>
#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "absl/time/time.h"

namespace pjrt_cpu {

// A TCP socket on the loopback interface.
class Socket {
 public:
  explicit Socket(int descriptor = -1) : descriptor_(descriptor) {}
  Socket(Socket&& other) noexcept;
  Socket& operator=(Socket&& other) noexcept;
  ~Socket();

  static absl::StatusOr<Socket> Listen();
  static absl::StatusOr<Socket> Connect(int port);

  absl::StatusOr<int> Port() const;
  absl::StatusOr<Socket> Accept(absl::Duration timeout) const;
  // A write that makes no progress for `timeout` fails.
  absl::Status LimitWrites(absl::Duration timeout) const;
  absl::Status Write(const void* data, size_t size) const;
  absl::Status Read(void* data, size_t size) const;
  // Makes a thread that is in Read return.
  void Shutdown() const;

 private:
  int descriptor_;
};

}  // namespace pjrt_cpu
