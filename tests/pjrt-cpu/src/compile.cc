#include <string_view>

#include "src/function.h"
#include "src/functions.h"
#include "src/objects.h"
#include "xla/hlo/builder/xla_computation.h"
#include "xla/pjrt/proto/compile_options.pb.h"

namespace xla {

// Declared in xla/pjrt/mlir_to_hlo.h, which needs LLVM's headers.
absl::Status ParseMlirModuleStringAndConvertToXlaComputation(absl::string_view module,
                                                             XlaComputation& computation,
                                                             bool use_tuple_args,
                                                             bool return_tuple);

}  // namespace xla

namespace pjrt_cpu {
namespace {

absl::StatusOr<xla::CompileOptions> ReadCompileOptions(const char* bytes, size_t size) {
  xla::CompileOptionsProto proto;
  if (!proto.ParseFromArray(bytes, static_cast<int>(size))) {
    return absl::InvalidArgumentError(
        absl::StrCat(size, " bytes are no serialized CompileOptionsProto"));
  }
  return xla::CompileOptions::FromProto(proto);
}

absl::StatusOr<xla::XlaComputation> ReadProgram(const PJRT_Program& program, bool tuple_args) {
  const std::string_view format(program.format, program.format_size);
  const std::string_view code(program.code, program.code_size);
  if (format == "mlir") {
    xla::XlaComputation computation;
    TF_RETURN_IF_ERROR(xla::ParseMlirModuleStringAndConvertToXlaComputation(
        code, computation, tuple_args, /*return_tuple=*/false));
    return computation;
  }
  if (format == "hlo") {
    xla::HloModuleProto proto;
    if (!proto.ParseFromArray(code.data(), static_cast<int>(code.size()))) {
      return absl::InvalidArgumentError("the program is no serialized HloModuleProto");
    }
    return xla::XlaComputation(std::move(proto));
  }
  return absl::InvalidArgumentError(
      absl::StrCat("program format '", format, "' is neither 'mlir' nor 'hlo'"));
}

PJRT_LoadedExecutable* Wrap(std::unique_ptr<xla::PjRtLoadedExecutable> executable,
                            PJRT_Client* client) {
  auto* loaded = new PJRT_LoadedExecutable{std::move(executable), client};
  for (xla::PjRtDevice* device : loaded->executable->addressable_devices()) {
    loaded->addressable_devices.push_back(client->device_of.at(device));
  }
  return loaded;
}

}  // namespace

PJRT_CPU_FUNCTION(PJRT_Client_Compile) {
  TF_ASSIGN_OR_RETURN(xla::CompileOptions options,
                      ReadCompileOptions(args->compile_options, args->compile_options_size));
  TF_ASSIGN_OR_RETURN(xla::XlaComputation computation,
                      ReadProgram(*args->program, options.parameter_is_tupled_arguments));
  TF_ASSIGN_OR_RETURN(auto executable,
                      args->client->client->CompileAndLoad(computation, std::move(options)));
  args->executable = Wrap(std::move(executable), args->client);
  return absl::OkStatus();
}

PJRT_CPU_FUNCTION(PJRT_Executable_DeserializeAndLoad) {
  std::optional<xla::CompileOptions> options;
  if (args->overridden_serialized_compile_options != nullptr) {
    TF_ASSIGN_OR_RETURN(options,
                        ReadCompileOptions(args->overridden_serialized_compile_options,
                                           args->overridden_serialized_compile_options_size));
  }
  const std::string_view bytes(args->serialized_executable, args->serialized_executable_size);
  TF_ASSIGN_OR_RETURN(auto executable,
                      args->client->client->LoadSerializedExecutable(bytes, std::move(options),
                                                                     xla::LoadOptions()));
  args->loaded_executable = Wrap(std::move(executable), args->client);
  return absl::OkStatus();
}

}  // namespace pjrt_cpu
