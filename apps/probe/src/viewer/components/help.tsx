import { signal } from '@preact/signals';
import { useEffect, useRef } from 'preact/hooks';
import { Icon } from './icon';

export const helpOpen = signal(false);

const keys = [
  ['Click a patch', 'how alike all other patches are to it'],
  ['← ↑ → ↓', 'move the chosen patch'],
  ['+ or shift-click a picture', 'open one more, or close it'],
  ['n, p', 'next and previous picture'],
  ['1, 2, 3, 4', 'similarity, PCA, attention, picture alone'],
  ['m', 'folder as grid or as map'],
  ['e', 'save the open pictures as PNG'],
  ['Esc', 'let go of the patch'],
  ['t', 'light or dark'],
] as const;

export function Help() {
  const dialog = useRef<HTMLDialogElement>(null);
  useEffect(() => {
    if (helpOpen.value) dialog.current!.showModal();
    else dialog.current!.close();
  }, [helpOpen.value]);
  return (
    <dialog ref={dialog} onClose={() => (helpOpen.value = false)} onClick={({ target }) => target === dialog.current && (helpOpen.value = false)}>
      <div>
        <button type="button" class="icon" aria-label="Close" onClick={() => (helpOpen.value = false)}>
          <Icon name="close" />
        </button>
        <h2>Mouse and keys</h2>
        <dl>{keys.map(([key, what]) => <div key={key}><dt>{key}</dt><dd>{what}</dd></div>)}</dl>
        <p>Colours over a picture go from dark, least alike, to light, most alike. Nothing leaves this computer.</p>
      </div>
    </dialog>
  );
}
