import assert from 'node:assert/strict';
import { availableParallelism } from 'node:os';
import { test } from 'node:test';
import { checkDeviceSetting, chooseLibrary, deviceName, driverVersion } from '../../../infra/setup/device.mjs';

const NONE = { setting: undefined, isThere: false, driver: null, hasLibcuda: false, freeBytes: 0 };
const GPU = { ...NONE, driver: '550.54.15', hasLibcuda: true, freeBytes: 50e9 };

test('a machine with an NVIDIA driver gets TensorFlow with CUDA, another one without', () => {
  assert.deepEqual(chooseLibrary(NONE), { library: 'cpu', reason: 'no NVIDIA driver is loaded', isRemarkable: false });
  assert.deepEqual(chooseLibrary(GPU), {
    library: 'cuda',
    reason: 'the NVIDIA driver is 550.54.15',
    isRemarkable: false,
  });
});

test('where it cannot be, the reason is told, and the processor is used', () => {
  const cases: readonly [Partial<typeof GPU>, RegExp][] = [
    [
      { driver: '470.256.02' },
      /^the NVIDIA driver is 470\.256\.02, and TensorFlow's CUDA 12 needs 525\.60\.13 or later\./,
    ],
    [{ hasLibcuda: false }, /^the NVIDIA driver 550\.54\.15 is loaded, and its libcuda\.so\.1 was not found/],
    [{ freeBytes: 3e9 }, /^TensorFlow with CUDA needs 9\.5 GB of disk, and 3\.0 GB are free\./],
  ];
  for (const [change, reason] of cases) {
    const choice = chooseLibrary({ ...GPU, ...change });
    assert.equal(choice.library, 'cpu');
    assert.ok(choice.isRemarkable);
    assert.match(choice.reason, reason);
    assert.match(choice.reason, /RAPT_DEVICE=gpu brings the other one all the same$/);
  }
});

test('RAPT_DEVICE decides, and what is there is not fetched again', () => {
  assert.equal(chooseLibrary({ ...GPU, setting: 'cpu' }).library, 'cpu');
  assert.equal(chooseLibrary({ ...NONE, setting: 'gpu' }).library, 'cuda');
  assert.equal(chooseLibrary({ ...NONE, isThere: true }).library, 'cuda');
  assert.equal(chooseLibrary({ ...NONE, isThere: true, setting: 'cpu' }).library, 'cuda');
  assert.deepEqual([checkDeviceSetting('cpu'), checkDeviceSetting('gpu'), checkDeviceSetting(undefined)], [[], [], []]);
  const problem = {
    what: 'RAPT_DEVICE',
    ok: false,
    detail: 'RAPT_DEVICE is "tpu"',
    fix: 'set it to cpu or gpu, or leave it unset',
  };
  assert.deepEqual(checkDeviceSetting('tpu'), [problem]);
});

test("the driver's version is read as the kernel tells it", () => {
  const closed =
    'NVRM version: NVIDIA UNIX x86_64 Kernel Module  535.104.05  Sat Aug 19 01:15:15 UTC 2023\nGCC version:  gcc';
  const open = 'NVRM version: NVIDIA UNIX Open Kernel Module for x86_64  570.86.15  Release Build  (dvs-builder)';
  assert.deepEqual([closed, open, 'nothing'].map(driverVersion), ['535.104.05', '570.86.15', null]);
});

test('the device is named with what it has', () => {
  const cores = availableParallelism();
  assert.equal(deviceName(false), `cpu, ${cores} ${cores === 1 ? 'core' : 'cores'}`);
  assert.equal(deviceName(true, ['NVIDIA A100-SXM4-80GB, 81920 MiB']), 'NVIDIA A100-SXM4-80GB with 80 GiB');
  assert.equal(deviceName(true, ['A, 1024 MiB', 'B, 2048 MiB']), 'A with 1 GiB; B with 2 GiB');
  assert.equal(deviceName(true, []), 'gpu');
});
