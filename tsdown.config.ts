/** The library as packages import it. The command, workers and workflows of the package run from the sources, as in a
 *  checkout. */
import { defineConfig } from 'tsdown';

export default defineConfig({
  entry: 'rapt/index.ts',
  format: ['esm', 'cjs'],
  platform: 'node',
  target: 'node20.19',
  dts: true,
  shims: true,
  // So that whoever imports the library loads nothing of Temporal: what is left of it are names that no method uses.
  treeshake: { moduleSideEffects: false, manualPureFunctions: ['defineSearchAttributeKey'] },
  // Paths are found from the folder above: all files lie in one.
  outDir: 'dist',
});
