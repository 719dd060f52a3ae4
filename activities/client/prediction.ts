/** Answers for new texts: they are privatized here, and joined with the answers here. */
import { createWriteStream } from 'node:fs';
import { mkdir, rename } from 'node:fs/promises';
import { dirname } from 'node:path';
import { once } from 'node:events';
import { Context } from '@temporalio/activity';
import { adapterCardSchema, BadInput, type ClientActivities, type FinishedPrediction, type PreparedPrediction } from '../../contracts/index.ts';
import { openBackbone } from '../../rapt/backbone/index.ts';
import { reserve } from '../../rapt/client/index.ts';
import { releaseFolder, tenantFolder } from '../../rapt/home.ts';
import { csvCell, inspectTable, readTable, resolveDataset, type Row, type TableColumns } from '../../rapt/data/index.ts';
import { clientSecret } from '../../rapt/ledger/index.ts';
import { createMechanism } from '../../rapt/privacy/index.ts';
import { drawPrediction, hashInput, openRelease, predictionKey } from '../../rapt/release/index.ts';
import { assertSameWeights } from '../../rapt/tuning/index.ts';
import { inSpan } from '../../telemetry/index.ts';
import { beat } from '../heartbeat.ts';
import { countDrawn, countRelease } from './counted.ts';
import type { ClientDependencies } from './dependencies.ts';
import { publishRelease } from './publish.ts';
import { readTunedAdapter } from './run-record.ts';
import { readPredictions } from './score.ts';

/** The `preparePrediction` activity. */
export async function preparePrediction({ store, home }: ClientDependencies, request: Parameters<ClientActivities['preparePrediction']>[0]): Promise<PreparedPrediction> {
  const { tenant, run, prediction } = request;
  const { config, adapter } = readTunedAdapter(home, tenant, run);
  const card = adapterCardSchema.parse(JSON.parse((await store.get(adapter.files['rapt.json'])).toString('utf8')));
  const columns = columnsOf(request, config.data);
  const context = Context.current();
  const path = resolveDataset(request.in, 'test');
  const { rows } = await inspectTable(path, columns);
  const input = await hashInput(path);
  const backbone = await openBackbone(config.backbone);
  const secret = await clientSecret(tenantFolder(home, tenant));
  assertSameWeights(card, backbone.description.sha256);
  const localKey = predictionKey(tenant, card, input, columns, secret);
  const folder = releaseFolder(home, tenant, localKey);
  const { table, outputIds, tokenizer, description } = backbone;
  const due = {
    localKey,
    tenant,
    run: prediction,
    purpose: 'prediction',
    mechanism: card.guarantee.mechanism,
    eta: card.guarantee.eta,
    labelEpsilon: null,
    table: table.sha256,
    budget: config.privacy.budget,
    rows: () => readTable(path, { text: columns.text, pair: columns.pair }),
  } as const;
  await reserve(tenantFolder(home, tenant), secret, due, (await openRelease(folder)) !== null);
  const mechanism = createMechanism({ name: card.guarantee.mechanism, eta: card.guarantee.eta ?? undefined, table, outputIds });
  try {
    const drawn = await inSpan('draw', () => drawPrediction({
      tenant, card, input, columns, rows, folder, tokenizer, mechanism,
      backbone: description,
      signal: context.cancellationSignal,
      onProgress: beat,
      onDrawn: (tokens) => countDrawn(due, tokens),
    }), { rows });
    countRelease(due, drawn);
    const { digest } = drawn;
    const release = await publishRelease({ store, home }, tenant, localKey, digest);
    return { prediction, tenant, localKey, release, adapter, backbone: config.backbone, guarantee: card.guarantee, input: { path: input.path, ...columns } };
  } finally {
    mechanism.dispose();
  }
}

/** The `finishPrediction` activity: the table's rows in order, each with its class and probability. */
export async function finishPrediction(
  { store }: ClientDependencies,
  { prepared, predictions: ref, out }: Parameters<ClientActivities['finishPrediction']>[0],
): Promise<FinishedPrediction> {
  const { path, ...columns } = prepared.input;
  const card = adapterCardSchema.parse(JSON.parse((await store.get(prepared.adapter.files['rapt.json'])).toString('utf8')));
  const { rows, predicted, probability } = await readPredictions(store, ref);
  const places = new Map(rows.map((row, at) => [row, at]));
  await mkdir(dirname(out), { recursive: true });
  const temporary = `${out}.${process.pid}.part`;
  const write = out.endsWith('.jsonl') ? jsonLine : csvLine;
  const file = createWriteStream(temporary, { mode: 0o600 });
  let labelled = 0;
  let right = 0;
  if (write === csvLine) file.write('row,text,prediction,probability\r\n');
  for await (const row of readTable(path, columns, { requireLabel: false })) {
    const at = places.get(row.number);
    if (at === undefined) throw new BadInput([{ where: path, problem: 'changed while it was being classified; run the prediction again' }]);
    const answer = card.classes[predicted[at]!]!;
    if (row.label !== null) {
      labelled++;
      if (row.label === answer) right++;
    }
    if (!file.write(write(row, answer, probability[at]!))) await once(file, 'drain');
  }
  file.end();
  await once(file, 'close');
  await rename(temporary, out);
  return { rows: rows.length, out, accuracy: labelled === 0 ? null : right / labelled };
}

function columnsOf(request: { textColumn?: string | undefined; pairColumn?: string | undefined; labelColumn?: string | undefined }, data: { textColumn: string; pairColumn?: string | undefined }): TableColumns {
  return { text: request.textColumn ?? data.textColumn, pair: request.pairColumn ?? data.pairColumn, label: request.labelColumn };
}

const jsonLine = ({ number, text }: Row, prediction: string, probability: number): string => `${JSON.stringify({ row: number, text, prediction, probability })}\n`;

const csvLine = ({ number, text }: Row, prediction: string, probability: number): string =>
  `${[String(number), text, prediction, String(probability)].map(csvCell).join(',')}\r\n`;
