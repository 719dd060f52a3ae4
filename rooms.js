/** The rooms of the project: which others each may import. `eslint.config.js` holds these arrows, and that a room with
 *  an index is entered by it; docs/architecture.md shows them. Everything may import `contracts` and `system`, but for
 *  these two themselves and workflows, which are deterministic. */

/** Files of `rapt/` that lie beside its rooms. They know the machine (caches, TensorFlow, turns of the event loop) and
 *  nothing of the method. */
export const BASE = 'rapt/*.ts';

const METHOD = {
  'rapt/hub': [],
  'rapt/privacy': [],
  'rapt/evaluation': [],
  'rapt/data': [],
  'rapt/ledger': [],
  'rapt/backbone': ['rapt/hub', 'rapt/privacy'],
  'rapt/channel': ['rapt/privacy'],
  'rapt/release': ['rapt/backbone', 'rapt/data', 'rapt/privacy'],
  'rapt/policy': ['rapt/data', 'rapt/hub', 'rapt/ledger'],
  'rapt/report': ['rapt/evaluation', 'rapt/privacy'],
  'rapt/attacks': ['rapt/channel', 'rapt/data', 'rapt/evaluation', 'rapt/privacy'],
  'rapt/tuning': ['rapt/backbone', 'rapt/channel', 'rapt/hub', 'rapt/privacy', 'rapt/release'],
  'rapt/client': [
    'rapt/attacks',
    'rapt/backbone',
    'rapt/data',
    'rapt/evaluation',
    'rapt/ledger',
    'rapt/privacy',
    'rapt/release',
    'rapt/tuning',
  ],
  'rapt/local': [
    'rapt/backbone',
    'rapt/client',
    'rapt/evaluation',
    'rapt/ledger',
    'rapt/privacy',
    'rapt/release',
    'rapt/tuning',
  ],
};

/** `rapt` stands for all of its rooms. */
const SERVICE = {
  telemetry: [],
  codec: [],
  storage: [],
  workflows: [],
  settings: ['codec', 'storage', 'rapt'],
  infra: ['codec', 'settings', 'rapt'],
  activities: ['storage', 'telemetry', 'rapt'],
  workers: ['activities', 'codec', 'infra', 'settings', 'storage', 'telemetry', 'workflows', 'rapt'],
  cli: ['activities', 'codec', 'infra', 'settings', 'storage', 'telemetry', 'workers', 'rapt'],
};

/** Room by room, what it may import besides itself, in the order in which the arrows point. */
export const ROOMS = {
  contracts: [],
  system: ['contracts'],
  ...Object.fromEntries(
    Object.entries(METHOD).map(([room, others]) => [room, ['contracts', 'system', BASE, ...others]]),
  ),
  ...Object.fromEntries(
    Object.entries(SERVICE).map(([room, others]) => [
      room,
      room === 'workflows' ? ['contracts', ...others] : ['contracts', 'system', ...others],
    ]),
  ),
};

/** Rooms that others enter by their index alone. */
export const WITH_INDEX = [
  'contracts',
  'system',
  'telemetry',
  'codec',
  'storage',
  'settings',
  'infra/setup',
  'rapt/data/formats',
  ...Object.keys(METHOD),
];

/** Both sides of the trust boundary: neither may import the other's activities. */
export const APART = ['activities/client', 'activities/gpu'];

/** Folders of tests and measurements, which no room may import. Benches may use what supports tests. */
export const OUTSIDE = ['bench', 'test'];

/** The arrows in Markdown, as docs/architecture.md shows them, without what nearly every room may import. A test holds
 *  the page against this. @returns {string} */
export const roomsInMarkdown = () =>
  [...Object.entries(METHOD), ...Object.entries(SERVICE)]
    .map(([room, others]) => `- \`${room}\`: ${others.map((other) => `\`${other}\``).join(', ') || 'no other'}`)
    .join('\n');
