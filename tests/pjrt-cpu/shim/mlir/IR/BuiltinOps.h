// The wheel carries XLA's headers but not LLVM's, which the real file of this
// name needs. XLA's client headers pass this one class by value and never look
// inside, so its size is enough: an op is a pointer to its operation.
#pragma once

namespace mlir {

class Operation;

class ModuleOp {
  Operation* operation;
};

}  // namespace mlir
