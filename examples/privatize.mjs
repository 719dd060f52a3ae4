// Privatizes a table and reads what is guaranteed for it.
//
//   node examples/privatize.mjs [notes.csv notes.noisy.csv note]
import { createMechanism, explainGuarantee, openBackbone, privatize } from 'rapt';

const [input = 'examples/notes.csv', output = 'notes.noisy.csv', column = 'note'] = process.argv.slice(2);

const backbone = await openBackbone('all-MiniLM-L6-v2');
const mechanism = createMechanism({ name: 'exponential', targetUnchanged: 0.3, ...backbone });
// The table's cost is entered in this machine's ledger before anything is drawn. A second call refuses: the guarantee
// is for one noisy version of each text.
const { rows, tokens, unchangedRate } = await privatize({
  input,
  output,
  columns: { text: column },
  backbone,
  mechanism,
});

console.log(
  `${output}: ${rows} texts of ${tokens} tokens, of which ${(100 * unchangedRate).toFixed(0)} % stayed as they ` +
    `were, by eta ${mechanism.eta}\n`,
);
for (const sentence of explainGuarantee(mechanism.guarantee)) console.log(`${sentence}\n`);
