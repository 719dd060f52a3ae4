/** The real Temporal UI of the local stack in a real Chromium, used as a data owner uses it. With
 *  RAPT_SCREENSHOTS=docs/images it also makes the pictures of docs/tutorials/temporal-ui.md. */
import assert from 'node:assert/strict';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { after, before, test } from 'node:test';
import { Client, Connection } from '@temporalio/client';
import proto from '@temporalio/proto';
import type { Browser, Locator, Page } from 'playwright-core';
import sharp from 'sharp';
import { CONTROL_QUEUE, WORKFLOW_TYPE, type TuningResult } from '../../contracts/index.ts';
import { openBrowser } from '../support/browser.ts';
import { eventually, Probe } from '../support/probe.ts';
import { TestStack } from '../support/stack.ts';
import { writeSentences } from './reviews.ts';

interface Up {
  readonly temporal: { readonly address: string; readonly uiUrl: string };
  readonly codecUrl: string;
}

const PICTURES = process.env['RAPT_SCREENSHOTS'];
const VIEW = { width: 1280, height: 800 };
/** In the table's name. The provider, whose server the UI is, may see it nowhere. */
const PLANTED = 'hospital-letters';
const stack = new TestStack();
const table = join(stack.home, `${PLANTED}.tsv`);
const config = {
  data: { train: table, maxTokens: 32 },
  tuning: {
    epochs: 10,
    batchSize: 8,
    length: 8,
    checkpointEverySteps: 5,
    reconstruction: { plainTokens: 4, vocabularySize: 200, bottleneck: 16 },
  },
  audit: ['inversion', 'bayes'],
  gates: { accuracy: '>=0.1' },
};
let up: Up;
let probe: Probe;
let browser: Browser | undefined;
let page: Page;
/** Addresses and bodies of all that the browser asked of the UI's server. */
const sent: string[] = [];

before(
  async () => {
    browser = await openBrowser();
    up = await stack.json<Up>(['up']);
    probe = await Probe.connect(up.temporal.address, stack.dataConverter());
    writeSentences(table, 0, 150);
    await stack.json(['policy', 'allow', table]);
    const context = await browser.newContext({
      viewport: VIEW,
      colorScheme: 'light',
      locale: 'en-US',
      timezoneId: 'UTC',
    });
    // Its news and the like, which are elsewhere.
    await context.route(
      (url) => url.hostname !== '127.0.0.1',
      (route) => route.abort(),
    );
    context.setDefaultTimeout(60_000);
    page = await context.newPage();
    context.on('request', (request) => {
      if (request.url().startsWith(up.temporal.uiUrl))
        sent.push(decodeURIComponent(request.url()), request.postData() ?? '');
    });
  },
  { timeout: 500_000 },
);
after(
  async () => {
    await stack.remove();
    if (browser === undefined) return;
    await browser.close();
    await probe.close();
  },
  { timeout: 400_000 },
);

async function picture(name: string, of: Page | Locator = page): Promise<void> {
  if (PICTURES === undefined) return;
  mkdirSync(PICTURES, { recursive: true });
  await sharp(await of.screenshot())
    .png({ palette: true, colours: 64, effort: 10 })
    .toFile(join(PICTURES, `${name}.png`));
}

const listUrl = (query = ''): string =>
  `${up.temporal.uiUrl}/namespaces/default/workflows${query === '' ? '' : `?query=${encodeURIComponent(query)}`}`;
/** The page has many things twice, for wide and for narrow windows. */
const seen = (found: Locator): Locator => found.filter({ visible: true }).first();
const tab = (name: string): Promise<void> => seen(page.getByRole('tab', { name })).click();

async function fillForm(id: string, input: string): Promise<void> {
  await page.goto(
    `${listUrl()}/start-workflow?workflowId=${id}&taskQueue=${CONTROL_QUEUE}&workflowType=${WORKFLOW_TYPE.tuning}`,
  );
  await page.locator('.cm-content').click();
  await page.keyboard.insertText(input);
  await page.getByText('Task Queue is Active').waitFor();
  // The editor formats the text when it is left, and the button moves.
  await page.getByRole('heading', { level: 1 }).click();
  await page.waitForTimeout(500);
}

/** Starts what the form says, and follows the link that it answers with. */
async function submitForm(): Promise<void> {
  await seen(page.getByTestId('start-workflow-button')).click();
  await page.getByRole('link', { name: 'Workflow started successfully' }).click();
}

async function untilStatus(status: string, timeoutMs: number): Promise<void> {
  await seen(page.getByTestId('execution-status')).filter({ hasText: status }).waitFor({ timeout: timeoutMs });
}

/** The rows of Current Details, as they are at this moment. */
async function details(): Promise<Record<string, string>> {
  await page.waitForTimeout(300);
  await page.keyboard.press('r');
  await page.waitForTimeout(300);
  const rows = await page.frameLocator('iframe[title=output]').locator('tbody tr').allInnerTexts();
  return Object.fromEntries(rows.map((row) => row.split('\t').map((cell) => cell.trim()) as [string, string]));
}

const untilDetails = (what: string, fit: (rows: Record<string, string>) => boolean): Promise<Record<string, string>> =>
  eventually(what, 120_000, async () => {
    // The frame may be replaced while it is read.
    const rows = await details().catch(() => ({}));
    return fit(rows) && rows;
  });

async function action(name: string): Promise<void> {
  await seen(page.getByRole('button', { name: 'More Actions' })).click();
  await page.getByRole('menuitem', { name }).click();
}

async function chooseUpdate(name: string): Promise<void> {
  await action('Send an Update');
  await seen(page.getByTestId('update-select-button')).click();
  await seen(page.getByRole('option', { name })).click();
}

const confirm = (modal: string): Promise<void> =>
  seen(page.getByTestId(modal)).getByTestId('confirm-modal-button').click();

/** Whether the list, under a query, has the run, or nothing at all. */
async function isListed(query: string, id: string | null): Promise<void> {
  await page.goto(listUrl(query));
  await seen(
    id === null
      ? page.getByRole('heading', { name: 'No Workflows Found' })
      : page.getByRole('link', { name: id, exact: true }),
  ).waitFor();
}

test(
  'bad values are answered by a failure whose message names each and the way out',
  { timeout: 400_000 },
  async () => {
    await fillForm('bad', JSON.stringify({ privacy: { eta: -1 }, tuning: { epoch: 3 }, data: { train: table } }));
    await submitForm();
    await untilStatus('Failed', 60_000);
    const result = page.getByTestId('input-and-result');
    await result.getByText('RaptBadInput').waitFor();
    await result.filter({ hasText: 'did you mean' }).waitFor();
    const text = await result.innerText();
    assert.match(text, /privacy\.eta: Too small: expected number to be >0/);
    assert.match(text, /tuning\.epoch: is not a known field; did you mean tuning\.epochs\?/);
    assert.doesNotMatch(text, /\.ts:\d/, 'no stack of code stands below it');
    await picture('bad-input');
    await tab('User Metadata');
    await untilDetails('the details say that it failed', ({ now = '' }) =>
      /failed: RaptBadInput; the result says why/.test(now),
    );
  },
);

test(
  "what the owner's policy does not allow is answered by a sentence, and nothing of the table was read",
  { timeout: 400_000 },
  async () => {
    await fillForm('refused', JSON.stringify({ data: { train: `${table}.bak` }, privacy: { mechanism: 'none' } }));
    await submitForm();
    await untilStatus('Failed', 60_000);
    const result = page.getByTestId('input-and-result');
    await result
      .filter({
        hasText:
          "data.train: is not among the tables of the owner's policy; `rapt policy allow` on the client's machine " +
          'changes that',
      })
      .waitFor();
    await picture('refused');
  },
);

test(
  'a configuration that is pasted into the form is encrypted in the browser by the codec server',
  { timeout: 400_000 },
  async () => {
    await fillForm('reviews', JSON.stringify(config));
    await seen(page.getByTestId('start-workflow-button')).scrollIntoViewIfNeeded();
    await picture('start-form');
    const encoded = page.waitForResponse(
      (response) => response.url().startsWith(`${up.codecUrl}/encode`) && response.request().method() === 'POST',
    );
    await submitForm();
    assert.equal((await encoded).status(), 200);
    await untilStatus('Running', 60_000);
    await page.getByTestId('input-and-result').filter({ hasText: PLANTED }).waitFor();
    const connection = await Connection.connect({ address: up.temporal.address });
    const history = await new Client({ connection }).workflow.getHandle('reviews').fetchHistory();
    await connection.close();
    const raw = Buffer.from(proto.temporal.api.history.v1.History.encode(history).finish());
    assert.ok(
      raw.includes('binary/encrypted') && !raw.includes(PLANTED),
      'the server has the input, and cannot read it',
    );
  },
);

test(
  'Current Details change while it trains: stage, epoch, loss with its line, time left, checkpoint',
  { timeout: 500_000 },
  async () => {
    await tab('User Metadata');
    const first = await untilDetails(
      'training is shown',
      ({ stage = '', loss }) => stage.startsWith('train') && loss !== undefined,
    );
    const later = await untilDetails(
      'training gets on',
      (rows) =>
        rows['step'] !== first['step'] &&
        rows['checkpoint'] !== undefined &&
        rows['time left'] !== undefined &&
        / [▁▂▃▄▅▆▇█]{2}/.test(rows['loss'] ?? ''),
    );
    assert.match(later['stage']!, /^train \(4 of 9\)$/);
    assert.match(later['epoch']!, /^\d+ of 10$/);
    assert.match(later['step']!, /^\d+ of \d+$/);
    assert.match(later['loss']!, /^\d+\.\d{4} [▁▂▃▄▅▆▇█]{2,20}$/);
    assert.match(later['time left']!, /^\d+ (s|min)$/);
    assert.match(later['checkpoint']!, /^step \d+$/);
    await picture('progress');
  },
);

test('it pauses by an update, which the list shows, and goes on', { timeout: 400_000 }, async () => {
  await chooseUpdate('pause');
  await picture('pause', seen(page.getByTestId('update-confirmation-modal')));
  await confirm('update-confirmation-modal');
  const paused = await untilDetails('the details say that it is paused', ({ now = '' }) => now.startsWith('paused'));
  await isListed('RaptStage="paused"', 'reviews');
  assert.ok(paused['checkpoint']);
});

test('{} begins the default run; cancelled in the page, it ends', { timeout: 400_000 }, async () => {
  await fillForm('default', '{}');
  await submitForm();
  await seen(page.getByText('check the tables')).waitFor();
  await seen(page.getByRole('button', { name: 'Request Cancellation' })).click();
  await confirm('cancel-confirmation-modal');
  await untilStatus('Canceled', 60_000);
  await tab('User Metadata');
  await untilDetails('the details say what is kept', ({ now = '' }) =>
    now.startsWith('cancelled; what was done is kept'),
  );
  await picture('cancelled');
});

test(
  'at its end the page has the result, what each activity did, what attacks got, and a link that opens the report',
  { timeout: 240_000 },
  async () => {
    await page.goto(`${listUrl()}/reviews`);
    await chooseUpdate('continue');
    await confirm('update-confirmation-modal');
    await untilStatus('Completed', 180_000);
    await tab('Timeline');
    await page.getByTestId('input-and-result').filter({ hasText: '"accuracy"' }).waitFor();
    await picture('result');
    const summaries = [
      'check the tables',
      'draw the noisy version of each text',
      'upload the release',
      'train to the end of the first epoch',
      'store the adapter',
      'classify the test texts',
      'attack the release',
      'compare with the test labels',
      'write the report',
      'record the finished run',
    ];
    const told = new Set<string>();
    // The timeline draws what is in view.
    await page.mouse.move(VIEW.width / 2, VIEW.height / 2);
    for (let wheel = 0; wheel < 20 && told.size < summaries.length; wheel++) {
      await page.mouse.wheel(0, wheel < 10 ? 300 : -300);
      await page.waitForTimeout(500);
      const text = await page.locator('body').innerText();
      for (const summary of summaries) if (text.includes(` • ${summary}`)) told.add(summary);
      if (wheel === 2) await picture('timeline');
    }
    assert.deepEqual([...told].sort(), [...summaries].sort());
    await tab('User Metadata');
    const rows = await untilDetails('the details show the end', ({ stage }) => stage === 'done');
    assert.match(rows['accuracy']!, /^\d+\.\d %$/);
    assert.equal(rows['gates'], '1 of 1 hold');
    for (const attack of ['inversion', 'bayes']) assert.match(rows[attack]!, /^\d+\.\d % \(\d+\.\d %; \d+\.\d %\)$/);
    assert.equal(rows['report'], 'open it');
    await picture('details');
    const opened = page.context().waitForEvent('page');
    await page.frameLocator('iframe[title=output]').getByRole('link', { name: 'open it' }).click();
    const report = await opened;
    await report.waitForLoadState();
    await report.setViewportSize(VIEW);
    assert.match(await report.locator('body').innerText(), /What attacks get/);
    await picture('report', report);
    await report.close();
  },
);

test('the list can be filtered by tenant, stage, accuracy, eta and backbone', { timeout: 400_000 }, async () => {
  const fits = {
    RaptTenant: '="local"',
    RaptStage: '="done"',
    RaptAccuracy: '>=0.1',
    RaptEta: '=14',
    RaptBackbone: '="all-MiniLM-L6-v2"',
  };
  const fitsNot = {
    RaptTenant: '="other"',
    RaptStage: '="predict"',
    RaptAccuracy: '>1',
    RaptEta: '<14',
    RaptBackbone: '="folder"',
  };
  await isListed(
    Object.entries(fits)
      .map(([name, condition]) => `${name}${condition}`)
      .join(' AND '),
    'reviews',
  );
  for (const [name, condition] of Object.entries(fitsNot)) await isListed(`${name}${condition}`, null);
  // By hand.
  await page.goto(listUrl('RaptStage="done"'));
  await page.getByRole('button', { name: 'Add Filter' }).click();
  await page.keyboard.type('RaptAccuracy');
  // With its type: the field that was typed into is an item of the menu, too.
  await seen(page.getByRole('menuitem', { name: 'RaptAccuracy Double' })).click();
  await page.getByRole('button', { name: '>=', exact: true }).click();
  await page.getByPlaceholder('Enter a number').fill('0.1');
  await picture('filter');
  await page.getByRole('button', { name: 'Apply' }).click();
  await page.waitForURL(/RaptAccuracy/);
  await seen(page.getByRole('link', { name: 'reviews', exact: true })).waitFor();
});

test(
  'reset to its beginning, a run finds what it did before and ends with the same adapter',
  { timeout: 500_000 },
  async () => {
    const handle = probe.client.workflow.getHandle('reviews');
    const before = (await handle.result()) as TuningResult;
    await page.goto(`${listUrl()}/reviews`);
    await seen(page.getByRole('button', { name: 'Reset' })).click();
    await seen(page.getByTestId('workflow-reset-event-id-select-button')).click();
    await seen(page.getByRole('option')).click();
    await picture('reset', seen(page.getByTestId('reset-confirmation-modal')));
    await confirm('reset-confirmation-modal');
    const again = await eventually('the run that the reset began has ended', 120_000, async () => {
      const { runId, status } = await handle.describe();
      return runId !== before.runId && status.name === 'COMPLETED' && ((await handle.result()) as TuningResult);
    });
    assert.deepEqual(
      [again.adapter.sha256, again.release.sha256, again.release.reused],
      [before.adapter.sha256, before.release.sha256, true],
    );
  },
);

test(
  '"Start Workflow Like This One" fills the form with the configuration, to be changed and started',
  { timeout: 400_000 },
  async () => {
    await page.goto(`${listUrl()}/reviews`);
    await action('Start Workflow Like This One');
    // The page before shows the configuration, too: only below the field it is the form's.
    await page.locator('#workflowId').waitFor();
    await page.locator('.cm-content').filter({ hasText: PLANTED }).waitFor();
    await page.locator('#workflowId').fill('reviews-again');
    await submitForm();
    await seen(page.getByText('check the tables')).waitFor();
    const [started] = (await probe.client.workflow.getHandle('reviews-again').fetchHistory()).events ?? [];
    // The one that encodes first decodes last.
    const codecs = [...probe.client.options.loadedDataConverter.payloadCodecs].reverse();
    let payloads = started!.workflowExecutionStartedEventAttributes!.input!.payloads!;
    for (const codec of codecs) payloads = await codec.decode(payloads);
    const [input] = payloads;
    assert.deepEqual(JSON.parse(Buffer.from(input!.data!).toString()), config);
    await probe.client.workflow.getHandle('reviews-again').terminate();
  },
);

test("all the while, nothing of the user's went to the server of the UI", () => {
  assert.ok(
    sent.some((text) => text.includes('/render?content=')),
    'it draws the details',
  );
  assert.deepEqual(
    sent
      .filter((text) => text.includes(PLANTED) || Buffer.from(text, 'base64').includes(PLANTED))
      .map((text) => text.slice(0, 200)),
    [],
  );
});
