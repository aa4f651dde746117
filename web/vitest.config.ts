import { defineConfig } from 'vitest/config';

const browser = process.env.VALENCE_BROWSER_TESTS === '1';

export default defineConfig({
  test: {
    include: browser ? ['tests/browser/*.test.ts'] : ['tests/unit/*.test.ts'],
    // Browser tests share two cores with the browser: one file at a time.
    fileParallelism: !browser,
    testTimeout: browser ? 60_000 : 10_000,
    hookTimeout: 60_000,
  },
});
