/** Runs a composite action as GitHub's runner does: its expressions evaluated by GitHub's own library, each `run` in a
 *  bash of its own. */
import { data, Evaluator, Lexer, Parser } from '@actions/expressions';
import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parse } from 'yaml';

interface Step {
  readonly id?: string;
  readonly if?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly run?: string;
  readonly uses?: string;
  readonly with?: Readonly<Record<string, string | boolean>>;
}

export interface Action {
  readonly inputs: Readonly<Record<string, { readonly default?: string }>>;
  readonly outputs: Readonly<Record<string, { readonly value: string }>>;
  readonly runs: { readonly using: string; readonly steps: readonly Step[] };
}

export const readAction = (file: string): Action => parse(readFileSync(file, 'utf8')) as Action;

export interface Upload {
  readonly name: string;
  /** Those of the paths that were given that are there. */
  readonly files: readonly string[];
}

export interface Finished {
  /** Exit code of the first step that failed, or 0. */
  readonly code: number | null;
  readonly outputs: Readonly<Record<string, string>>;
  /** What the steps wrote for the job's page. */
  readonly summary: string;
  readonly log: string;
  readonly uploads: readonly Upload[];
}

export interface Job {
  readonly action: string;
  readonly workspace: string;
  readonly inputs: Readonly<Record<string, string>>;
  readonly env: NodeJS.ProcessEnv;
}

/** GitHub gives the entry process of a step that is cancelled so long after SIGINT, and then so long after SIGTERM. */
const AFTER_SIGINT_MS = 7500;
const AFTER_SIGTERM_MS = 2500;

export class RunningJob {
  readonly finished: Promise<Finished>;
  readonly #job: Job;
  readonly #action: Action;
  readonly #files = mkdtempSync(join(tmpdir(), 'rapt-runner-'));
  readonly #outputs: Record<string, Record<string, string>> = {};
  readonly #uploads: Upload[] = [];
  readonly #env: Record<string, string> = {};
  #status: 'success' | 'failure' | 'cancelled' = 'success';
  #code: number | null = 0;
  #log = '';
  #summary = '';
  #child: ChildProcess | null = null;

  constructor(job: Job) {
    this.#job = job;
    this.#action = readAction(job.action);
    for (const name of Object.keys(job.inputs))
      if (!(name in this.#action.inputs)) throw new Error(`the action has no input ${name}`);
    this.finished = this.#steps();
  }

  /** Process of the step that is running. */
  get process(): ChildProcess {
    if (this.#child === null) throw new Error('no step is running');
    return this.#child;
  }

  /** As when somebody cancels the job on its page. @returns the signals that were needed */
  async cancel(): Promise<NodeJS.Signals[]> {
    this.#status = 'cancelled';
    const child = this.process;
    const ended = once(child, 'close');
    const sent: NodeJS.Signals[] = [];
    for (const [signal, patience] of [
      ['SIGINT', AFTER_SIGINT_MS],
      ['SIGTERM', AFTER_SIGTERM_MS],
      ['SIGKILL', 60_000],
    ] as const) {
      if (child.exitCode !== null) break;
      child.kill(signal);
      sent.push(signal);
      if ((await Promise.race([ended, sleep(patience, null, { ref: false })])) !== null) break;
    }
    return sent;
  }

  async #steps(): Promise<Finished> {
    try {
      for (const step of this.#action.runs.steps) {
        if (!this.#holds(step.if ?? 'success()')) continue;
        const code = step.run === undefined ? this.#use(step) : await this.#run(step, step.run);
        if (code !== 0 && this.#code === 0) this.#code = code;
        if (code !== 0 && this.#status === 'success') this.#status = 'failure';
      }
    } finally {
      rmSync(this.#files, { recursive: true, force: true });
    }
    const outputs = Object.fromEntries(
      Object.entries(this.#action.outputs).map(([name, { value }]) => [name, this.#text(value)]),
    );
    return { code: this.#code, outputs, summary: this.#summary, log: this.#log, uploads: this.#uploads };
  }

  async #run(step: Step, script: string): Promise<number | null> {
    const file = (name: string): string => join(this.#files, name);
    for (const name of ['output', 'env', 'summary']) writeFileSync(file(name), '');
    writeFileSync(file('script.sh'), this.#text(script));
    const env = Object.fromEntries(Object.entries(step.env ?? {}).map(([name, value]) => [name, this.#text(value)]));
    const given = {
      GITHUB_ACTIONS: 'true',
      CI: 'true',
      GITHUB_OUTPUT: file('output'),
      GITHUB_ENV: file('env'),
      GITHUB_STEP_SUMMARY: file('summary'),
      GITHUB_WORKSPACE: this.#job.workspace,
      GITHUB_ACTION_PATH: dirname(this.#job.action),
    };
    const child = spawn('bash', ['--noprofile', '--norc', '-e', '-o', 'pipefail', file('script.sh')], {
      cwd: this.#job.workspace,
      env: { ...this.#job.env, ...given, ...this.#env, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    this.#child = child;
    for (const stream of [child.stdout, child.stderr])
      stream.on('data', (chunk: Buffer) => (this.#log += chunk.toString()));
    const [code] = (await once(child, 'close')) as [number | null];
    this.#child = null;
    this.#outputs[step.id ?? ''] = fileCommands(readFileSync(file('output'), 'utf8'));
    Object.assign(this.#env, fileCommands(readFileSync(file('env'), 'utf8')));
    this.#summary += readFileSync(file('summary'), 'utf8');
    return code;
  }

  #use({ uses = '', with: given = {} }: Step): number {
    if (!uses.startsWith('actions/upload-artifact@')) throw new Error(`this runner does not know ${uses}`);
    const { name = 'artifact', path = '' } = Object.fromEntries(
      Object.entries(given).map(([key, value]) => [key, this.#text(String(value))]),
    );
    // As the action itself does.
    if (/["\r\n:<>|*?\\/]/.test(name)) throw new Error(`${name} is no name of an artifact`);
    const found = path
      .split('\n')
      .filter((line) => line.trim() !== '' && existsSync(join(this.#job.workspace, line.trim())));
    if (found.length > 0) this.#uploads.push({ name, files: found.map((line) => basename(line.trim())).sort() });
    return 0;
  }

  #text(text: string): string {
    return text.replaceAll(/\$\{\{(.*?)\}\}/gs, (_, expression: string) => this.#evaluate(expression).coerceString());
  }

  #holds(condition: string): boolean {
    return this.#evaluate(condition).coerceString() === 'true';
  }

  #evaluate(expression: string): data.ExpressionData {
    const status = {
      always: true,
      success: this.#status === 'success',
      failure: this.#status === 'failure',
      cancelled: this.#status === 'cancelled',
    };
    const functions = Object.entries(status).map(([name, holds]) => ({
      name,
      minArgs: 0,
      maxArgs: 0,
      call: () => new data.BooleanData(holds),
    }));
    const inputs = Object.entries(this.#action.inputs).map(([name, input]) =>
      pair(name, this.#job.inputs[name] ?? input.default ?? ''),
    );
    const steps = Object.entries(this.#outputs).map(([id, outputs]) => ({
      key: id,
      value: new data.Dictionary({ key: 'outputs', value: dictionary(outputs) }),
    }));
    const context = new data.Dictionary(
      { key: 'inputs', value: new data.Dictionary(...inputs) },
      { key: 'steps', value: new data.Dictionary(...steps) },
    );
    const parsed = new Parser(new Lexer(expression).lex().tokens, ['inputs', 'steps'], functions).parse();
    return new Evaluator(parsed, context, new Map(functions.map((one) => [one.name, one]))).evaluate();
  }
}

const pair = (key: string, value: string) => ({ key, value: new data.StringData(value) });
const dictionary = (values: Readonly<Record<string, string>>): data.Dictionary =>
  new data.Dictionary(...Object.entries(values).map(([key, value]) => pair(key, value)));

/** What a step wrote: "name=value", or "name<<END", lines, "END". */
function fileCommands(text: string): Record<string, string> {
  const values: Record<string, string> = {};
  const lines = text.split('\n');
  for (let at = 0; at < lines.length; at++) {
    const line = lines[at]!;
    if (line === '') continue;
    const [, name, separator, rest] = /^([^=<]+)(=|<<)(.*)$/s.exec(line) ?? [];
    if (name === undefined || rest === undefined) throw new Error(`neither name=value nor name<<END: ${line}`);
    if (separator === '=') values[name] = rest;
    else {
      const end = lines.indexOf(rest, at + 1);
      if (end === -1) throw new Error(`${name} has no ${rest}`);
      values[name] = lines.slice(at + 1, end).join('\n');
      at = end;
    }
  }
  return values;
}
