#pragma once

#include <string>
#include <string_view>

#include "absl/status/statusor.h"
#include "xla/pjrt/c/pjrt_c_api.h"

namespace pjrt_cpu {

// The caller's store, behind the callbacks of PJRT_Client_Create. Used only
// while the client is made.
class KeyValueStore {
 public:
  explicit KeyValueStore(const PJRT_Client_Create_Args& args) : args_(args) {}

  bool present() const { return args_.kv_get_callback && args_.kv_put_callback; }
  absl::Status Put(std::string_view key, std::string_view value) const;
  // Waits for another process to put the value.
  absl::StatusOr<std::string> Get(std::string_view key, int timeout_ms) const;

 private:
  const PJRT_Client_Create_Args& args_;
};

}  // namespace pjrt_cpu
