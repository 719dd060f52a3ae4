/** Reserves releases of one text until the budget is used up. */
import { digestOfText, Ledger, limitsOf, runsBudget } from '../../../rapt/ledger/index.ts';

const [folder, name, budget] = process.argv.slice(2) as [string, string, string];
const texts = BigUint64Array.of(digestOfText('the text', Buffer.alloc(32, 7)));
for (let attempt = 0; ; attempt++)
  await new Ledger(folder).reserve({
    localKey: `${name}-${attempt}`,
    tenant: 't',
    run: name,
    purpose: 'prediction',
    mechanism: 'exponential',
    eta: 14,
    labelEpsilon: null,
    table: 'f'.repeat(64),
    limits: limitsOf(runsBudget({ perText: Number(budget) })),
    texts: () => Promise.resolve({ digests: texts }),
  });
