import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { join } from 'node:path';
import { cacheFolder } from '../../paths.ts';
import { inStaging, runCommand } from '../commands.ts';
import { findOnPath } from '../programs.ts';
import type { Component } from './component.ts';
import { setting } from '../../../system/index.ts';

/** Upstream publishes source only. Go checks the module and all it imports against their recorded sums. */
const MODULE = 'github.com/minio/minio@v0.0.0-20260212201848-7aac2a2c5b7c';

const cached = (): string => join(cacheFolder(), 'bin', 'minio');

/** The MinIO server: named by RAPT_MINIO_BIN, on the PATH, or the one that set-up built. */
export const minioBinary = (): string => setting('RAPT_MINIO_BIN') ?? findOnPath('minio') ?? cached();

export const minio: Component = {
  name: 'minio',
  title: 'MinIO, built from source (3 to 5 minutes)',
  programs: ['go'],
  isReady: () => existsSync(minioBinary()),
  place: minioBinary,
  install: (say) =>
    inStaging('minio', async (folder) => {
      await runCommand('go', ['install', MODULE], { env: { GOBIN: folder, GOFLAGS: '-trimpath' }, say });
      mkdirSync(join(cacheFolder(), 'bin'), { recursive: true });
      renameSync(join(folder, 'minio'), cached());
    }),
};
