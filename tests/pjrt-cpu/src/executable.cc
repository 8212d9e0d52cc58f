#include <cstring>

#include "src/element_type.h"
#include "src/function.h"
#include "src/functions.h"
#include "src/objects.h"
#include "xla/hlo/ir/hlo_module.h"

namespace pjrt_cpu {
namespace {

// The programs of an SPMD executable are one, so the first answers for all.
template <typename T>
absl::StatusOr<T> First(absl::StatusOr<std::vector<T>> programs) {
  TF_RETURN_IF_ERROR(programs.status());
  if (programs->empty()) return absl::InternalError("the executable holds no program");
  return std::move(programs->front());
}

}  // namespace

PJRT_CPU_FUNCTION(PJRT_Executable_Destroy) {
  delete args->executable;
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_Executable_Name) {
  const auto name = args->executable->executable->name();
  args->executable_name = name.data();
  args->executable_name_size = name.size();
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_Executable_NumReplicas) {
  args->num_replicas = args->executable->executable->num_replicas();
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_Executable_NumPartitions) {
  args->num_partitions = args->executable->executable->num_partitions();
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_Executable_NumOutputs) {
  TF_ASSIGN_OR_RETURN(auto types, First(args->executable->executable->GetOutputElementTypes()));
  args->num_outputs = types.size();
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_Executable_SizeOfGeneratedCodeInBytes) {
  args->size_in_bytes = args->executable->executable->SizeOfGeneratedCodeInBytes();
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_Executable_OutputElementTypes) {
  PJRT_Executable* executable = args->executable;
  TF_ASSIGN_OR_RETURN(auto types, First(executable->executable->GetOutputElementTypes()));
  executable->output_types.clear();
  for (xla::PrimitiveType type : types) {
    TF_ASSIGN_OR_RETURN(PJRT_Buffer_Type output, BufferTypeOf(type));
    executable->output_types.push_back(output);
  }
  args->output_types = executable->output_types.data();
  args->num_output_types = executable->output_types.size();
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_Executable_OutputDimensions) {
  PJRT_Executable* executable = args->executable;
  TF_ASSIGN_OR_RETURN(auto shapes, First(executable->executable->GetOutputDimensions()));
  executable->output_dimensions.clear();
  executable->output_ranks.clear();
  for (const auto& shape : shapes) {
    executable->output_dimensions.insert(executable->output_dimensions.end(), shape.begin(),
                                         shape.end());
    executable->output_ranks.push_back(shape.size());
  }
  args->num_outputs = executable->output_ranks.size();
  args->dims = executable->output_dimensions.data();
  args->dim_sizes = executable->output_ranks.data();
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_Executable_GetCompiledMemoryStats) {
  TF_ASSIGN_OR_RETURN(xla::CompiledMemoryStats stats,
                      args->executable->executable->GetCompiledMemoryStats());
  args->generated_code_size_in_bytes = stats.generated_code_size_in_bytes;
  args->argument_size_in_bytes = stats.argument_size_in_bytes;
  args->output_size_in_bytes = stats.output_size_in_bytes;
  args->alias_size_in_bytes = stats.alias_size_in_bytes;
  args->temp_size_in_bytes = stats.temp_size_in_bytes;
  args->host_generated_code_size_in_bytes = stats.host_generated_code_size_in_bytes;
  args->host_argument_size_in_bytes = stats.host_argument_size_in_bytes;
  args->host_output_size_in_bytes = stats.host_output_size_in_bytes;
  args->host_alias_size_in_bytes = stats.host_alias_size_in_bytes;
  args->host_temp_size_in_bytes = stats.host_temp_size_in_bytes;
  args->peak_memory_in_bytes = stats.peak_memory_in_bytes;
  args->total_size_in_bytes = stats.total_size_in_bytes;
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_Executable_OptimizedProgram) {
  constexpr std::string_view kFormat = "hlo_with_config";
  TF_ASSIGN_OR_RETURN(auto module, First(args->executable->executable->GetHloModules()));
  const std::string code = module->ToProtoWithConfig().SerializeAsString();
  PJRT_Program* program = args->program;
  program->format = kFormat.data();
  program->format_size = kFormat.size();
  if (program->code == nullptr) {
    program->code_size = code.size();
    return absl::OkStatus();
  }
  if (program->code_size < code.size()) {
    return absl::InvalidArgumentError(absl::StrCat("the program takes ", code.size(),
                                                   " bytes, code_size is ", program->code_size));
  }
  std::memcpy(program->code, code.data(), code.size());
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_Executable_Fingerprint) {
  TF_ASSIGN_OR_RETURN(args->executable->fingerprint,
                      args->executable->executable->FingerprintExecutable());
  args->executable_fingerprint = args->executable->fingerprint.data();
  args->executable_fingerprint_size = args->executable->fingerprint.size();
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_Executable_Serialize) {
  TF_ASSIGN_OR_RETURN(std::string bytes, args->executable->executable->SerializeExecutable());
  args->serialized_executable = new PJRT_SerializedExecutable{std::move(bytes)};
  args->serialized_bytes = args->serialized_executable->bytes.data();
  args->serialized_bytes_size = args->serialized_executable->bytes.size();
  args->serialized_executable_deleter = [](PJRT_SerializedExecutable* serialized) {
    delete serialized;
  };
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_LoadedExecutable_Destroy) {
  delete args->executable;
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_LoadedExecutable_GetExecutable) {
  args->executable = new PJRT_Executable{args->loaded_executable->executable};
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_LoadedExecutable_AddressableDevices) {
  args->addressable_devices = args->executable->addressable_devices.data();
  args->num_addressable_devices = args->executable->addressable_devices.size();
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_LoadedExecutable_Delete) {
  args->executable->executable->Delete();
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_LoadedExecutable_IsDeleted) {
  args->is_deleted = args->executable->executable->IsDeleted();
  return absl::OkStatus();
}

}  // namespace pjrt_cpu
