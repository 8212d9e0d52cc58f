// What the opaque types of the PJRT C API hold in this plugin.
#pragma once

#include <map>
#include <memory>
#include <string>
#include <vector>

#include "xla/future.h"
#include "xla/pjrt/c/pjrt_c_api.h"
#include "xla/pjrt/pjrt_client.h"

struct PJRT_Event {
  xla::Future<> future;
};

struct PJRT_DeviceDescription {
  const xla::PjRtDeviceDescription* description;
};

struct PJRT_Memory {
  xla::PjRtMemorySpace* memory;
  std::vector<PJRT_Device*> devices;
};

struct PJRT_Device {
  xla::PjRtDevice* device;
  PJRT_DeviceDescription description;
  std::vector<PJRT_Memory*> memories;
  PJRT_Memory* default_memory = nullptr;
};

struct PJRT_Client {
  std::unique_ptr<xla::PjRtClient> client;
  std::vector<std::unique_ptr<PJRT_Device>> owned_devices;
  std::vector<std::unique_ptr<PJRT_Memory>> owned_memories;
  std::map<const xla::PjRtDevice*, PJRT_Device*> device_of;
  std::map<const xla::PjRtMemorySpace*, PJRT_Memory*> memory_of;
  std::vector<PJRT_Device*> devices;
  std::vector<PJRT_Device*> addressable_devices;
  std::vector<PJRT_Memory*> memories;

  explicit PJRT_Client(std::unique_ptr<xla::PjRtClient> wrapped);
};

// The C API tells loaded executables from unloaded ones; on the CPU both are
// views of one loaded executable. The vectors back the pointers handed out.
struct PJRT_Executable {
  std::shared_ptr<xla::PjRtLoadedExecutable> executable;
  std::vector<PJRT_Buffer_Type> output_types;
  std::vector<int64_t> output_dimensions;
  std::vector<size_t> output_ranks;
  std::string fingerprint;
};

struct PJRT_LoadedExecutable {
  std::shared_ptr<xla::PjRtLoadedExecutable> executable;
  PJRT_Client* client;
  std::vector<PJRT_Device*> addressable_devices;
};

struct PJRT_SerializedExecutable {
  std::string bytes;
};

struct PJRT_Buffer {
  std::unique_ptr<xla::PjRtBuffer> buffer;
  PJRT_Client* client;
};
