/** One of a few choices. */
export function Segments<T extends string | number>({ label, choices, value, choose }: {
  readonly label: string;
  readonly choices: readonly { readonly value: T; readonly name: string; readonly title?: string }[];
  readonly value: T;
  choose(value: T): void;
}) {
  return (
    <div class="segments" role="radiogroup" aria-label={label}>
      {choices.map((choice) => (
        <button key={choice.value} type="button" role="radio" aria-checked={choice.value === value} title={choice.title} onClick={() => choose(choice.value)}>
          {choice.name}
        </button>
      ))}
    </div>
  );
}
