#include "src/function.h"
#include "src/functions.h"
#include "src/objects.h"

namespace pjrt_cpu {

PJRT_CPU_FUNCTION(PJRT_Event_Destroy) {
  delete args->event;
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_Event_IsReady) {
  args->is_ready = args->event->future.IsReady();
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_Event_Error) { return args->event->future.Await(); }

PJRT_CPU_FUNCTION(PJRT_Event_Await) { return args->event->future.Await(); }

PJRT_CPU_FUNCTION(PJRT_Event_OnReady) {
  args->event->future.OnReady(
      [callback = args->callback, user_arg = args->user_arg](absl::Status status) {
        callback(ErrorOf(std::move(status)), user_arg);
      });
  return absl::OkStatus();
}

}  // namespace pjrt_cpu
