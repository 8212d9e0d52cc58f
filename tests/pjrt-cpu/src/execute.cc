#include "src/function.h"
#include "src/functions.h"
#include "src/objects.h"

namespace pjrt_cpu {
namespace {

using Buffers = std::vector<std::unique_ptr<xla::PjRtBuffer>>;

xla::ExecuteOptions OptionsOf(const PJRT_ExecuteOptions& given) {
  xla::ExecuteOptions options;
  options.launch_id = given.launch_id;
  for (size_t i = 0; i < given.num_non_donatable_input_indices; ++i) {
    options.non_donatable_input_indices.insert(
        static_cast<int>(given.non_donatable_input_indices[i]));
  }
  return options;
}

std::vector<xla::PjRtBuffer*> ArgumentsOf(PJRT_Buffer* const* list, size_t count) {
  std::vector<xla::PjRtBuffer*> arguments;
  for (size_t i = 0; i < count; ++i) arguments.push_back(list[i]->buffer.get());
  return arguments;
}

void Deliver(Buffers outputs, PJRT_Buffer** list, PJRT_Client* client) {
  for (size_t i = 0; i < outputs.size(); ++i) {
    list[i] = new PJRT_Buffer{std::move(outputs[i]), client};
  }
}

absl::Status ExecuteOnOne(const PJRT_LoadedExecutable_Execute_Args& args,
                          const xla::ExecuteOptions& options) {
  if (args.num_devices != 1) {
    return absl::InvalidArgumentError(absl::StrCat(
        "execute_device is set, so num_devices must be 1 and not ", args.num_devices));
  }
  const xla::PjRtLoadedExecutable& executable = *args.executable->executable;
  xla::PjRtDevice* device = args.execute_device->device;
  const auto arguments = ArgumentsOf(args.argument_lists[0], args.num_args);
  const bool wanted = args.device_complete_events != nullptr;
  const bool portable = executable.addressable_devices().empty();
  std::optional<xla::Future<>> done;
  TF_ASSIGN_OR_RETURN(
      Buffers outputs,
      portable ? executable.ExecutePortable(arguments, device, options, done, wanted)
               : executable.ExecuteSharded(arguments, device, options, done, wanted));
  Deliver(std::move(outputs), args.output_lists[0], args.executable->client);
  if (wanted) args.device_complete_events[0] = new PJRT_Event{std::move(*done)};
  return absl::OkStatus();
}

absl::Status ExecuteOnAll(const PJRT_LoadedExecutable_Execute_Args& args,
                          const xla::ExecuteOptions& options) {
  const size_t devices = args.executable->addressable_devices.size();
  if (args.num_devices != devices) {
    return absl::InvalidArgumentError(absl::StrCat("num_devices is ", args.num_devices,
                                                   ", the executable runs on ", devices));
  }
  std::vector<std::vector<xla::PjRtBuffer*>> arguments;
  for (size_t device = 0; device < devices; ++device) {
    arguments.push_back(ArgumentsOf(args.argument_lists[device], args.num_args));
  }
  std::optional<std::vector<xla::Future<>>> done;
  if (args.device_complete_events != nullptr) done.emplace();
  TF_ASSIGN_OR_RETURN(std::vector<Buffers> outputs,
                      args.executable->executable->Execute(arguments, options, done));
  for (size_t device = 0; device < devices; ++device) {
    Deliver(std::move(outputs[device]), args.output_lists[device], args.executable->client);
    if (done) args.device_complete_events[device] = new PJRT_Event{std::move((*done)[device])};
  }
  return absl::OkStatus();
}

}  // namespace

PJRT_CPU_FUNCTION(PJRT_LoadedExecutable_Execute) {
  if (args->options->struct_size < PJRT_ExecuteOptions_STRUCT_SIZE) {
    return absl::InvalidArgumentError(
        absl::StrCat("PJRT_ExecuteOptions.struct_size is ", args->options->struct_size,
                     ", expected at least ", size_t{PJRT_ExecuteOptions_STRUCT_SIZE}));
  }
  const xla::ExecuteOptions options = OptionsOf(*args->options);
  return args->execute_device != nullptr ? ExecuteOnOne(*args, options)
                                         : ExecuteOnAll(*args, options);
}

}  // namespace pjrt_cpu
