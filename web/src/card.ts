// A model card in Markdown as headings, paragraphs, lists and code. Anything else, HTML included, stays text.

import { h, type Child } from './dom';

/** `code` and **bold**; links keep their text only: the page leads to no other host. */
function inline(text: string): Child[] {
  const plain = text.replace(/!?\[([^\]]*)\]\([^)]*\)/g, '$1');
  return plain.split(/(`[^`]+`|\*\*[^*]+\*\*)/).map(part => {
    if (/^`[^`]+`$/.test(part)) return h('code', {}, part.slice(1, -1));
    return /^\*\*[^*]+\*\*$/.test(part) ? h('strong', {}, part.slice(2, -2)) : part;
  });
}

function block(lines: string[]): HTMLElement {
  const heading = /^(#{1,6})\s+(.*)$/.exec(lines[0]);
  if (heading) return h(heading[1].length < 3 ? 'h4' : 'h5', {}, ...inline(heading[2]));
  if (lines[0].startsWith('|') || /^( {4}|\t)/.test(lines[0])) return code(lines);
  if (/^\s*[-*+]\s/.test(lines[0])) {
    const items = lines.join('\n').split(/\n(?=\s*[-*+]\s)/).map(item => item.replace(/^\s*[-*+]\s+/, ''));
    return h('ul', {}, ...items.map(item => h('li', {}, ...inline(item))));
  }
  return h('p', {}, ...inline(lines.join(' ')));
}

function code(lines: string[]): HTMLElement {
  return h('pre', { tabindex: 0, role: 'group', 'aria-label': 'Part of the card' }, lines.join('\n'));
}

export function renderCard(card: string): HTMLElement {
  const root = h('div', {});
  const lines = card.replace(/\r\n?/g, '\n').replace(/^---\n[\s\S]*?\n---\n/, '').split('\n');
  let open: string[] = [];
  let fence: string[] | null = null;
  const flush = () => {
    if (open.length > 0) root.append(block(open));
    open = [];
  };
  for (const line of lines) {
    if (/^\s*(```|~~~)/.test(line)) {
      flush();
      if (fence) root.append(code(fence));
      fence = fence ? null : [];
    } else if (fence) {
      fence.push(line);
    } else if (line.trim() === '') {
      flush();
    } else if (/^#{1,6}\s/.test(line)) {
      flush();
      root.append(block([line]));
    } else {
      open.push(line);
    }
  }
  flush();
  if (fence && fence.length > 0) root.append(code(fence));
  return root;
}
