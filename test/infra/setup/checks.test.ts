import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { checkMachine, problemsOf } from '../../../infra/setup/checks.mjs';
import { readMachine } from '../../../infra/setup/machine.mjs';
import { nodeProblem, nodeRemark } from '../../../infra/setup/node-version.mjs';
import { isAtLeast } from '../../../infra/setup/programs.mjs';
import { projectRoot } from '../../../system/index.ts';

type Machine = ReturnType<typeof readMachine>;

const GOOD: Machine = {
  node: '20.19.0',
  platform: 'linux',
  architecture: 'x64',
  glibc: '2.36',
  processor: new Set(['fpu', 'avx']),
  memoryBytes: 4e9,
  programs: { npm: 'found', pip: '23.2.1', go: '1.24', 'c++': 'found' },
  rooms: {
    cache: { folder: '/cache', device: 1, freeBytes: 5e9 },
    project: { folder: '/project', device: 2, freeBytes: 5e9 },
  },
};
const NEEDS = { isHost: true, programs: ['npm', 'pip', 'go', 'c++'], bytes: { cache: 4e9, project: 2e9 } } as const;

const problems = (change: Partial<Machine>, needs: Partial<Parameters<typeof checkMachine>[1]> = {}): string[] =>
  problemsOf(checkMachine({ ...GOOD, ...change }, { ...NEEDS, ...needs }));

test('a machine that has all that is needed has no problem', () => {
  assert.deepEqual(problems({}), []);
});

test('one sentence says what a machine lacks, and the way out', () => {
  const cases: readonly [Partial<Machine>, RegExp][] = [
    [
      { node: '18.20.4' },
      /^Rapt needs Node 20\.19 or later, .*this is 18\.20\.4; install one .* \(20\.19, 22, 24 and 26\)/,
    ],
    [
      { platform: 'darwin' },
      /^Rapt runs on Linux, and this is macOS; none of it works here; use a Linux machine .* or a container/,
    ],
    [{ platform: 'win32' }, /this is Windows/],
    [
      { architecture: 'arm64' },
      /^Rapt needs an x86-64 processor, .*, and this machine has a 64-bit ARM processor; use /,
    ],
    [{ glibc: null }, /^Rapt needs glibc 2\.27 or later, .* another C library, such as musl; use Debian/],
    [{ glibc: '2.17' }, /^Rapt needs glibc 2\.27 or later, and this system has 2\.17; upgrade/],
    [
      { processor: new Set(['fpu', 'sse4_2']) },
      /^this processor has no AVX instructions, with which TensorFlow's library is built .*; use a processor of 2011/,
    ],
    [{ memoryBytes: 2e9 }, /^Rapt needs 4 GB of memory, and this machine or container has 2\.0 GB; give it more/],
    [{ programs: { ...GOOD.programs, npm: null } }, /^npm is needed and was not found; install it/],
    [
      { programs: { ...GOOD.programs, pip: null } },
      /^Python 3 with pip is needed and was not found; apt-get install python3-pip$/,
    ],
    [
      { programs: { ...GOOD.programs, 'c++': null } },
      /^a C\+\+ compiler is needed and was not found; apt-get install g\+\+$/,
    ],
    [
      { programs: { ...GOOD.programs, go: null } },
      /^Go is needed and was not found; install Go 1\.24 or later .* or set RAPT_MINIO_BIN/,
    ],
    [
      { programs: { ...GOOD.programs, go: '1.19.8' } },
      /^Go 1\.24 or later is needed to build MinIO, and this is 1\.19\.8; install/,
    ],
  ];
  for (const [change, sentence] of cases) {
    const [problem, ...others] = problems(change);
    assert.match(problem ?? 'none', sentence);
    assert.deepEqual(others, []);
  }
});

test('all problems are told at once', () => {
  const change = { memoryBytes: 1e9, processor: new Set<string>(), programs: {} };
  assert.equal(problems(change).length, 2 + NEEDS.programs.length);
});

test('places on one file system share its room', () => {
  const room = { folder: '/', device: 1, freeBytes: 5e9 };
  const [problem] = problems({
    rooms: { cache: { ...room, folder: '/cache' }, project: { ...room, folder: '/project' } },
  });
  assert.equal(
    problem,
    '6.0 GB are needed in the file system of /cache and /project, and 5.0 GB are free; ' +
      'free some, or set RAPT_CACHE to a folder where there is more',
  );
  assert.deepEqual(problems({ rooms: { cache: { ...room, device: 1 }, project: { ...room, device: 2 } } }), []);
});

test('programs, room and network are asked for by what is missing alone', () => {
  assert.deepEqual(problems({ programs: {}, rooms: {} }, { programs: [], bytes: {} }), []);
});

test('the command alone, with servers elsewhere, runs on a small machine', () => {
  assert.deepEqual(
    problems(
      { platform: 'darwin', architecture: 'arm64', glibc: null, processor: null, memoryBytes: 1e9 },
      { isHost: false },
    ),
    [],
  );
  assert.equal(problems({ node: '18.0.0' }, { isHost: false }).length, 1);
});

test('Nodes are taken as package.json says', () => {
  const { engines } = JSON.parse(readFileSync(`${projectRoot}/package.json`, 'utf8')) as { engines: { node: string } };
  assert.equal(engines.node, '^20.19.0 || >=22.12.0');
  for (const version of ['20.19.0', '20.20.2', '22.12.0', '23.1.0', '24.0.0', '26.3.1'])
    assert.equal(nodeProblem(version), null, version);
  for (const version of ['8.17.0', '18.20.4', '20.18.3', '21.7.3', '22.11.0'])
    assert.match(nodeProblem(version) ?? '', /Rapt needs Node/, version);
  for (const version of ['20.19.0', '22.12.0', '24.0.0', '26.3.1']) assert.equal(nodeRemark(version), null, version);
  for (const version of ['23.1.0', '25.0.0', '28.0.0'])
    assert.match(nodeRemark(version) ?? '', /not tested on Node/, version);
});

test('versions are compared by their numbers', () => {
  assert.ok(isAtLeast('1.24', [1, 24]));
  assert.ok(isAtLeast('1.26.8', [1, 24]));
  assert.ok(isAtLeast('1.24rc1', [1, 24]));
  assert.ok(isAtLeast('2.0', [1, 24]));
  assert.ok(!isAtLeast('1.9', [1, 24]));
  assert.ok(!isAtLeast('devel', [1, 24]));
});

test('this machine is seen as it is', () => {
  const machine = readMachine({ programs: ['npm', 'pip', 'c++'], places: ['cache', 'project'] });
  assert.equal(machine.node, process.versions.node);
  assert.match(machine.glibc ?? '', /^2\.\d+$/);
  assert.ok(machine.processor?.has('sse2'));
  assert.ok(machine.memoryBytes > 1e9 && machine.memoryBytes < 1e14);
  assert.match(machine.programs.pip ?? '', /^\d+/);
  assert.equal(machine.rooms.project?.folder, projectRoot);
  assert.ok(machine.rooms.project.freeBytes > 0);
  assert.deepEqual(problemsOf(checkMachine(machine, { isHost: true, programs: ['npm', 'pip', 'c++'], bytes: {} })), []);
});
