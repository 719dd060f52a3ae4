/** `npm run bench -- NAME [--json]`: measures Rapt and, where there is one, its peer in the same run. */
import { availableParallelism, cpus, totalmem } from 'node:os';
import { auditBench } from './audit.ts';
import { cancelBench } from './cancel.ts';
import { ledgerBench } from './ledger.ts';
import type { Measurement } from './measurement.ts';
import { overheadBench } from './overhead.ts';
import { privatizeBench } from './privatize.ts';
import { takeoverBench } from './takeover.ts';
import { utilityBench } from './utility.ts';
import { vocabularyBench } from './vocabulary.ts';

const BENCHES: Readonly<Record<string, (args: readonly string[]) => Promise<Measurement>>> = {
  privatize: privatizeBench,
  ledger: ledgerBench,
  audit: auditBench,
  overhead: overheadBench,
  cancel: cancelBench,
  takeover: takeoverBench,
  utility: utilityBench,
  vocabulary: vocabularyBench,
};

const [name = '', ...args] = process.argv.slice(2);
const bench = BENCHES[name];
if (bench === undefined) {
  process.stderr.write(`usage: npm run bench -- ${Object.keys(BENCHES).join('|')} [--json]\n`);
  process.exitCode = 2;
} else {
  const { results, ratios } = await bench(args.filter((arg) => arg !== '--json'));
  const machine = {
    cores: availableParallelism(),
    cpu: cpus()[0]?.model ?? 'unknown',
    memoryBytes: totalmem(),
    node: process.version,
  };
  if (args.includes('--json')) process.stdout.write(`${JSON.stringify({ machine, results, ratios })}\n`);
  else process.stdout.write(`${JSON.stringify({ machine, results, ratios }, null, 2)}\n`);
}
