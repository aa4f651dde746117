// A file dropped anywhere on the page is taken as if it had been chosen.

import { showAlert } from './alerts';
import { byId } from './dom';

export function takeDrops(take: (file: File) => void) {
  const veil = byId('drop-veil');
  let timer = 0;
  // dragover is repeated as long as the file is over the page; counting enter and leave goes wrong too easily.
  const show = (on: boolean) => {
    clearTimeout(timer);
    veil.hidden = !on;
    if (on) timer = window.setTimeout(() => { veil.hidden = true; }, 800);
  };
  const withFiles = (event: DragEvent) => event.dataTransfer?.types.includes('Files') ?? false;
  document.addEventListener('dragenter', event => {
    if (withFiles(event)) event.preventDefault();
  });
  document.addEventListener('dragover', event => {
    if (!withFiles(event)) return;
    event.preventDefault();
    show(true);
  });
  document.addEventListener('drop', event => {
    show(false);
    if (!withFiles(event)) return;
    event.preventDefault();
    const files = event.dataTransfer!.files;
    if (files.length > 1) showAlert('drop', `Of the ${files.length} files the first was taken: ${files[0].name}.`);
    if (files[0]) take(files[0]);
  });
}
