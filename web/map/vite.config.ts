import { readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { gzipSync } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';

const outDir = '../../services/cst_geo_analytics/page';

/**
 * Puts a packed copy beside each file, so that the API need not pack what it sends. What an earlier
 * build has left goes last: a running API serves one build or the other, never half of one.
 */
function packed(): Plugin {
  const written = new Set<string>();
  return {
    name: 'packed',
    apply: 'build',
    writeBundle(_, bundle) {
      for (const name of Object.keys(bundle)) {
        const path = `${outDir}/${name}`;
        writeFileSync(`${path}.gz`, gzipSync(readFileSync(path), { level: 9 }));
        written.add(path).add(`${path}.gz`);
      }
    },
    closeBundle() {
      for (const entry of readdirSync(outDir, { recursive: true, withFileTypes: true })) {
        const path = `${entry.parentPath}/${entry.name}`;
        if (entry.isFile() && written.size && !written.has(path)) rmSync(path);
      }
    },
  };
}

export default defineConfig({
  base: '/map/',
  plugins: [packed()],
  build: {
    outDir,
    emptyOutDir: false,
    target: 'es2022',
    // MapLibre GL and H3 are what they are.
    chunkSizeWarningLimit: 2000,
    // The page's rules allow no code or style of a data: address.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  // For work on the page: `npx vite`, with a system at :8000.
  server: {
    proxy: Object.fromEntries(
      ['/analytics', '/requests', '/map/config.json', '/map/zones.geojson'].map((path) => [
        path,
        process.env.CST_API_URL ?? 'http://127.0.0.1:8000',
      ]),
    ),
  },
});
