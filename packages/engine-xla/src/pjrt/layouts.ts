import type { Fields } from './struct';

/** With what every struct of the interface begins. */
const header = { struct_size: 'size', extension_start: 'pointer' } as const satisfies Fields;

const struct = <F extends Fields>(fields: F): typeof header & F => ({ ...header, ...fields });

/** `PJRT_NamedValue`. The value is a union of 8 bytes: an address, or a number or truth value in its lower bytes. */
export const namedValue = struct({ name: 'pointer', name_size: 'size', type: 'int32', value: 'int64', value_size: 'size' });

/** `PJRT_NamedValue_Type`. */
export const namedValueType = { text: 0, int64: 1, int64List: 2, float: 3, bool: 4 } as const;

/** `PJRT_Program`. */
export const program = struct({ code: 'pointer', code_size: 'size', format: 'pointer', format_size: 'size' });

/** `PJRT_ExecuteOptions`. */
export const executeOptions = struct({
  send_callbacks: 'pointer',
  recv_callbacks: 'pointer',
  num_send_ops: 'size',
  num_recv_ops: 'size',
  launch_id: 'int32',
  non_donatable_input_indices: 'pointer',
  num_non_donatable_input_indices: 'size',
  context: 'pointer',
  call_location: 'pointer',
  num_tasks: 'size',
  task_ids: 'pointer',
  incarnation_ids: 'pointer',
});

/** `PJRT_Buffer_Type` of what goes in and out of graphs. */
export const bufferType = { bool: 1, int32: 4, float32: 11 } as const;

/** `PJRT_HostBufferSemantics`. */
export const hostBufferSemantics = { immutableOnlyDuringCall: 0, immutableUntilTransferCompletes: 1 } as const;

/** `PJRT_Error_Code`, by number. */
export const errorCodes = [
  'OK',
  'CANCELLED',
  'UNKNOWN',
  'INVALID_ARGUMENT',
  'DEADLINE_EXCEEDED',
  'NOT_FOUND',
  'ALREADY_EXISTS',
  'PERMISSION_DENIED',
  'RESOURCE_EXHAUSTED',
  'FAILED_PRECONDITION',
  'ABORTED',
  'OUT_OF_RANGE',
  'UNIMPLEMENTED',
  'INTERNAL',
  'UNAVAILABLE',
  'DATA_LOSS',
  'UNAUTHENTICATED',
] as const;

/** `PJRT_KeyValueGetCallback_Args`, `…TryGet…` and `…Put…`: what a client passes when it wants something of the store. */
export const keyValueGet = struct({
  key: 'pointer',
  key_size: 'size',
  timeout_in_ms: 'int32',
  callback_error: 'pointer',
  user_arg: 'pointer',
  value: 'pointer',
  value_size: 'size',
  value_deleter_callback: 'pointer',
});
export const keyValueTryGet = struct({
  key: 'pointer',
  key_size: 'size',
  callback_error: 'pointer',
  user_arg: 'pointer',
  value: 'pointer',
  value_size: 'size',
  value_deleter_callback: 'pointer',
});
export const keyValuePut = struct({
  key: 'pointer',
  key_size: 'size',
  value: 'pointer',
  value_size: 'size',
  callback_error: 'pointer',
  user_arg: 'pointer',
});

const client = { client: 'pointer' } as const;
const executable = { executable: 'pointer' } as const;
const buffer = { buffer: 'pointer' } as const;

/** Arguments of the functions that this package calls (`PJRT_…_Args`): what goes in, and then what comes out. */
export const argumentLayouts = {
  PJRT_Error_Destroy: struct({ error: 'pointer' }),
  PJRT_Error_Message: struct({ error: 'pointer', message: 'pointer', message_size: 'size' }),
  PJRT_Error_GetCode: struct({ error: 'pointer', code: 'int32' }),
  PJRT_Plugin_Initialize: struct({}),
  PJRT_Event_Destroy: struct({ event: 'pointer' }),
  PJRT_Event_IsReady: struct({ event: 'pointer', is_ready: 'bool' }),
  PJRT_Event_Error: struct({ event: 'pointer' }),
  PJRT_Client_Create: struct({
    create_options: 'pointer',
    num_options: 'size',
    kv_get_callback: 'pointer',
    kv_get_user_arg: 'pointer',
    kv_put_callback: 'pointer',
    kv_put_user_arg: 'pointer',
    client: 'pointer',
    kv_try_get_callback: 'pointer',
    kv_try_get_user_arg: 'pointer',
  }),
  PJRT_Client_Destroy: struct(client),
  PJRT_Client_PlatformName: struct({ ...client, platform_name: 'pointer', platform_name_size: 'size' }),
  PJRT_Client_PlatformVersion: struct({ ...client, platform_version: 'pointer', platform_version_size: 'size' }),
  PJRT_Client_ProcessIndex: struct({ ...client, process_index: 'int32' }),
  PJRT_Client_Devices: struct({ ...client, devices: 'pointer', num_devices: 'size' }),
  PJRT_Client_AddressableDevices: struct({ ...client, addressable_devices: 'pointer', num_addressable_devices: 'size' }),
  PJRT_Client_Compile: struct({
    ...client,
    program: 'pointer',
    compile_options: 'pointer',
    compile_options_size: 'size',
    executable: 'pointer',
  }),
  PJRT_Client_BufferFromHostBuffer: struct({
    ...client,
    data: 'pointer',
    type: 'int32',
    dims: 'pointer',
    num_dims: 'size',
    byte_strides: 'pointer',
    num_byte_strides: 'size',
    host_buffer_semantics: 'int32',
    device: 'pointer',
    memory: 'pointer',
    device_layout: 'pointer',
    done_with_host_buffer: 'pointer',
    buffer: 'pointer',
  }),
  PJRT_DeviceDescription_Id: struct({ device_description: 'pointer', id: 'int32' }),
  PJRT_DeviceDescription_ProcessIndex: struct({ device_description: 'pointer', process_index: 'int32' }),
  PJRT_DeviceDescription_Kind: struct({ device_description: 'pointer', device_kind: 'pointer', device_kind_size: 'size' }),
  PJRT_DeviceDescription_Attributes: struct({ device_description: 'pointer', num_attributes: 'size', attributes: 'pointer' }),
  PJRT_Device_GetDescription: struct({ device: 'pointer', device_description: 'pointer' }),
  PJRT_Device_MemoryStats: struct({
    device: 'pointer',
    bytes_in_use: 'int64',
    peak_bytes_in_use: 'int64',
    peak_bytes_in_use_is_set: 'bool',
    num_allocs: 'int64',
    num_allocs_is_set: 'bool',
    largest_alloc_size: 'int64',
    largest_alloc_size_is_set: 'bool',
    bytes_limit: 'int64',
    bytes_limit_is_set: 'bool',
    bytes_reserved: 'int64',
    bytes_reserved_is_set: 'bool',
    peak_bytes_reserved: 'int64',
    peak_bytes_reserved_is_set: 'bool',
    bytes_reservable_limit: 'int64',
    bytes_reservable_limit_is_set: 'bool',
    largest_free_block_bytes: 'int64',
    largest_free_block_bytes_is_set: 'bool',
    pool_bytes: 'int64',
    pool_bytes_is_set: 'bool',
    peak_pool_bytes: 'int64',
    peak_pool_bytes_is_set: 'bool',
  }),
  PJRT_Executable_Destroy: struct(executable),
  PJRT_Executable_NumOutputs: struct({ ...executable, num_outputs: 'size' }),
  PJRT_Executable_OptimizedProgram: struct({ ...executable, program: 'pointer' }),
  PJRT_Executable_Serialize: struct({
    ...executable,
    serialized_bytes: 'pointer',
    serialized_bytes_size: 'size',
    serialized_executable: 'pointer',
    serialized_executable_deleter: 'pointer',
  }),
  PJRT_Executable_GetCompiledMemoryStats: struct({
    ...executable,
    generated_code_size_in_bytes: 'int64',
    argument_size_in_bytes: 'int64',
    output_size_in_bytes: 'int64',
    alias_size_in_bytes: 'int64',
    temp_size_in_bytes: 'int64',
    host_generated_code_size_in_bytes: 'int64',
    host_argument_size_in_bytes: 'int64',
    host_output_size_in_bytes: 'int64',
    host_alias_size_in_bytes: 'int64',
    host_temp_size_in_bytes: 'int64',
    peak_memory_in_bytes: 'int64',
    total_size_in_bytes: 'int64',
  }),
  PJRT_Executable_DeserializeAndLoad: struct({
    ...client,
    serialized_executable: 'pointer',
    serialized_executable_size: 'size',
    loaded_executable: 'pointer',
    overridden_serialized_compile_options: 'pointer',
    overridden_serialized_compile_options_size: 'size',
  }),
  PJRT_LoadedExecutable_Destroy: struct(executable),
  PJRT_LoadedExecutable_GetExecutable: struct({ loaded_executable: 'pointer', executable: 'pointer' }),
  PJRT_LoadedExecutable_AddressableDevices: struct({
    ...executable,
    addressable_devices: 'pointer',
    num_addressable_devices: 'size',
  }),
  PJRT_LoadedExecutable_Execute: struct({
    ...executable,
    options: 'pointer',
    argument_lists: 'pointer',
    num_devices: 'size',
    num_args: 'size',
    output_lists: 'pointer',
    device_complete_events: 'pointer',
    execute_device: 'pointer',
  }),
  PJRT_Buffer_Destroy: struct(buffer),
  PJRT_Buffer_ToHostBuffer: struct({ src: 'pointer', host_layout: 'pointer', dst: 'pointer', dst_size: 'size', event: 'pointer' }),
  PJRT_TopologyDescription_Create: struct({
    topology_name: 'pointer',
    topology_name_size: 'size',
    create_options: 'pointer',
    num_options: 'size',
    topology: 'pointer',
  }),
  PJRT_TopologyDescription_Destroy: struct({ topology: 'pointer' }),
  PJRT_TopologyDescription_PlatformName: struct({ topology: 'pointer', platform_name: 'pointer', platform_name_size: 'size' }),
  PJRT_TopologyDescription_GetDeviceDescriptions: struct({ topology: 'pointer', descriptions: 'pointer', num_descriptions: 'size' }),
  PJRT_Compile: struct({
    topology: 'pointer',
    program: 'pointer',
    compile_options: 'pointer',
    compile_options_size: 'size',
    client: 'pointer',
    executable: 'pointer',
  }),
} as const;
