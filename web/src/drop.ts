// A file dropped anywhere on the page is taken as if it had been chosen.

import { showAlert } from './alerts';
import { byId } from './dom';

export function takeDrops(take: (file: File) => void) {
  const veil = byId('drop-veil');
  let depth = 0;
  const show = (on: boolean) => { veil.hidden = !on; };
  const withFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false;
  document.addEventListener('dragenter', event => {
    if (!withFiles(event)) return;
    event.preventDefault();
    depth++;
    show(true);
  });
  document.addEventListener('dragleave', () => {
    depth = Math.max(0, depth - 1);
    if (depth === 0) show(false);
  });
  document.addEventListener('dragover', event => { if (withFiles(event)) event.preventDefault(); });
  document.addEventListener('drop', event => {
    depth = 0;
    show(false);
    if (!withFiles(event)) return;
    event.preventDefault();
    const files = event.dataTransfer!.files;
    if (files.length > 1) showAlert('drop', `Of the ${files.length} files the first was taken: ${files[0].name}.`);
    if (files[0]) take(files[0]);
  });
}
