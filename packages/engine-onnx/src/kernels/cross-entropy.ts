import type { Node } from '@dinov2/jit';
import { kernel, numberOf } from './kernel';

function sizes(node: Node): [rows: number, teacherRows: number, columns: number] {
  const { student, teacher } = node.inputs;
  return [student.shape[0], teacher.shape[0], student.shape[1]];
}

export const crossEntropy = kernel({
  name: 'DistillationCrossEntropy',
  run: (wasm, node, { inputs: [student, teacher], outputs: [loss, lse] }) =>
    wasm.crossEntropy(student, teacher, loss, lse, ...sizes(node), numberOf(node, 'temperature')),
});

export const crossEntropyGrad = kernel({
  name: 'DistillationCrossEntropyGrad',
  inPlace: [[0, 0]],
  run: (wasm, node, { inputs: [student, teacher, lse, dloss], outputs: [dstudent] }) =>
    wasm.crossEntropyGrad(student, teacher, lse, dloss, dstudent, ...sizes(node), numberOf(node, 'temperature')),
});
