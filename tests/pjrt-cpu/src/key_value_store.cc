#include "src/key_value_store.h"

#include <memory>

#include "src/error.h"
#include "xla/tsl/platform/errors.h"

namespace pjrt_cpu {
namespace {

PJRT_CallbackError make_error = [](PJRT_Error_Code code, const char* message,
                                   size_t size) -> PJRT_Error* {
  return new PJRT_Error{
      absl::Status(static_cast<absl::StatusCode>(code), std::string_view(message, size))};
};

absl::Status Take(PJRT_Error* error) {
  if (error == nullptr) return absl::OkStatus();
  return std::unique_ptr<PJRT_Error>(error)->status;
}

}  // namespace

absl::Status KeyValueStore::Put(std::string_view key, std::string_view value) const {
  PJRT_KeyValuePutCallback_Args args{};
  args.struct_size = PJRT_KeyValuePutCallback_Args_STRUCT_SIZE;
  args.key = key.data();
  args.key_size = key.size();
  args.value = value.data();
  args.value_size = value.size();
  args.callback_error = &make_error;
  args.user_arg = args_.kv_put_user_arg;
  return Take(args_.kv_put_callback(&args));
}

absl::StatusOr<std::string> KeyValueStore::Get(std::string_view key, int timeout_ms) const {
  PJRT_KeyValueGetCallback_Args args{};
  args.struct_size = PJRT_KeyValueGetCallback_Args_STRUCT_SIZE;
  args.key = key.data();
  args.key_size = key.size();
  args.timeout_in_ms = timeout_ms;
  args.callback_error = &make_error;
  args.user_arg = args_.kv_get_user_arg;
  TF_RETURN_IF_ERROR(Take(args_.kv_get_callback(&args)));
  std::string value(args.value, args.value_size);
  if (args.value_deleter_callback != nullptr) args.value_deleter_callback(args.value);
  return value;
}

}  // namespace pjrt_cpu
