// Builds the page beside the committed one and compares them byte for byte.

import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync, rmSync } from 'node:fs';

const expected = ['app.css', 'app.js', 'icon.svg', 'index.html'];
const fresh = '.check-dist';

execFileSync('npx', ['vite', 'build', '--outDir', fresh, '--emptyOutDir', '--logLevel', 'warn'], { stdio: 'inherit' });
const problems = [];
for (const folder of [fresh, 'dist']) {
  const names = readdirSync(folder).sort();
  if (names.join() !== expected.join()) problems.push(`${folder} holds ${names.join(', ')}, expected ${expected.join(', ')}`);
}
for (const name of problems.length > 0 ? [] : expected) {
  if (!readFileSync(`${fresh}/${name}`).equals(readFileSync(`dist/${name}`))) {
    problems.push(`dist/${name} is not what the sources give: run npm run build and commit it`);
  }
}
const size = expected.reduce((sum, name) => sum + readFileSync(`dist/${name}`).length, 0);
if (size > 100_000) problems.push(`dist has ${size} bytes, at most 100000`);
rmSync(fresh, { recursive: true });
for (const problem of problems) console.error(problem);
if (problems.length === 0) console.log(`check-dist: dist is what the sources give, ${size} bytes`);
process.exit(problems.length > 0 ? 1 : 0);
