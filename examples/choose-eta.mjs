// Chooses eta by what stays of the words, then privatizes a table with it and attacks the result as an adversary would.
//
//   node examples/choose-eta.mjs [notes.csv notes.attacked.jsonl note]
import { attack, calibrate, createMechanism, openBackbone, privatize } from 'rapt';

const [input = 'examples/notes.csv', output = 'notes.attacked.jsonl', column = 'note'] = process.argv.slice(2);
const percent = (share) => `${(100 * share).toFixed(1)} %`;

const backbone = await openBackbone('all-MiniLM-L6-v2');
// On the public table: no private text is touched.
for (const targetUnchanged of [0.1, 0.3, 0.5]) {
  const { eta, unchanged } = calibrate({ name: 'exponential', targetUnchanged, ...backbone });
  console.log(`eta ${eta}: ${percent(unchanged)} of the vocabulary's words stay themselves`);
}

const { eta } = calibrate({ name: 'exponential', targetUnchanged: 0.3, ...backbone });
const mechanism = createMechanism({ name: 'exponential', eta, ...backbone });
await privatize({ input, output, columns: { text: column }, backbone, mechanism });
const { tokens, attacks } = await attack({ input, released: output, textColumn: column, backbone, mechanism });
console.log(`\nof ${tokens} tokens, an adversary who knows the mechanism guesses right:`);
for (const { attack: name, success, priorOnly } of attacks)
  console.log(
    `${name}: ${percent(success.value)} (${percent(success.low)} to ${percent(success.high)}); without the release ` +
      `${percent(priorOnly.value)}`,
  );
