import { builtinModules } from 'node:module';
import importX from 'eslint-plugin-import-x';
import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript';
import tseslint from 'typescript-eslint';

/** Imports point one way; each folder lists what it may not reach. */
const MAY_NOT_IMPORT = {
  system: [
    'telemetry',
    'codec',
    'rapt',
    'storage',
    'workflows',
    'activities',
    'workers',
    'cli',
    'infra',
    'bench',
    'test',
  ],
  telemetry: ['codec', 'rapt', 'storage', 'workflows', 'activities', 'workers', 'cli', 'infra', 'bench', 'test'],
  contracts: [
    'system',
    'telemetry',
    'codec',
    'rapt',
    'storage',
    'workflows',
    'activities',
    'workers',
    'cli',
    'infra',
    'bench',
    'test',
  ],
  codec: ['telemetry', 'rapt', 'storage', 'workflows', 'activities', 'workers', 'cli', 'infra', 'bench', 'test'],
  rapt: ['telemetry', 'codec', 'storage', 'workflows', 'activities', 'workers', 'cli', 'infra', 'bench', 'test'],
  storage: ['telemetry', 'codec', 'rapt', 'workflows', 'activities', 'workers', 'cli', 'infra', 'bench', 'test'],
  workflows: [
    'system',
    'telemetry',
    'codec',
    'rapt',
    'storage',
    'activities',
    'workers',
    'cli',
    'infra',
    'bench',
    'test',
  ],
  activities: ['codec', 'workflows', 'workers', 'cli', 'infra', 'bench', 'test'],
  workers: ['cli', 'bench', 'test'],
  infra: ['activities', 'workflows', 'workers', 'cli', 'bench', 'test'],
  cli: ['bench', 'test'],
};
/** Folders that others reach through their index alone. */
const WITH_INDEX = [
  'contracts',
  'system',
  'telemetry',
  'codec',
  'storage',
  'rapt/privacy',
  'rapt/backbone',
  'rapt/hub',
  'rapt/tuning',
  'rapt/data',
  'rapt/release',
  'rapt/ledger',
  'rapt/policy',
  'rapt/attacks',
  'rapt/evaluation',
  'rapt/report',
  'rapt/client',
  'rapt/local',
  'infra/setup',
];

/** What of these the set-up imports before any package is there, which an index in TypeScript cannot give. */
const BEFORE_PACKAGES = {
  system: ['./digest.mjs', './file-lock.mjs', './make-folder.mjs', './memory.mjs', './paths.mjs', './setting.mjs'],
};

/** What runs before any package is there. */
const TYPED_JAVASCRIPT = ['system/**/*.mjs', 'infra/**/*.mjs'];

const zones = [
  ...Object.entries(MAY_NOT_IMPORT).flatMap(([target, from]) =>
    from.map((folder) => ({
      target: `./${target}`,
      from: `./${folder}`,
      message: `${target} may not import ${folder}: see docs/architecture.md`,
    })),
  ),
  ...WITH_INDEX.flatMap((folder) =>
    [
      'contracts',
      'system',
      'telemetry',
      'codec',
      'rapt',
      'storage',
      'workflows',
      'activities',
      'workers',
      'cli',
      'infra',
      'bench',
    ]
      .filter((target) => target !== folder && !folder.startsWith(`${target}/`))
      .map((target) => ({
        target: `./${target}`,
        from: `./${folder}`,
        except: ['./index.ts', ...(target === 'infra' ? (BEFORE_PACKAGES[folder] ?? []) : [])],
        message: `import ${folder} by its index`,
      })),
  ),
];

export default tseslint.config(
  { ignores: ['node_modules/', '.rapt/', 'dist/', 'docs/'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { 'import-x': importX },
    settings: { 'import-x/resolver-next': [createTypeScriptImportResolver()] },
    rules: {
      'import-x/no-restricted-paths': ['error', { zones }],
      'import-x/no-cycle': 'error',
      'import-x/no-extraneous-dependencies': 'error',
      '@typescript-eslint/no-floating-promises': 'error',
      '@typescript-eslint/consistent-type-imports': 'error',
      '@typescript-eslint/explicit-module-boundary-types': 'error',
      '@typescript-eslint/no-unused-vars': ['error', { argsIgnorePattern: '^_', varsIgnorePattern: '^_' }],
      eqeqeq: 'error',
      // Reading typed arrays in inner loops: noUncheckedIndexedAccess asks for an assertion at each.
      '@typescript-eslint/no-non-null-assertion': 'off',
      '@typescript-eslint/restrict-template-expressions': ['error', { allowNumber: true, allowBoolean: true }],
      '@typescript-eslint/no-confusing-void-expression': ['error', { ignoreArrowShorthand: true }],
    },
  },
  {
    files: ['workflows/**/*.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          paths: builtinModules
            .filter((name) => name !== 'assert' && name !== 'util')
            .map((name) => ({ name, message: 'workflows are deterministic: no Node modules' })),
          patterns: [{ group: ['node:*'], message: 'workflows are deterministic: no Node modules' }],
        },
      ],
    },
  },
  {
    files: ['test/**/*.ts'],
    rules: {
      '@typescript-eslint/explicit-module-boundary-types': 'off',
      // node:test returns promises that its runner awaits.
      '@typescript-eslint/no-floating-promises': [
        'error',
        { allowForKnownSafeCalls: [{ from: 'package', name: ['test', 'describe', 'it'], package: 'node:test' }] },
      ],
    },
  },
  { files: ['**/*.js', '**/*.mjs', '**/*.cjs'], ignores: TYPED_JAVASCRIPT, ...tseslint.configs.disableTypeChecked },
  // Their types stand in comments, which TypeScript reads and these rules do not.
  {
    files: TYPED_JAVASCRIPT,
    rules: {
      '@typescript-eslint/explicit-module-boundary-types': 'off',
      '@typescript-eslint/no-unsafe-assignment': 'off',
      '@typescript-eslint/no-unsafe-return': 'off',
    },
  },
  { files: ['**/*.cjs'], rules: { '@typescript-eslint/no-require-imports': 'off' } },
);
