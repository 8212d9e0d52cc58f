// Every function of the C API that this plugin has; the others are null in the
// table, as they may be in any plugin.
#pragma once

#include "xla/pjrt/c/pjrt_c_api.h"

#define PJRT_CPU_FUNCTIONS(X)                     \
  X(PJRT_Error_GetCode)                           \
  X(PJRT_Plugin_Initialize)                       \
  X(PJRT_Plugin_Attributes)                       \
  X(PJRT_Event_Destroy)                           \
  X(PJRT_Event_IsReady)                           \
  X(PJRT_Event_Error)                             \
  X(PJRT_Event_Await)                             \
  X(PJRT_Event_OnReady)                           \
  X(PJRT_Client_Create)                           \
  X(PJRT_Client_Destroy)                          \
  X(PJRT_Client_PlatformName)                     \
  X(PJRT_Client_PlatformVersion)                  \
  X(PJRT_Client_ProcessIndex)                     \
  X(PJRT_Client_Devices)                          \
  X(PJRT_Client_AddressableDevices)               \
  X(PJRT_Client_AddressableMemories)              \
  X(PJRT_Client_LookupDevice)                     \
  X(PJRT_Client_LookupAddressableDevice)          \
  X(PJRT_Client_DefaultDeviceAssignment)          \
  X(PJRT_Client_Compile)                          \
  X(PJRT_Client_BufferFromHostBuffer)             \
  X(PJRT_DeviceDescription_Id)                    \
  X(PJRT_DeviceDescription_ProcessIndex)          \
  X(PJRT_DeviceDescription_Attributes)            \
  X(PJRT_DeviceDescription_Kind)                  \
  X(PJRT_DeviceDescription_DebugString)           \
  X(PJRT_DeviceDescription_ToString)              \
  X(PJRT_Device_GetDescription)                   \
  X(PJRT_Device_IsAddressable)                    \
  X(PJRT_Device_LocalHardwareId)                  \
  X(PJRT_Device_AddressableMemories)              \
  X(PJRT_Device_DefaultMemory)                    \
  X(PJRT_Device_MemoryStats)                      \
  X(PJRT_Memory_Id)                               \
  X(PJRT_Memory_Kind)                             \
  X(PJRT_Memory_DebugString)                      \
  X(PJRT_Memory_ToString)                         \
  X(PJRT_Memory_AddressableByDevices)             \
  X(PJRT_Executable_Destroy)                      \
  X(PJRT_Executable_Name)                         \
  X(PJRT_Executable_NumReplicas)                  \
  X(PJRT_Executable_NumPartitions)                \
  X(PJRT_Executable_NumOutputs)                   \
  X(PJRT_Executable_SizeOfGeneratedCodeInBytes)   \
  X(PJRT_Executable_OutputElementTypes)           \
  X(PJRT_Executable_OutputDimensions)             \
  X(PJRT_Executable_GetCompiledMemoryStats)       \
  X(PJRT_Executable_OptimizedProgram)             \
  X(PJRT_Executable_Fingerprint)                  \
  X(PJRT_Executable_Serialize)                    \
  X(PJRT_Executable_DeserializeAndLoad)           \
  X(PJRT_LoadedExecutable_Destroy)                \
  X(PJRT_LoadedExecutable_GetExecutable)          \
  X(PJRT_LoadedExecutable_AddressableDevices)     \
  X(PJRT_LoadedExecutable_Delete)                 \
  X(PJRT_LoadedExecutable_IsDeleted)              \
  X(PJRT_LoadedExecutable_Execute)                \
  X(PJRT_Buffer_Destroy)                          \
  X(PJRT_Buffer_ElementType)                      \
  X(PJRT_Buffer_Dimensions)                       \
  X(PJRT_Buffer_OnDeviceSizeInBytes)              \
  X(PJRT_Buffer_Device)                           \
  X(PJRT_Buffer_Memory)                           \
  X(PJRT_Buffer_Delete)                           \
  X(PJRT_Buffer_IsDeleted)                        \
  X(PJRT_Buffer_IsOnCpu)                          \
  X(PJRT_Buffer_CopyToDevice)                     \
  X(PJRT_Buffer_CopyToMemory)                     \
  X(PJRT_Buffer_ToHostBuffer)                     \
  X(PJRT_Buffer_ReadyEvent)

namespace pjrt_cpu {

void PJRT_Error_Destroy(PJRT_Error_Destroy_Args* args);
void PJRT_Error_Message(PJRT_Error_Message_Args* args);

#define DECLARE(name) PJRT_Error* name(name##_Args* args);
PJRT_CPU_FUNCTIONS(DECLARE)
#undef DECLARE

}  // namespace pjrt_cpu
