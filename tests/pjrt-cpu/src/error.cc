#include "absl/log/globals.h"
#include "src/function.h"
#include "src/functions.h"

namespace pjrt_cpu {

void PJRT_Error_Destroy(PJRT_Error_Destroy_Args* args) { delete args->error; }

void PJRT_Error_Message(PJRT_Error_Message_Args* args) {
  args->message = args->error->status.message().data();
  args->message_size = args->error->status.message().size();
}

PJRT_CPU_FUNCTION(PJRT_Error_GetCode) {
  // PJRT's codes are absl's.
  args->code = static_cast<PJRT_Error_Code>(args->error->status.code());
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_Plugin_Initialize) {
  // XLA logs pages about the machine and its own plans; what goes wrong comes
  // back as a PJRT_Error.
  absl::SetMinLogLevel(absl::LogSeverityAtLeast::kFatal);
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_Plugin_Attributes) {
  args->attributes = nullptr;
  args->num_attributes = 0;
  return absl::OkStatus();
}

}  // namespace pjrt_cpu
