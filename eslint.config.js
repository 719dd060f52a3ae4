import { builtinModules } from 'node:module';
import importX from 'eslint-plugin-import-x';
import { createTypeScriptImportResolver } from 'eslint-import-resolver-typescript';
import stylistic from '@stylistic/eslint-plugin';
import tseslint from 'typescript-eslint';
import { APART, OUTSIDE, ROOMS, WITH_INDEX } from './rooms.js';

/** What of these the set-up imports before any package is there, which an index in TypeScript cannot give. */
const BEFORE_PACKAGES = {
  system: ['./digest.mjs', './file-lock.mjs', './make-folder.mjs', './memory.mjs', './paths.mjs', './setting.mjs'],
};

/** What runs before any package is there. */
const TYPED_JAVASCRIPT = ['system/**/*.mjs', 'infra/**/*.mjs'];

const rooms = Object.keys(ROOMS);

/** The rooms that a room may import, `rapt` standing for all of its rooms. */
const allowed = (room) =>
  ROOMS[room].flatMap((name) => (name === 'rapt' ? rooms.filter((other) => other.startsWith('rapt/')) : [name]));

const usesMethod = (room) => room.startsWith('rapt/') || ROOMS[room].includes('rapt');

/** Imports point one way. */
const arrows = rooms.flatMap((room) =>
  [...rooms, 'rapt', ...OUTSIDE]
    .filter((other) => other !== room && !allowed(room).includes(other) && !(other === 'rapt' && usesMethod(room)))
    .map((other) => ({
      target: `./${room}`,
      from: `./${other}`,
      message: `${room} may not import ${other}: see rooms.js`,
    })),
);

/** What lies beside the rooms of `rapt/` knows none of them. */
const base = [...rooms.filter((room) => !['contracts', 'system'].includes(room)), ...OUTSIDE].map((room) => ({
  target: './rapt/!(index).ts',
  from: `./${room}`,
  message: `what lies beside the rooms of rapt may not import ${room}: see rooms.js`,
}));

/** A room with an index is entered by it. */
const entrances = WITH_INDEX.flatMap((room) =>
  [...rooms, 'bench']
    .filter((other) => other !== room)
    .map((other) => ({
      // Of a folder around the room, all but the room itself.
      target: room.startsWith(`${other}/`) ? `./${other}/!(${room.slice(other.length + 1)}){,/**}` : `./${other}`,
      from: `./${room}`,
      except: ['./index.ts', ...(other === 'infra' ? (BEFORE_PACKAGES[room] ?? []) : [])],
      message: `import ${room} by its index`,
    })),
);
/** The package's entry gives out rooms of the method, by their indexes. */
const entry = [
  ...[...rooms.filter((room) => room !== 'contracts' && !room.startsWith('rapt/')), ...OUTSIDE].map((room) => ({
    target: './rapt/index.ts',
    from: `./${room}`,
    message: `the entry of the package may not import ${room}`,
  })),
  ...WITH_INDEX.map((room) => ({
    target: './rapt/index.ts',
    from: `./${room}`,
    except: ['./index.ts'],
    message: `import ${room} by its index`,
  })),
];

const apart = APART.flatMap((room) =>
  APART.filter((other) => other !== room).map((other) => ({
    target: `./${room}`,
    from: `./${other}`,
    message: `${room} and ${other} are apart: the trust boundary runs between them`,
  })),
);

/** What benches share with tests lies in test/support. */
const tests = [{ target: './test', from: './bench', message: 'tests import no bench' }];

const zones = [...arrows, ...base, ...entrances, ...entry, ...apart, ...tests];

export default tseslint.config(
  { ignores: ['node_modules/', '.rapt/', 'dist/', 'docs/'] },
  ...tseslint.configs.strictTypeChecked,
  {
    languageOptions: { parserOptions: { projectService: true, tsconfigRootDir: import.meta.dirname } },
    plugins: { '@stylistic': stylistic, 'import-x': importX },
    settings: { 'import-x/resolver-next': [createTypeScriptImportResolver()] },
    rules: {
      'import-x/no-restricted-paths': ['error', { zones }],
      'import-x/no-cycle': 'error',
      // The formatter leaves strings, comments and regular expressions as they are.
      '@stylistic/max-len': ['error', { code: 120 }],
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
  { files: ['rooms.js'], rules: { '@typescript-eslint/explicit-module-boundary-types': 'off' } },
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
