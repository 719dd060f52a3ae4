/** Has figures about labels told, each for a run of its own, until the budget is used up. */
import { Ledger, limitsOf, ownersBudget } from '../../rapt/ledger/index.ts';

const [folder, name] = process.argv.slice(2) as [string, string];
for (
  let run = 0;
  await new Ledger(folder).tellLabels({
    localKey: 'a',
    run: `${name}-${run}`,
    epsilon: 0.1,
    limits: limitsOf(ownersBudget({ labels: 2 })),
  });
  run++
);
