#include "src/functions.h"

extern "C" __attribute__((visibility("default"))) const PJRT_Api* GetPjrtApi() {
  static const PJRT_Api api = [] {
    PJRT_Api table{};
    table.struct_size = PJRT_Api_STRUCT_SIZE;
    table.pjrt_api_version.struct_size = PJRT_Api_Version_STRUCT_SIZE;
    table.pjrt_api_version.major_version = PJRT_API_MAJOR;
    table.pjrt_api_version.minor_version = PJRT_API_MINOR;
    table.PJRT_Error_Destroy = pjrt_cpu::PJRT_Error_Destroy;
    table.PJRT_Error_Message = pjrt_cpu::PJRT_Error_Message;
#define ENTER(name) table.name = pjrt_cpu::name;
    PJRT_CPU_FUNCTIONS(ENTER)
#undef ENTER
    return table;
  }();
  return &api;
}
