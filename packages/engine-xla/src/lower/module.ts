import { Builder } from './builder';
import { typesText, typeText, type Spec, type Tensor } from './tensor';

/** A function that others call. */
export interface FunctionInfo {
  readonly name: string;
  readonly outputs: readonly Spec[];
}

/** Arguments or results with attributes, e.g. their sharding. */
export interface Annotated extends Spec {
  /** `mhlo.sharding = "{replicated}"`, … */
  readonly annotations: readonly string[];
}

const annotated = (spec: Annotated): string => `${typeText(spec)}${spec.annotations.length > 0 ? ` {${spec.annotations.join(', ')}}` : ''}`;

/** A StableHLO module as it is being written. */
export class Module {
  readonly #functions = new Map<string, FunctionInfo>();
  readonly #texts: string[] = [];
  readonly #names = new Set<string>();

  /**
   * A private function, written once for each key.
   *
   * @param name - Wanted name; a number is appended where it is taken.
   * @param body - Given the arguments: the results.
   */
  function(key: string, name: string, inputs: readonly Spec[], body: (b: Builder, inputs: Tensor[]) => readonly Tensor[]): FunctionInfo {
    const known = this.#functions.get(key);
    if (known !== undefined) return known;
    const unique = this.#unique(name);
    const { text, results } = this.#body(inputs, body);
    const parameters = inputs.map((spec, i) => `%arg${i}: ${typeText(spec)}`).join(', ');
    this.#texts.push(`  func.func private @${unique}(${parameters}) -> ${typesText(results)} {\n${text}  }\n`);
    const info = { name: unique, outputs: results.map(({ shape, type }) => ({ shape, type })) };
    this.#functions.set(key, info);
    return info;
  }

  /** Text of the whole module, with this public function as its entry. */
  finish(
    attributes: readonly string[],
    inputs: readonly Annotated[],
    outputs: readonly Annotated[],
    body: (b: Builder, inputs: Tensor[]) => readonly Tensor[],
  ): string {
    const { text } = this.#body(inputs, body);
    const parameters = inputs.map((spec, i) => `%arg${i}: ${annotated(spec)}`).join(', ');
    return [
      `module @graph${attributes.length > 0 ? ` attributes {${attributes.join(', ')}}` : ''} {\n`,
      `  func.func public @main(${parameters}) -> (${outputs.map(annotated).join(', ')}) {\n${text}  }\n`,
      ...this.#texts,
      '}\n',
    ].join('');
  }

  #body(inputs: readonly Spec[], body: (b: Builder, inputs: Tensor[]) => readonly Tensor[]): { text: string; results: readonly Tensor[] } {
    const builder = new Builder(this);
    const results = body(
      builder,
      inputs.map(({ shape, type }, i) => ({ name: `%arg${i}`, shape, type })),
    );
    const names = results.map(({ name }) => name).join(', ');
    const types = results.map(typeText).join(', ');
    return { text: `${builder.text()}    return${results.length > 0 ? ` ${names} : ${types}` : ''}\n`, results };
  }

  #unique(name: string): string {
    let unique = name;
    for (let i = 1; this.#names.has(unique) || unique === 'main'; i++) unique = `${name}_${i}`;
    this.#names.add(unique);
    return unique;
  }
}
